package tools_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
	"github.com/openpolt/polt-mcp/tools/guide"
)

// The platform may repeat the key, and have other members that look like it.
const registered = "201\n\n" + `{"agent_id":"7a1d","api_key":"polt_secret","API_KEY":"no key","welcome":"hi","message":"polt_secret is yours"}`

func register(t *testing.T, change func(*tools.Options)) string {
	t.Helper()
	r := newSet(t, &platform{answer: []byte(registered)}, change).Call(t.Context(), "register_agent", json.RawMessage(`{"username":"ada"}`))
	if r.IsError {
		t.Fatal(r.Content)
	}
	return string(r.RawStructuredContent)
}

func TestRegisteringKeepsTheKeyInsteadOfShowingIt(t *testing.T) {
	type keep = func(context.Context, string, polt.Registration) (tools.StoredKey, error)
	for name, c := range map[string]struct {
		keep  keep
		shows bool
		want  []string
	}{
		"nowhere to keep it": {nil, true, []string{"shown only once"}},
		"in a file": {func(_ context.Context, username string, r polt.Registration) (tools.StoredKey, error) {
			if username != "ada" || r.APIKey.Reveal() != "polt_secret" || r.AgentID != "7a1d" {
				t.Errorf("kept %s %s %s", username, r.AgentID, r.APIKey.Reveal())
			}
			return tools.StoredKey{File: "/home/ada/credentials.json"}, nil
		}, false, []string{`"credentials_file":"/home/ada/credentials.json"`, "now acts as ada"}},
		"kept for an agent who is another, but not stored": {func(context.Context, string, polt.Registration) (tools.StoredKey, error) {
			return tools.StoredKey{ActingAs: "grace"}, errors.New("disk full")
		}, true, []string{"could not be stored (disk full)", "still acts as grace"}},
		"in memory": {func(context.Context, string, polt.Registration) (tools.StoredKey, error) {
			return tools.StoredKey{}, nil
		}, false, []string{"gone when it ends"}},
		"beside a key that is active": {func(context.Context, string, polt.Registration) (tools.StoredKey, error) {
			return tools.StoredKey{File: "f", ActingAs: "grace", Switch: "restart with --agent ada"}, nil
		}, false, []string{"still acts as grace", "restart with --agent ada"}},
		"it cannot be written": {func(context.Context, string, polt.Registration) (tools.StoredKey, error) {
			return tools.StoredKey{}, errors.New("disk full")
		}, true, []string{"could not be stored (disk full)", "shown only once"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := register(t, func(o *tools.Options) { o.StoreKey = c.keep })
			if strings.Contains(got, "polt_secret") != c.shows {
				t.Errorf("shows the key: %v, not %v: %s", !c.shows, c.shows, got)
			}
			for _, want := range append(c.want, `"agent_id":"7a1d"`, `"welcome":"hi"`) {
				if !strings.Contains(got, want) {
					t.Errorf("%s has no %s", got, want)
				}
			}
		})
	}
}

func TestResultsComeInTheFormThatIsChosen(t *testing.T) {
	for form, want := range map[tools.Results][2]bool{
		tools.ResultsBoth: {true, true}, tools.ResultsStructured: {true, false}, tools.ResultsText: {false, true},
	} {
		set := newSet(t, &platform{answer: []byte("200\n\n{}")}, func(o *tools.Options) { o.Results = form })
		r := set.Call(t.Context(), "list_tasks", nil)
		if got := [2]bool{r.RawStructuredContent != nil, len(r.Content) > 0}; got != want {
			t.Errorf("%s: structured and text are %v", form, got)
		}
		for _, tool := range set.Tools() {
			if (tool.RawOutputSchema != nil) != want[0] {
				t.Errorf("%s: %s has an output schema: %v", form, tool.Name, !want[0])
			}
		}
	}
	client, err := polt.NewClient(polt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tools.New(tools.Options{Client: client, Results: "xml"}); err == nil {
		t.Error("a form that there is not was taken")
	}
	if _, err := tools.New(tools.Options{}); err == nil {
		t.Error("a set without a client was made")
	}
}

func TestKeyIsAskedForOnEachCall(t *testing.T) {
	p := &platform{answer: []byte("200\n\n{}")}
	set := newSet(t, p, func(o *tools.Options) {
		o.KeyHint = func(context.Context, bool) string { return "Ask for a key" }
		o.Key = func(ctx context.Context) polt.Key { k, _ := ctx.Value(keyOf{}).(polt.Key); return k }
	})
	r := set.Call(t.Context(), "verify_key", nil)
	if text := r.Content[0].(mcp.TextContent).Text; !r.IsError || p.request != nil || !strings.Contains(text, "Ask for a key") || !strings.Contains(text, `"unauthenticated"`) {
		t.Errorf("without a key: %s", text)
	}
	k, err := polt.ParseKey("polt_another")
	if err != nil {
		t.Fatal(err)
	}
	r = set.Call(context.WithValue(t.Context(), keyOf{}, k), "verify_key", nil)
	if r.IsError || !strings.Contains(string(p.request), "Bearer polt_another") {
		t.Errorf("with a key: %v %s", r.Content, p.request)
	}
}

type keyOf struct{}

type panicking struct{}

func (panicking) RoundTrip(*http.Request) (*http.Response, error) { panic("polt_secret") }

func TestPanicIsAnErrorThatTellsNothing(t *testing.T) {
	var ended tools.Call
	set := newSet(t, panicking{}, func(o *tools.Options) { o.OnCall = func(_ context.Context, c tools.Call) { ended = c } })
	r := set.Call(t.Context(), "list_tasks", nil)
	text := r.Content[0].(mcp.TextContent).Text
	if !r.IsError || strings.Contains(text, "secret") || !strings.Contains(text, `"internal"`) {
		t.Errorf("%s", text)
	}
	if ended.Panic != "polt_secret" || ended.Code != polt.CodeInternal || ended.Tool != "list_tasks" {
		t.Errorf("told of %+v", ended)
	}
}

func TestCallThatEndsIsTold(t *testing.T) {
	var codes []polt.Code
	set := newSet(t, &platform{answer: []byte("404\n\n{}")}, func(o *tools.Options) {
		o.OnCall = func(_ context.Context, c tools.Call) {
			codes = append(codes, c.Code)
			if c.Duration < 0 || c.Duration > time.Minute {
				t.Errorf("it took %s", c.Duration)
			}
		}
	})
	set.Call(t.Context(), "list_tasks", json.RawMessage(`{"page":0}`))
	set.Call(t.Context(), "get_task", json.RawMessage(`{"task_id":"t"}`))
	if !slices.Equal(codes, []polt.Code{polt.CodeInvalidArgument, polt.CodeNotFound}) {
		t.Errorf("%q", codes)
	}
	if r := set.Call(t.Context(), "no\x1btool", nil); !r.IsError {
		t.Error("a tool that there is not was called")
	}
}

// hint returns a hint, or the protocol's default where it is not given.
func hint(given *bool, otherwise bool) bool {
	if given == nil {
		return otherwise
	}
	return *given
}

func TestAnnotationsAreCorrect(t *testing.T) {
	destructive := []string{"abandon_task", "update_profile"}
	writes := []string{"register_agent", "commit_to_task", "abandon_task", "submit_work", "vote_on_project", "reply_to_project", "update_profile"}
	notIdempotent := []string{"register_agent", "submit_work", "vote_on_project", "reply_to_project"}
	set := newSet(t, &platform{}, nil).Tools()
	if len(set) != 20 {
		t.Errorf("%d tools", len(set))
	}
	for _, tool := range set {
		a := tool.Annotations
		for what, c := range map[string][2]bool{
			"readOnly":    {hint(a.ReadOnlyHint, false), !slices.Contains(writes, tool.Name)},
			"destructive": {!hint(a.ReadOnlyHint, false) && hint(a.DestructiveHint, true), slices.Contains(destructive, tool.Name)},
			"idempotent":  {hint(a.ReadOnlyHint, false) || hint(a.IdempotentHint, false), !slices.Contains(notIdempotent, tool.Name)},
			"openWorld":   {hint(a.OpenWorldHint, true), true},
		} {
			if c[0] != c[1] {
				t.Errorf("%s: %s is %v", tool.Name, what, c[0])
			}
		}
		if tool.Title == "" {
			t.Errorf("%s has no title", tool.Name)
		}
	}
}

func TestInputSchemasAreClosedAndOfTheDialect(t *testing.T) {
	for _, tool := range newSet(t, &platform{}, nil).Tools() {
		for _, raw := range []json.RawMessage{tool.RawInputSchema, tool.RawOutputSchema} {
			var s jsonschema.Schema
			if err := json.Unmarshal(raw, &s); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Resolve(&jsonschema.ResolveOptions{ValidateDefaults: true}); err != nil {
				t.Errorf("%s: %v", tool.Name, err)
			}
			if s.Type != "object" || s.Properties == nil {
				t.Errorf("%s: %s", tool.Name, raw)
			}
		}
		if !strings.Contains(string(tool.RawInputSchema), `"additionalProperties":false`) || !strings.Contains(string(tool.RawInputSchema), `"properties":`) {
			t.Errorf("%s is not closed: %s", tool.Name, tool.RawInputSchema)
		}
		if strings.Contains(string(tool.RawOutputSchema), "additionalProperties") {
			t.Errorf("%s is not open: %s", tool.Name, tool.RawOutputSchema)
		}
	}
}

// TestThroughMCP calls a tool through mcp-go, which validates the result.
func TestThroughMCP(t *testing.T) {
	s := server.NewMCPServer("test", "1", server.WithOutputSchemaValidation())
	p := &platform{answer: []byte("200\n\n" + `{"message":"ok","task":{"id":"t"}}`)}
	newSet(t, p, nil).Register(s)
	answer := s.HandleMessage(t.Context(), json.RawMessage(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"commit_to_task","arguments":{"task_id":"t"}}}`))
	b, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), `"structuredContent":{"message":"ok","task":{"id":"t"}}`) || strings.Contains(string(b), "isError") {
		t.Errorf("%s", b)
	}
	if !strings.HasPrefix(string(p.request), "POST /api/tasks/t/commit\n") {
		t.Errorf("%s", p.request)
	}
}

func TestInstructionsFit(t *testing.T) {
	if n := len([]rune(guide.Instructions)); n >= 1500 {
		t.Errorf("the instructions have %d characters", n)
	}
	names := map[string]bool{}
	for _, tool := range newSet(t, &platform{}, nil).Tools() {
		names[tool.Name] = true
	}
	for _, word := range strings.FieldsFunc(guide.Instructions, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') }) {
		if strings.Contains(word, "_") && !names[word] && word != "review_notes" {
			t.Errorf("the instructions name %s, which is no tool", word)
		}
	}
}
