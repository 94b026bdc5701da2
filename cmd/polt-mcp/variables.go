package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/openpolt/polt-mcp/internal/credentials"
)

// variables resolves flags that are not given from the environment: --some-flag
// from POLT_SOME_FLAG.
type variables struct{ env *environment }

// protects reports whether a flag restricts what is done, or for whom. Ignoring
// an empty one would allow what it is meant to prevent.
func protects(flag string) bool {
	switch flag {
	case "read-only", "tools", "exclude-tools", "agent", "max-writes-per-minute", "journal", "sandbox",
		"admin-addr", "trusted-proxy", "tls-cert", "tls-key", "caller-token", "caller-rate", "caller-in-flight", "total-rate", "total-in-flight":
		return true
	}
	return false
}

// Validate rejects empty values of protecting flags, such as a shell passes for
// an unset variable.
func (variables) Validate(app *kong.Application) error {
	for _, command := range app.Leaves(false) {
		for _, f := range command.Flags {
			if !f.Set || !protects(f.Name) {
				continue
			}
			switch v := f.Target.Interface().(type) {
			case []string:
				if strings.TrimSpace(strings.Join(v, "")) == "" {
					return fmt.Errorf("--%s is empty: set it, or remove it", f.Name)
				}
			case string:
				if v == "" {
					return fmt.Errorf("--%s is empty: set it, or remove it", f.Name)
				}
				if credentials.Unexpanded(v) {
					return fmt.Errorf("--%s %s", f.Name, unexpanded)
				}
			}
		}
	}
	return nil
}

const unexpanded = "is the text of a variable that was not expanded: set it, or take the line out"

func (v variables) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	name := variable(flag.Value)
	if name == "" {
		return nil, nil
	}
	value := v.env.getenv(name)
	switch {
	case value == "":
		return nil, nil
	case credentials.Unexpanded(value) && protects(flag.Name):
		return nil, errors.New(name + " " + unexpanded)
	case credentials.Unexpanded(value):
		_, _ = fmt.Fprintf(v.env.err, "polt-mcp: %s is the text of a variable that your MCP host did not expand; going on without it\n", name)
		return nil, nil
	}
	return value, nil
}

// variable returns a flag's environment variable, or "" if it has none.
func variable(v *kong.Value) string {
	if v.Flag == nil || v.Name == "help" || v.Name == "json" || v.Tag.Has("novariable") {
		return ""
	}
	return "POLT_" + strings.ToUpper(strings.ReplaceAll(v.Name, "-", "_"))
}

func helpWithVariable(v *kong.Value) string {
	if name := variable(v); name != "" {
		return strings.TrimSuffix(v.Help, ".") + " (" + name + ")."
	}
	return v.Help
}
