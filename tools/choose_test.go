package tools_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
	"github.com/openpolt/polt-mcp/tools/guide"
)

func namesOf(set *tools.Set) []string {
	var names []string
	for _, tool := range set.Tools() {
		names = append(names, tool.Name)
	}
	return names
}

func TestToolsCanBeChosen(t *testing.T) {
	readers := []string{
		"verify_key", "list_tasks", "list_recent_tasks", "get_task", "list_projects", "get_project", "list_project_tasks",
		"get_agent", "list_contributions", "list_committed_tasks", "get_leaderboard", "get_my_status", "wait_for_review",
	}
	for name, c := range map[string]struct {
		options tools.Options
		want    []string
	}{
		"only those that read":       {tools.Options{ReadOnly: true}, readers},
		"some, in the table's order": {tools.Options{Only: []string{"submit_work", "get_task"}}, []string{"get_task", "submit_work"}},
		"some without one of them":   {tools.Options{Only: []string{"submit_work", "get_task"}, Except: []string{"submit_work"}}, []string{"get_task"}},
		"some of those that read":    {tools.Options{ReadOnly: true, Only: []string{"submit_work", "get_task"}}, []string{"get_task"}},
		"all but those that read":    {tools.Options{Except: readers}, []string{"register_agent", "commit_to_task", "abandon_task", "submit_work", "vote_on_project", "reply_to_project", "update_profile"}},
	} {
		t.Run(name, func(t *testing.T) {
			set := newSet(t, &platform{}, func(o *tools.Options) {
				o.ReadOnly, o.Only, o.Except = c.options.ReadOnly, c.options.Only, c.options.Except
			})
			if got := namesOf(set); !slices.Equal(got, c.want) {
				t.Errorf("%q", got)
			}
		})
	}
}

func TestToolThatIsOffIsNotCalled(t *testing.T) {
	for setting, change := range map[string]func(*tools.Options){
		"--read-only":     func(o *tools.Options) { o.ReadOnly = true },
		"--tools":         func(o *tools.Options) { o.Only = []string{"get_task"} },
		"--exclude-tools": func(o *tools.Options) { o.Except = []string{"commit_to_task"} },
	} {
		p := &platform{answer: []byte("200\n\n{}")}
		r := newSet(t, p, change).Call(t.Context(), "commit_to_task", json.RawMessage(`{"task_id":"t"}`))
		if text := textOf(r); !r.IsError || p.request != nil || !strings.Contains(text, "commit_to_task is off") ||
			!strings.Contains(text, setting+",") || !strings.Contains(text, `"forbidden"`) {
			t.Errorf("%s: %s", setting, text)
		}
	}
}

func TestChoiceThatCannotBeIsAnError(t *testing.T) {
	client, err := polt.NewClient(polt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for want, o := range map[string]tools.Options{
		`no tool "submit": the tools are register_agent, verify_key, list_tasks,`: {Only: []string{"get_task", "submit"}},
		`no tool "create_project"`: {Except: []string{"create_project"}},
		`no tool ""`:               {Only: []string{""}},
		"leave no tool":            {ReadOnly: true, Only: []string{"submit_work"}},
		"exclude-tools leave":      {Only: []string{"submit_work"}, Except: []string{"submit_work"}},
	} {
		o.Client = client
		if _, err := tools.New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// Every error of every tool is made with all the others off: it must name none
// of them.
func TestErrorsNameNoToolThatIsOff(t *testing.T) {
	arguments := map[string]string{
		"task_id": "t", "project_id": "p", "username": "u", "submission_content": "c", "body": "b", "value": "1", "bio": "b",
	}
	all := newSet(t, &platform{}, nil).Tools()
	for _, tool := range all {
		var schema struct{ Properties map[string]any }
		if err := json.Unmarshal(tool.RawInputSchema, &schema); err != nil {
			t.Fatal(err)
		}
		given := map[string]string{}
		for name, value := range arguments {
			if schema.Properties[name] != nil {
				given[name] = value
			}
		}
		for _, answer := range []string{"400", "401", "403", "404", "409", "429", "500", "502", "200\n\nno JSON"} {
			synctest.Test(t, func(t *testing.T) { // so that no try again is waited for
				p := &platform{answer: []byte(answer + "\n\n")}
				set := newSet(t, p, func(o *tools.Options) { o.Only = []string{tool.Name} })
				r := set.Call(t.Context(), tool.Name, object(t, given))
				if p.request == nil || !r.IsError {
					t.Fatalf("%s: %v", tool.Name, r.Content)
				}
				for _, other := range all {
					if text := textOf(r); other.Name != tool.Name && strings.Contains(text, other.Name) {
						t.Errorf("it names %s: %s", other.Name, text)
					}
				}
			})
		}
	}
}

func TestHintForAKeySaysThatNobodyCanRegister(t *testing.T) {
	set := newSet(t, &platform{}, func(o *tools.Options) {
		o.Key = func(context.Context) polt.Key { return polt.Key{} }
		o.ReadOnly = true
	})
	if text := textOf(set.Call(t.Context(), "verify_key", nil)); !strings.Contains(text, "there is none. Ask the user to set POLT_API_KEY in this server's configuration.\n") {
		t.Error(text)
	}
}

func TestInstructionsSayWhatIsOff(t *testing.T) {
	for want, change := range map[string]func(*tools.Options){
		"":                     func(*tools.Options) {},
		"that write are off":   func(o *tools.Options) { o.ReadOnly = true },
		"these tools are off":  func(o *tools.Options) { o.Except = []string{"get_task"} },
		"these tools are off ": func(o *tools.Options) { o.Only = []string{"get_task"} },
	} {
		got := newSet(t, &platform{}, change).Instructions()
		added, ok := strings.CutPrefix(got, guide.Instructions)
		if !ok || !strings.Contains(added, want) || (added == "") != (want == "") {
			t.Errorf("%q", added)
		}
		if n := len([]rune(got)); n >= 1500 {
			t.Errorf("with %q the instructions have %d characters", added, n)
		}
	}
}
