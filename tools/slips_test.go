package tools_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
	"pgregory.net/rapid"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
)

const someID = "7f6a2c1e-93d4-4b0a-8c55-0d1e2f3a4b5c"

// TestSlipsAreUnderstood compares the request of a call with that of what was
// plainly meant.
func TestSlipsAreUnderstood(t *testing.T) {
	id := func(written string) string {
		b, err := json.Marshal(map[string]string{"task_id": written})
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for _, c := range []struct{ tool, given, meant string }{
		{"list_tasks", `{"status":null,"difficulty":"","sort":"  ","project_id":"null","page":"none","limit":"undefined"}`, `{}`},
		{"list_tasks", `{"status":"all","difficulty":"Any","project_id":"all"}`, `{}`},
		{"list_tasks", `{"status":"In Review","difficulty":"HARD","sort":" Payout "}`, `{"status":"in_review","difficulty":"hard","sort":"payout"}`},
		{"list_tasks", `{"status":"in-review"}`, `{"status":"in_review"}`},
		{"list_tasks", `{"status":"inReview"}`, `{"status":"in_review"}`},
		{"list_tasks", `{"status":"'available'"}`, `{"status":"available"}`},
		{"list_tasks", `{"page":" 3 ","limit":3.0}`, `{"page":3,"limit":3}`},
		{"list_tasks", `{"page":"3.0","limit":"+7"}`, `{"page":3,"limit":7}`},
		{"list_tasks", `"{\"status\":\"available\"}"`, `{"status":"available"}`},
		{"list_tasks", `"{}"`, `{}`},
		{"list_tasks", `""`, `{}`},
		{"list_tasks", `null`, `{}`},
		{"list_projects", `{"status":"ALL","sort":"Progress"}`, `{"sort":"progress"}`},
		{"update_profile", `{"display_name":"","bio":"Hello"}`, `{"bio":"Hello"}`},
		{"update_profile", `{"display_name":"Nova","bio":"null"}`, `{"display_name":"Nova"}`},
		{"update_profile", `{"display_name":"none","bio":"undefined"}`, `{"display_name":"none","bio":"undefined"}`}, // they are texts
		{"register_agent", `{"username":" nova-1 ","bio":" ","display_name":"NULL"}`, `{"username":"nova-1"}`},
		{"vote_on_project", `{"project_id":"p-1","value":"up"}`, `{"project_id":"p-1","value":1}`},
		{"vote_on_project", `{"project_id":"p-1","value":"+1"}`, `{"project_id":"p-1","value":1}`},
		{"vote_on_project", `{"project_id":"p-1","value":"1"}`, `{"project_id":"p-1","value":1}`},
		{"vote_on_project", `{"project_id":"p-1","value":"Down"}`, `{"project_id":"p-1","value":-1}`},
		{"vote_on_project", `{"project_id":"polt://projects/p-1","value":"-1"}`, `{"project_id":"p-1","value":-1}`},
		{"get_task", id("  " + someID + "\n"), id(someID)},
		{"get_task", id(`"` + someID + `"`), id(someID)},
		{"get_task", id("`" + someID + "`"), id(someID)},
		{"get_task", id(strings.ToUpper(someID)), id(someID)},
		{"get_task", id("polt://tasks/" + someID), id(someID)},
		{"get_task", id("https://polt.fun/tasks/" + someID), id(someID)},
		{"get_task", id("https://polt.fun.ngrok.app/api/tasks/" + someID + "/"), id(someID)},
		{"get_task", id("ABC"), id("ABC")}, // no UUID: it may matter
		{"get_task", `{"task_id":42}`, `{"task_id":"42"}`},
		{"get_agent", `{"username":"polt://agents/nova-1"}`, `{"username":"nova-1"}`},
		{"get_agent", `{"username":"none"}`, `{"username":"none"}`}, // an agent may be called so
		{"reply_to_project", `{"project_id":"p-1","body":"null"}`, `{"project_id":"p-1","body":"null"}`},
		{"get_task", `{"task_id":"t-1","detail":"FULL"}`, `{"task_id":"t-1"}`},
	} {
		var requests [2]string
		for i, arguments := range []string{c.given, c.meant} {
			p := &platform{answer: []byte("200\n\n{}")}
			if r := newSet(t, p, nil).Call(t.Context(), c.tool, json.RawMessage(arguments)); p.request == nil {
				t.Errorf("%s %s: %s", c.tool, arguments, textOf(r))
			}
			requests[i] = string(p.request)
		}
		if requests[0] != requests[1] {
			t.Errorf("%s %s sends\n%s\nand not\n%s", c.tool, c.given, requests[0], requests[1])
		}
	}
}

func TestWhatIsNoSlipIsRefusedInWords(t *testing.T) {
	for _, c := range []struct{ tool, given, says string }{
		{"get_task", `{"taskId":"t"}`, "taskId is unknown: did you mean task_id?"},
		{"get_task", `{"id":"t"}`, "Nothing was sent: id is unknown: did you mean task_id?; the arguments are task_id, detail. Correct"},
		{"get_project", `{"id":"p"}`, "id is unknown: did you mean project_id?"},
		{"get_agent", `{"user_name":"p"}`, "did you mean username?"},
		{"list_tasks", `{"stauts":"available"}`, "did you mean status?"},
		{"list_tasks", `{"query":"forms"}`, "did you mean contains?"},
		{"submit_work", `{"task_id":"t","content":"x"}`, "did you mean submission_content?"},
		{"register_agent", `{"name":"nova-1"}`, "name is unknown: did you mean username?"}, // not display_name, which is optional
		{"list_tasks", `{" limit":1}`, `" limit" is unknown: did you mean limit?`},
		{"list_tasks", `{"li\u200bmit":1}`, `"li\u200bmit" is unknown: did you mean limit?`},
		{"list_tasks", `{"colour":"red"}`, "colour is unknown; the arguments are"},
		{"get_task", `{"task_id":"Fix the parser of the forms"}`, "task_id is an id such as 7f6a2c1e-…, from list_tasks; this looks like a title"},
		{"get_task", `{"task_id":"polt://projects/p-1"}`, "this looks like an address of something else"},
		{"get_agent", `{"username":"Nova One"}`, "username is a name such as nova-1; this looks like a display name"},
		{"get_task", `{"task_id":" "}`, "task_id is required"},
		{"list_tasks", `{"status":"done"}`, `"done" is not one of available, committed, in_review, completed`},
		{"list_tasks", `{"status":"hardé"}`, "is not one of"},
		{"list_tasks", `{"sort":"all"}`, `"all" is not one of new, payout, deadline`},
		{"vote_on_project", `{"project_id":"p","value":"yes"}`, "value must be a whole number"},
		{"vote_on_project", `{"project_id":"p","value":""}`, "value is required"},
		{"list_tasks", `"[]"`, "the arguments must be a JSON object"},
		{"list_tasks", `"\"{}\""`, "the arguments must be a JSON object"},
	} {
		p := &platform{}
		r := newSet(t, p, nil).Call(t.Context(), c.tool, json.RawMessage(c.given))
		if text := textOf(r); !r.IsError || p.request != nil || !strings.Contains(text, c.says) {
			t.Errorf("%s %s does not say %q: %s", c.tool, c.given, c.says, text)
		}
	}
}

// TestManyUnknownArgumentsAreRefusedInShort has a call name thousands of
// arguments that there are not.
func TestManyUnknownArgumentsAreRefusedInShort(t *testing.T) {
	unknown := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"task%05x":0`, i)
		}
		return b.String()
	}
	encoded := func(object string) string {
		b, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	const tooMany = "Nothing was sent: there are more than 1000 arguments; the arguments are task_id, detail. Correct this"
	for name, c := range map[string]struct{ given, says string }{
		"some":                     {`{"task_id":"t"` + unknown(25) + `}`, "; task00009 is unknown; 15 more are unknown; the arguments are task_id, detail. Correct this"},
		"just as many as reported": {`{"task_id":"t"` + unknown(10) + `}`, "; task00009 is unknown; the arguments are task_id, detail. Correct this"},
		"as many as are decoded":   {`{"task_id":"t"` + unknown(999) + `}`, "; 989 more are unknown; the arguments"},
		"one more":                 {`{"task_id":"t"` + unknown(1000) + `}`, tooMany},
		"very many":                {`{"task_id":"t"` + unknown(100_000) + `}`, tooMany},
		"a name with an escape":    {`{"task\u005fid":"t"` + unknown(100_000) + `}`, tooMany},
		"in a string":              {encoded(`{"task_id":"t"` + unknown(100_000) + `}`), tooMany},
	} {
		p := &platform{}
		text := textOf(newSet(t, p, nil).Call(t.Context(), "get_task", json.RawMessage(c.given)))
		if p.request != nil || !strings.Contains(text, c.says) || len(text) > 1000 {
			t.Errorf("%s: %d bytes: %.1000s", name, len(text), text)
		}
	}
}

func TestToolThatIsNoneIsRefusedWithTheOneMeant(t *testing.T) {
	for name, says := range map[string]string{
		"getTask": "Did you mean get_task?", "list_task": "Did you mean list_tasks?", "submitWork": "Did you mean submit_work?",
		"whoami": "Did you mean get_my_status?", "claim_task": "Did you mean commit_to_task?", "polt_get_task": "Did you mean get_task?",
		"make_coffee": "Choose one of the tools that are listed",

		"approve_submission": "only OpenPOLT, the CTO, does this. An agent can use get_task to read the reviews of a task.", "review_submission": "only OpenPOLT", "rejectWork": "only OpenPOLT",
		"request_revision": "only OpenPOLT", "delete_task": "An agent can use abandon_task to give back", "create_project": "An agent can use list_projects",
		"create_task": "only OpenPOLT", "ban_agent": "only OpenPOLT", "advance_project": "An agent can use vote_on_project", "update_task": "only OpenPOLT",
		"get_pending_reviews": "An agent can use get_my_status",
	} {
		set := newSet(t, &platform{}, nil)
		r := set.Call(t.Context(), name, nil)
		if text := textOf(r); !r.IsError || !strings.Contains(text, says) {
			t.Errorf("%s: %s", name, text)
		}
		e, ok := errors.AsType[*tools.Error](set.Missing(name))
		if !ok || e.Code() != polt.CodeInvalidArgument || !strings.Contains(e.Message, says) {
			t.Errorf("%s: %v", name, e)
		}
	}
	off := newSet(t, &platform{}, func(o *tools.Options) { o.Except = []string{"abandon_task"} })
	if text := textOf(off.Call(t.Context(), "delete_task", nil)); strings.Contains(text, "abandon_task") {
		t.Errorf("it names a tool that is off: %s", text)
	}
	e, ok := errors.AsType[*tools.Error](off.Missing("abandon_task"))
	if !ok || e.Code() != polt.CodeForbidden || !strings.Contains(e.Message, "--exclude-tools") {
		t.Errorf("%v", e)
	}
	for _, tool := range off.Tools() {
		if err := off.Missing(tool.Name); err != nil {
			t.Errorf("%s: %v", tool.Name, err)
		}
	}
}

// spellings returns ways to write a value of a property.
func spellings(t *rapid.T, name string, s *jsonschema.Schema, v any) any {
	switch {
	case s.Type == "integer":
		n := v.(int)
		return rapid.SampledFrom([]any{n, float64(n), fmt.Sprint(n), fmt.Sprintf(" %d ", n), fmt.Sprintf("%d.0", n), json.RawMessage(fmt.Sprintf("%d.0", n))}).Draw(t, name)
	case len(s.Enum) > 0:
		w := v.(string)
		spaced := strings.ReplaceAll(w, "_", " ")
		return rapid.SampledFrom([]any{w, strings.ToUpper(w), " " + w + "\n", spaced, strings.ReplaceAll(w, "_", "-"), strings.ToUpper(spaced), `"` + w + `"`}).Draw(t, name)
	case name == "task_id" || name == "project_id":
		id := v.(string)
		folder := strings.TrimSuffix(name, "_id") + "s"
		return rapid.SampledFrom([]any{id, " " + id, "'" + id + "'", strings.ToUpper(id), "polt://" + folder + "/" + id, "https://polt.fun/api/" + folder + "/" + id}).Draw(t, name)
	}
	return v
}

// TestEverySpellingSendsTheSame draws arguments of a tool, writes them in other
// ways, and leaves some out in the ways in which a host does.
func TestEverySpellingSendsTheSame(t *testing.T) {
	all := newSet(t, &platform{}, nil).Tools()
	rapid.Check(t, func(rt *rapid.T) {
		tool := rapid.SampledFrom(all).Draw(rt, "tool")
		var schema jsonschema.Schema
		if decoders[tool.Name] == nil || json.Unmarshal(tool.RawInputSchema, &schema) != nil {
			return
		}
		plain, spelled := map[string]any{}, map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
			s := schema.Properties[name]
			if name == "contains" || name == "currency" || name == "due_within_hours" || name == "another" { // they make more requests, or none
				continue
			}
			if !slices.Contains(schema.Required, name) && rapid.Bool().Draw(rt, "leave "+name) {
				nothings := []any{nil, "", "  ", "null", "NULL"}
				if s.Type == "integer" || len(s.Enum) > 0 || strings.HasSuffix(name, "_id") {
					nothings = append(nothings, "none", "undefined")
				}
				spelled[name] = rapid.SampledFrom(nothings).Draw(rt, name)
				continue
			}
			plain[name] = value(rt, name, s)
			spelled[name] = spellings(rt, name, s, plain[name])
		}
		var requests [2][]byte
		for i, arguments := range []any{plain, spelled} {
			b, err := json.Marshal(arguments)
			if err != nil {
				rt.Fatal(err)
			}
			if i == 1 && rapid.Bool().Draw(rt, "as a string") {
				if b, err = json.Marshal(string(b)); err != nil {
					rt.Fatal(err)
				}
			}
			p := &platform{answer: []byte("200\n\n{}")}
			r := newSet(t, p, nil).Call(t.Context(), tool.Name, b)
			if p.request == nil && (tool.Name != "update_profile" || len(plain) > 0) {
				rt.Fatalf("%s %s: %s", tool.Name, b, textOf(r))
			}
			requests[i] = p.request
		}
		if !bytes.Equal(requests[0], requests[1]) {
			rt.Fatalf("%v sends\n%s\nand %v\n%s", plain, requests[0], spelled, requests[1])
		}
	})
}

// value draws a value of a property, as its schema has it.
func value(t *rapid.T, name string, s *jsonschema.Schema) any {
	switch {
	case name == "value":
		return rapid.SampledFrom([]int{1, -1}).Draw(t, name)
	case s.Type == "integer":
		return rapid.IntRange(1, 100).Draw(t, name)
	case s.Type == "boolean":
		return rapid.Bool().Draw(t, name)
	case len(s.Enum) > 0:
		return rapid.SampledFrom(s.Enum).Draw(t, name)
	case strings.HasSuffix(name, "_id"):
		return rapid.StringMatching(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`).Draw(t, name)
	case name == "username":
		return rapid.StringMatching(`[a-z]{3,8}-[0-9]`).Draw(t, name)
	}
	return rapid.StringMatching(`[A-Z][a-z]{2,9}( [a-z]{2,9}){1,4}\.`).Draw(t, name)
}

// TestNothingElseGetsThrough sends any text for what has a form: what reaches the
// platform has it.
func TestNothingElseGetsThrough(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[ _"'-]*(in_?review|all|easy|3|0x3|1e1|/tasks/a|polt://tasks/a)[ /."é_-]*`)).Draw(rt, "text")
		for argument, allowed := range map[string][]string{"status": polt.TaskStatus("").Values(), "difficulty": polt.Difficulty("").Values(), "page": nil, "project_id": nil} {
			b, err := json.Marshal(map[string]string{argument: text})
			if err != nil {
				rt.Fatal(err)
			}
			var sent string
			spy := spyOn(func(r *http.Request) { sent = r.URL.Query().Get(argument) })
			newSet(t, spy, nil).Call(t.Context(), "list_tasks", b)
			isPlain := func(r rune) bool { return r < '0' || r > '9' }
			switch {
			case sent == "":
			case allowed != nil && !slices.Contains(allowed, sent), argument == "page" && strings.ContainsFunc(sent, isPlain):
				rt.Fatalf("%s %q is sent as %q", argument, text, sent)
			case argument == "project_id" && !strings.Contains(strings.ToLower(text), strings.ToLower(sent)):
				rt.Fatalf("%s %q is sent as %q", argument, text, sent)
			}
		}
	})
}

type spyOn func(*http.Request)

func (spy spyOn) RoundTrip(r *http.Request) (*http.Response, error) {
	spy(r)
	return instant(`{"tasks":[]}`).RoundTrip(r)
}

func TestNobodyRegistersTwiceByAccident(t *testing.T) {
	key := keyNamed(t, "polt_active_key")
	answers := fakePaths{"/api/auth/verify": `{"username":"nova-1"}`, "/api/auth/register": `{"agent_id":"7","api_key":"polt_new_secret"}`}
	register := func(t *testing.T, arguments string, change func(*tools.Options)) (string, int64) {
		p := &countedPaths{paths: answers}
		text := textOf(newSet(t, p, change).Call(t.Context(), "register_agent", json.RawMessage(arguments)))
		return text, p.n.Load()
	}
	active := func(o *tools.Options) { o.Key = func(context.Context) polt.Key { return key } }
	for name, c := range map[string]struct {
		arguments string
		change    func(*tools.Options)
		says      string
		requests  int64
	}{
		"nobody":                         {`{"username":"nova-2"}`, nil, "polt_new_secret", 1},
		"somebody, as the platform says": {`{"username":"nova-2"}`, active, "you are already nova-1. Go on as that agent. For a second identity, on purpose, call register_agent with another: true, or ask the user to run polt-mcp auth register", 1},
		"somebody, as is known":          {`{"username":"nova-2"}`, func(o *tools.Options) { active(o); o.Who = func(context.Context) string { return "nova-3" } }, "you are already nova-3", 0},
		"on purpose":                     {`{"username":"nova-2","another":"true"}`, active, "polt_new_secret", 1},
		"one whose key is stored": {`{"username":"nova-4"}`, func(o *tools.Options) {
			o.Resume = func(_ context.Context, username string) string { return username }
		}, "you are already nova-4, whose key is stored here and is used from now on", 0},
	} {
		t.Run(name, func(t *testing.T) {
			text, requests := register(t, c.arguments, c.change)
			if !strings.Contains(text, c.says) || requests != c.requests {
				t.Errorf("%d requests: %s", requests, text)
			}
		})
	}
}

// TestWhoHasJustRegisteredIsNotToldTo is about callers who set their keys
// themselves, as over HTTP.
func TestWhoHasJustRegisteredIsNotToldTo(t *testing.T) {
	now := testNow
	set := newSet(t, fakePaths{"/api/auth/register": `{"agent_id":"7","api_key":"polt_new_secret"}`}, func(o *tools.Options) {
		o.Now = func() time.Time { return now }
		o.Key = func(context.Context) polt.Key { return polt.Key{} }
		o.KeyHint = func(_ context.Context, canRegister bool) string {
			if canRegister {
				return "Call register_agent"
			}
			return "Have the user set the header"
		}
		o.Caller = func(ctx context.Context) (string, bool) {
			from, _ := ctx.Value(keyOf{}).(string)
			return from, strings.HasPrefix(from, "session")
		}
	})
	here, there := context.WithValue(t.Context(), keyOf{}, "192.0.2.1"), context.WithValue(t.Context(), keyOf{}, "192.0.2.2")
	verify := func(ctx context.Context) string { return textOf(set.Call(ctx, "verify_key", nil)) }
	if text := verify(here); !strings.Contains(text, "Call register_agent") {
		t.Error(text)
	}
	if text := textOf(set.Call(here, "register_agent", json.RawMessage(`{"username":"nova-1"}`))); !strings.Contains(text, "Give the user this header for the host's configuration: Authorization: Bearer") || !strings.Contains(text, "Do not register again") {
		t.Error(text)
	}
	if text := verify(here); !strings.Contains(text, "nova-1 has just been registered from here. If that was you, do not register again. Have the user set the header") || strings.Contains(text, "Call register_agent") {
		t.Error(text)
	}
	if text := verify(there); !strings.Contains(text, "Call register_agent") {
		t.Errorf("another caller: %s", text)
	}
	// Others may be at the same address, but not in the same session.
	again := func(ctx context.Context, arguments string) string {
		return textOf(set.Call(ctx, "register_agent", json.RawMessage(arguments)))
	}
	if text := again(here, `{"username":"nova-2"}`); !strings.Contains(text, "polt_new_secret") {
		t.Error(text)
	}
	session := context.WithValue(t.Context(), keyOf{}, "session-1")
	if text := again(session, `{"username":"nova-3"}`); !strings.Contains(text, "polt_new_secret") {
		t.Error(text)
	}
	if text := again(session, `{"username":"nova-4"}`); !strings.Contains(text, "you have just registered nova-3, and the result had its api_key") || !strings.Contains(text, "another: true") {
		t.Error(text)
	}
	if text := again(session, `{"username":"nova-4","another":true}`); !strings.Contains(text, "polt_new_secret") {
		t.Error(text)
	}
	now = now.Add(2 * time.Hour)
	if text := verify(here); !strings.Contains(text, "Call register_agent") {
		t.Errorf("two hours later: %s", text)
	}
}
