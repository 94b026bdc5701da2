package sandbox_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/openpolt/polt-mcp/polt/sandbox"
)

// TestScenarios plays testdata/scenarios: each file is a life in an empty world.
//
//	agents ada bob                      registers agents, whose ids are $ada and $bob
//	ada POST /api/tasks/$task/commit    asks as ada; nobody and cto are others
//	200 {"task": {"status": "…"}}       is what must be answered
//
// Of an object, the members that are given must be there; a list must be as it
// is given. A string "$name" takes the value where the name is new, and is the
// value where it is not; "$_" is anything.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/scenarios/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scenarios", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s := open(t, fixed())
			(&scenario{t: t, sandbox: s, keys: map[string]string{"nobody": "", "cto": s.CTOKey().Reveal()}, values: map[string]any{}}).play(file, string(text))
		})
	}
}

type scenario struct {
	t       *testing.T
	sandbox *sandbox.Sandbox
	keys    map[string]string
	values  map[string]any
	asked   string
	got     *answer // nil where the last request's answer has been seen
}

func (c *scenario) play(file, text string) {
	for i, line := range strings.Split(text, "\n") {
		if err := c.line(strings.TrimSpace(line)); err != nil {
			c.t.Fatalf("%s:%d: %s: %v", file, i+1, c.asked, err)
		}
	}
	if c.got != nil {
		c.t.Errorf("%s: nothing is expected of the last request", file)
	}
}

var variable = regexp.MustCompile(`\$[a-z0-9]+`)

func (c *scenario) line(line string) error {
	first, rest, _ := strings.Cut(line, " ")
	switch {
	case line == "" || strings.HasPrefix(line, "#"):
		return nil
	case first == "agents":
		for _, name := range strings.Fields(rest) {
			a := send(c.t, c.sandbox, request(c.t, "", "POST", "/api/auth/register", fmt.Sprintf(`{"username":%q}`, name)))
			var r struct {
				ID  string `json:"agent_id"`
				Key string `json:"api_key"`
			}
			if err := json.Unmarshal(a.body, &r); err != nil || r.Key == "" {
				return fmt.Errorf("register %s: %d %s", name, a.status, a.body)
			}
			c.keys[name], c.values["$"+name] = r.Key, r.ID
		}
		return nil
	case '0' <= first[0] && first[0] <= '9':
		return c.expect(first, rest)
	}
	key, ok := c.keys[first]
	if !ok {
		return fmt.Errorf("there is no agent %q", first)
	}
	if c.got != nil {
		return fmt.Errorf("nothing is expected of it")
	}
	c.asked = line
	rest = variable.ReplaceAllStringFunc(rest, func(name string) string {
		if v, ok := c.values[name]; ok {
			return fmt.Sprint(v)
		}
		return name
	})
	method, rest, _ := strings.Cut(rest, " ")
	target, body, _ := strings.Cut(rest, " ")
	a := send(c.t, c.sandbox, request(c.t, key, method, target, body))
	c.got = &a
	return nil
}

func (c *scenario) expect(status, body string) error {
	a := c.got
	if a == nil {
		return fmt.Errorf("nothing was asked")
	}
	c.got = nil
	if fmt.Sprint(a.status) != status {
		return fmt.Errorf("answered with %d, not %s: %s", a.status, status, a.body)
	}
	if body == "" {
		return nil
	}
	var want, got any
	if err := json.Unmarshal([]byte(body), &want); err != nil {
		return err
	}
	if err := json.Unmarshal(a.body, &got); err != nil {
		return err
	}
	if err := c.match("", want, got); err != nil {
		return fmt.Errorf("%w\nin %s", err, a.body)
	}
	return nil
}

// match compares an answer with what is expected of it.
func (c *scenario) match(path string, want, got any) error {
	switch want := want.(type) {
	case map[string]any:
		members, ok := got.(map[string]any)
		if !ok {
			return fmt.Errorf("%s is %v, not an object", path, got)
		}
		for name := range maps.Keys(want) {
			v, ok := members[name]
			if !ok {
				return fmt.Errorf("%s.%s is missing", path, name)
			}
			if err := c.match(path+"."+name, want[name], v); err != nil {
				return err
			}
		}
		return nil
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			return fmt.Errorf("%s is not a list of %d", path, len(want))
		}
		for i := range want {
			if err := c.match(fmt.Sprintf("%s[%d]", path, i), want[i], list[i]); err != nil {
				return err
			}
		}
		return nil
	case string:
		if strings.HasPrefix(want, "$") {
			if known, ok := c.values[want]; ok {
				return c.match(path, known, got)
			}
			if want != "$_" {
				c.values[want] = got
			}
			return nil
		}
	}
	if want != got {
		return fmt.Errorf("%s is %v, not %v", path, got, want)
	}
	return nil
}
