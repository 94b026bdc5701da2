package main

import "github.com/openpolt/polt-mcp/polt/sandbox"

// faultOptions are the faults that a flag asks for.
type faultOptions struct{ sandbox.FaultOptions }

// UnmarshalText reads the flag.
func (o *faultOptions) UnmarshalText(text []byte) (err error) {
	o.FaultOptions, err = sandbox.ParseFaults(string(text))
	return err
}

// faulty returns the sandbox with the faults that the flags ask for.
func (f *sandboxFlags) faulty(s *sandbox.Sandbox) (*sandbox.Faulty, error) {
	return sandbox.Faults(s, f.Faults.FaultOptions)
}
