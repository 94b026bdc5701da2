package main

import (
	"encoding/json"
	"fmt"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
)

// listedTools returns the tools that the flags choose as they are listed, for
// no platform.
func listedTools(f choiceFlags) ([]mcp.Tool, error) {
	client, err := polt.NewClient(polt.Options{})
	if err != nil {
		return nil, err
	}
	o := tools.Options{Client: client}
	f.choose(&o)
	set, err := tools.New(o)
	if err != nil {
		return nil, err
	}
	return set.Tools(), nil
}

type toolsCommand struct {
	choiceFlags
	JSON bool `help:"Print JSON with the schemas, as tools/list returns it."`
}

// Run lists the tools.
func (c *toolsCommand) Run(env *environment) error {
	listed, err := listedTools(c.choiceFlags)
	if err != nil {
		return err
	}
	if c.JSON {
		enc := json.NewEncoder(env.out)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(map[string][]mcp.Tool{"tools": listed})
	}
	for _, t := range listed {
		if _, err := fmt.Fprintf(env.out, "%-22s%s\n", t.Name, t.Description); err != nil {
			return err
		}
	}
	return nil
}
