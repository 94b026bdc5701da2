package main

import (
	"strings"

	"github.com/rs/zerolog"

	"github.com/openpolt/polt-mcp/internal/policy"
	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
)

// choiceFlags select the enabled tools.
type choiceFlags struct {
	ReadOnly     bool     `help:"Enable only the tools that read."`
	Tools        []string `placeholder:"TOOL" help:"Enable only these tools."`
	ExcludeTools []string `placeholder:"TOOL" help:"Disable these tools."`
}

// choose applies the flags to the tools' options.
func (f *choiceFlags) choose(o *tools.Options) {
	o.ReadOnly, o.Only, o.Except = f.ReadOnly, trimmed(f.Tools), trimmed(f.ExcludeTools)
}

// trimmed returns names without surrounding whitespace.
func trimmed(names []string) []string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = strings.TrimSpace(name)
	}
	return all
}

// writeFlags restrict which writes are sent, as --agent does too.
type writeFlags struct {
	MaxWritesPerMinute int    `default:"0" help:"Maximum writes in any minute per key, or per address without a key; 0 is no limit."`
	Journal            string `placeholder:"FILE" help:"Record every write in this file, as JSON lines, before and after it is sent."`
}

// keySetting names the setting in which a caller's user sets the key.
func (f *webFlags) keySetting() string {
	if f.SharedKey {
		return "the key in the Authorization header, POLT_API_KEY where there is none,"
	}
	return "the key in the Authorization header"
}

// newPolicy returns the policy for writes, or nil if all are allowed.
func (f *platformFlags) newPolicy(client *polt.Client, log zerolog.Logger, h host) (*policy.Policy, error) {
	if f.Agent == "" && f.MaxWritesPerMinute == 0 && f.Journal == "" {
		return nil, nil
	}
	return policy.New(policy.Options{
		Agent: f.Agent, KeySetting: h.keySetting, Client: client,
		MaxPerMinute: f.MaxWritesPerMinute, Address: h.address, Journal: f.Journal, Log: log,
	})
}
