package main

import (
	"encoding/json"
	"fmt"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
)

type toolsCommand struct {
	JSON bool `help:"As JSON, with the schemas, as in the answer to tools/list."`
}

// Run lists the tools.
func (c *toolsCommand) Run(env *environment) error {
	client, err := polt.NewClient(polt.Options{})
	if err != nil {
		return err
	}
	set, err := tools.New(tools.Options{Client: client})
	if err != nil {
		return err
	}
	if c.JSON {
		enc := json.NewEncoder(env.out)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(map[string][]mcp.Tool{"tools": set.Tools()})
	}
	for _, t := range set.Tools() {
		if _, err := fmt.Fprintf(env.out, "%-22s%s\n", t.Name, t.Description); err != nil {
			return err
		}
	}
	return nil
}
