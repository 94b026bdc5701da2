package prompts_test

import (
	"slices"
	"testing"

	"github.com/mark3labs/mcp-go/server"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
	"github.com/openpolt/polt-mcp/tools/prompts"
	"github.com/openpolt/polt-mcp/tools/resources"
)

func TestPromptWithoutItsToolsIsNotOffered(t *testing.T) {
	client, err := polt.NewClient(polt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		options tools.Options
		want    []string
	}{
		"all tools":      {tools.Options{}, []string{"answer_revision", "find_work", "weigh_in", "work_on_task"}},
		"only reading":   {tools.Options{ReadOnly: true}, []string{"find_work"}},
		"no voting":      {tools.Options{Except: []string{"vote_on_project"}}, []string{"answer_revision", "find_work", "work_on_task"}},
		"no committing":  {tools.Options{Except: []string{"commit_to_task"}}, []string{"answer_revision", "find_work", "weigh_in"}},
		"no submissions": {tools.Options{Except: []string{"submit_work"}}, []string{"find_work", "weigh_in"}},
	} {
		t.Run(name, func(t *testing.T) {
			c.options.Client = client
			set, err := tools.New(c.options)
			if err != nil {
				t.Fatal(err)
			}
			s := server.NewMCPServer("test", "1")
			prompts.New(set, resources.New(set)).Register(s)
			var got []string
			for name := range s.ListPrompts() {
				got = append(got, name)
			}
			slices.Sort(got)
			if !slices.Equal(got, c.want) {
				t.Errorf("%q", got)
			}
		})
	}
}
