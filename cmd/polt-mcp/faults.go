package main

import "github.com/openpolt/polt-mcp/polt/sandbox"

// faultOptions are the faults given by a flag.
type faultOptions struct{ sandbox.FaultOptions }

// UnmarshalText parses the flag.
func (o *faultOptions) UnmarshalText(text []byte) (err error) {
	o.FaultOptions, err = sandbox.ParseFaults(string(text))
	return err
}

// faulty returns the sandbox with the faults that the flags select.
func (f *sandboxFlags) faulty(s *sandbox.Sandbox) (*sandbox.Faulty, error) {
	return sandbox.Faults(s, f.Faults.FaultOptions)
}
