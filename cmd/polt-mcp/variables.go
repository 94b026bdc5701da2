package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/openpolt/polt-mcp/internal/credentials"
)

// variables takes flags that are not given from the environment: --some-flag
// from POLT_SOME_FLAG.
type variables struct{ env *environment }

func (variables) Validate(*kong.Application) error { return nil }

func (v variables) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	name := variable(flag.Value)
	if name == "" {
		return nil, nil
	}
	value := v.env.getenv(name)
	switch {
	case value == "":
		return nil, nil
	case credentials.Unexpanded(value):
		_, _ = fmt.Fprintf(v.env.err, "polt-mcp: %s is the text of a variable that your MCP host did not expand; going on without it\n", name)
		return nil, nil
	}
	return value, nil
}

// variable returns the environment variable of a flag, or "" where it has none.
func variable(v *kong.Value) string {
	if v.Flag == nil || v.Name == "help" || v.Name == "json" {
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
