package tools_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
)

// An agent is registered, and its key stored and shown nowhere, however the
// platform wraps or repeats it.
func TestRegisteringSucceedsWhateverIsAroundTheKey(t *testing.T) {
	const object = `{"agent_id":"7a1d","api_key":"polt_0123456789abcdef"}`
	for name, body := range map[string]string{
		"a byte order mark":        "\ufeff" + object,
		"text before it":           "Notice: cache is cold\n" + object,
		"cut off after the key":    object[:len(object)-1] + `,"welcome":`,
		"repeated, with an escape": object[:len(object)-1] + `,"message":"keep \u0070olt_0123456789abcdef"}`,
		"invisible characters":     `{"agent_id":"7a1d","api_key":"polt_\u202e01234\u200b\u200d56789abcdef"}`,
		"too deep for a result":    object[:len(object)-1] + `,"x":` + strings.Repeat("[", 300) + strings.Repeat("]", 300) + `}`,
		"too deep for Go":          `{"x":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `,"y":` + object + `}`,
	} {
		var stored polt.Key
		set := newSet(t, &platform{answer: []byte("201\n\n" + body)}, func(o *tools.Options) {
			o.StoreKey = func(_ context.Context, _ string, r polt.Registration) (tools.StoredKey, error) {
				stored = r.APIKey
				return tools.StoredKey{File: "f"}, nil
			}
		})
		r := set.Call(t.Context(), "register_agent", json.RawMessage(`{"username":"ada"}`))
		got := string(r.RawStructuredContent)
		if r.IsError || stored.Reveal() != "polt_0123456789abcdef" || !strings.Contains(got, "the API key is stored; this session now acts as ada") {
			t.Errorf("%s: stored %q, and answered %v %s", name, stored.Reveal(), r.Content, got)
		}
		if !json.Valid([]byte(got)) || strings.Contains(got, "0123456789abcdef") {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestKeyThatIsNoneIsTold checks what a model is told in every result that needs a
// key, where one is configured that is none, and where POLT has rejected it.
func TestKeyThatIsNoneIsTold(t *testing.T) {
	const problem = "The Authorization header has no key, but the placeholder of an example"
	for _, c := range []struct {
		change    func(*tools.Options)
		says, not string
	}{
		{func(o *tools.Options) { o.KeyProblem = func(context.Context) string { return problem } },
			problem + ". Ask the user to fix that. Call register_agent only if they have no key", "and there is none. Call"},
		{func(o *tools.Options) {
			o.KeyProblem, o.ReadOnly = func(context.Context) string { return problem }, true
		}, problem + ". Ask the user to fix that.", "register_agent"},
	} {
		set := newSet(t, &platform{}, func(o *tools.Options) {
			o.Key = func(context.Context) polt.Key { return polt.Key{} }
			c.change(o)
		})
		for _, tool := range []string{"verify_key", "get_my_status"} {
			if text := textOf(set.Call(t.Context(), tool, nil)); !strings.Contains(text, c.says) || strings.Contains(text, c.not) {
				t.Errorf("%s: %s", tool, text)
			}
		}
	}
	set := newSet(t, &platform{answer: []byte(`401` + "\n\n" + `{"error":"Invalid API key"}`)}, func(o *tools.Options) {
		o.KeySource = func(context.Context) string { return "POLT_API_KEY_FILE" }
	})
	if text := textOf(set.Call(t.Context(), "verify_key", nil)); !strings.Contains(text, "POLT rejected the key in use (from POLT_API_KEY_FILE)") {
		t.Error(text)
	}
}
