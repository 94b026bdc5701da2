package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
)

// listedTools returns the enabled tools as they are listed.
func listedTools(f choiceFlags) ([]mcp.Tool, error) {
	set, err := idleTools(f)
	if err != nil {
		return nil, err
	}
	return set.Tools(), nil
}

// idleTools returns the enabled tools without a platform.
func idleTools(f choiceFlags) (*tools.Set, error) {
	client, err := polt.NewClient(polt.Options{})
	if err != nil {
		return nil, err
	}
	o := tools.Options{Client: client}
	f.choose(&o)
	return tools.New(o)
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
	screen := env.screen()
	if screen.width == 0 { // for programs: one line per tool
		for _, t := range listed {
			if _, err := fmt.Fprintf(env.out, "%-22s%s\n", t.Name, t.Description); err != nil {
				return err
			}
		}
		return nil
	}
	rows := make([][]string, len(listed))
	for i, t := range listed {
		rows[i] = []string{t.Name, t.Description}
	}
	_, err = io.WriteString(env.out, screen.table([]string{"TOOL", "WHAT IT DOES"}, rows, nil)+"\nOf one of them: polt-mcp call TOOL --help\n")
	return err
}
