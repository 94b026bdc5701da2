package tools_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
)

func keyNamed(t *testing.T, text string) polt.Key {
	t.Helper()
	key, err := polt.ParseKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// watchWrites is a hook that records what it is told.
type writeHook struct {
	refuse   error
	writes   []tools.Write
	outcomes []tools.Outcome
}

func (w *writeHook) begin(_ context.Context, write tools.Write) (func(tools.Outcome), error) {
	w.writes = append(w.writes, write)
	if w.refuse != nil {
		return nil, w.refuse
	}
	return func(o tools.Outcome) { w.outcomes = append(w.outcomes, o) }, nil
}

// watched returns the tools of a caller with that key, whose writes are
// watched.
func watched(t *testing.T, transport http.RoundTripper, key polt.Key, w *writeHook) *tools.Set {
	t.Helper()
	return newSet(t, transport, func(o *tools.Options) {
		o.Key = func(context.Context) polt.Key { return key }
		o.RequestID = func(context.Context) string { return "r-1" }
		o.OnWrite = w.begin
	})
}

func TestWriteIsToldBeforeAndAfterItIsSent(t *testing.T) {
	p := &platform{answer: []byte("200\n\n{}")}
	var w writeHook
	key := keyNamed(t, "polt_k")
	set := newSet(t, p, func(o *tools.Options) {
		o.Key = func(context.Context) polt.Key { return key }
		o.RequestID = func(context.Context) string { return "r-1" }
		o.OnWrite = func(ctx context.Context, write tools.Write) (func(tools.Outcome), error) {
			if p.request != nil {
				t.Error("it was sent before")
			}
			return w.begin(ctx, write)
		}
	})
	set.Call(t.Context(), "vote_on_project", json.RawMessage(`{"project_id":"p","value":"-1"}`))
	if len(w.writes) != 1 || len(w.outcomes) != 1 {
		t.Fatalf("told of %d writes and %d outcomes", len(w.writes), len(w.outcomes))
	}
	got := w.writes[0]
	var arguments map[string]any
	if err := json.Unmarshal(got.Arguments, &arguments); err != nil || arguments["project_id"] != "p" || arguments["value"] != -1.0 {
		t.Errorf("%s", got.Arguments)
	}
	if got.Tool != "vote_on_project" || got.Key != key || got.RequestID != "r-1" || got.Registers != "" {
		t.Errorf("%+v", got)
	}
	if o := w.outcomes[0]; o.Err != nil || !o.Issued.IsZero() {
		t.Errorf("%+v", o)
	}
}

func TestOnlyWritesThatAreSentAreTold(t *testing.T) {
	var w writeHook
	set := watched(t, &platform{answer: []byte("200\n\n{}")}, polt.Key{}, &w)
	set.Call(t.Context(), "list_tasks", nil)
	set.Call(t.Context(), "commit_to_task", nil)
	if r := set.Call(t.Context(), "commit_to_task", json.RawMessage(`{"task_id":"t"}`)); !strings.Contains(textOf(r), `"unauthenticated"`) {
		t.Error(textOf(r))
	}
	if len(w.writes) > 0 {
		t.Errorf("told of %+v", w.writes)
	}
}

func TestOutcomeIsTheCallsOwn(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		code   polt.Code
		status int
	}{
		"refused":      {"409\n\n{}", polt.CodeConflict, 409},
		"no JSON":      {"200\n\nhello", polt.CodeOutcomeUnknown, 200},
		"a part of it": {`200` + "\n\n" + `{"message":`, polt.CodeOutcomeUnknown, 200},
	} {
		t.Run(name, func(t *testing.T) {
			var w writeHook
			set := watched(t, &platform{answer: []byte(c.answer)}, keyNamed(t, "polt_k"), &w)
			set.Call(t.Context(), "commit_to_task", json.RawMessage(`{"task_id":"t"}`))
			if len(w.outcomes) != 1 || w.outcomes[0].Err == nil || w.outcomes[0].Err.Code != c.code || w.outcomes[0].Err.HTTPStatus != c.status {
				t.Errorf("%+v", w.outcomes)
			}
		})
	}
	var w writeHook
	watched(t, panicking{}, keyNamed(t, "polt_k"), &w).Call(t.Context(), "commit_to_task", json.RawMessage(`{"task_id":"t"}`))
	if len(w.outcomes) != 1 || w.outcomes[0].Err == nil || w.outcomes[0].Err.Code != polt.CodeInternal || strings.Contains(w.outcomes[0].Err.Message, "secret") {
		t.Errorf("of a panic: %+v", w.outcomes)
	}
}

func TestRegisteringTellsWhomAndWhichKey(t *testing.T) {
	var w writeHook
	set := watched(t, &platform{answer: []byte(registered)}, polt.Key{}, &w)
	set.Call(t.Context(), "register_agent", json.RawMessage(`{"username":"ada"}`))
	if len(w.writes) != 1 || w.writes[0].Registers != "ada" || len(w.outcomes) != 1 || w.outcomes[0].Issued.Reveal() != "polt_secret" {
		t.Errorf("%+v %+v", w.writes, w.outcomes)
	}
}

func TestWriteThatIsNotLetThroughIsNotSent(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"forbidden": {
			&polt.Error{Code: polt.CodeForbidden, Message: "the key is another's"},
			"commit_to_task was not sent: the key is another's. Do not repeat it unchanged: ask the user to change that setting.\n" + `{"code":"forbidden","retryable":false,"request_id":"r-1"}`,
		},
		"too many": {
			&polt.Error{Code: polt.CodeRateLimited, Message: "too many", Retryable: true, RetryAfter: 1500 * time.Millisecond},
			"commit_to_task was not sent: too many. Wait 2 seconds, then call commit_to_task again.\n" + `{"code":"rate_limited","retryable":true,"retry_after_s":2,"request_id":"r-1"}`,
		},
		"the platform's": {
			&polt.Error{Code: polt.CodeUnauthenticated, HTTPStatus: 401, Message: "no such key"},
			"commit_to_task was not sent: no such key. POLT rejected the key in use.",
		},
		"anything": {
			errors.New("polt_secret"),
			"commit_to_task was not sent: this server failed. This is a fault of the server; tell the user.\n" + `{"code":"internal","retryable":false,"request_id":"r-1"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			p, w := &platform{answer: []byte("200\n\n{}")}, writeHook{refuse: c.err}
			r := watched(t, p, keyNamed(t, "polt_k"), &w).Call(t.Context(), "commit_to_task", json.RawMessage(`{"task_id":"t"}`))
			if text := textOf(r); !r.IsError || p.request != nil || !strings.HasPrefix(text, c.want) {
				t.Errorf("%s", text)
			}
		})
	}
}

// A key that changes while a call is asked about must not be the one that it is
// sent with.
func TestWriteIsSentWithTheKeyThatWasAskedAbout(t *testing.T) {
	keys := []polt.Key{keyNamed(t, "polt_first"), keyNamed(t, "polt_second")}
	p := &platform{answer: []byte("200\n\n{}")}
	var w writeHook
	set := newSet(t, p, func(o *tools.Options) {
		o.Key = func(context.Context) polt.Key { k := keys[0]; keys = append(keys[1:], k); return k }
		o.OnWrite = w.begin
	})
	set.Call(t.Context(), "commit_to_task", json.RawMessage(`{"task_id":"t"}`))
	if len(w.writes) != 1 || !strings.Contains(string(p.request), "Bearer "+w.writes[0].Key.Reveal()+"\n") {
		t.Errorf("%s", p.request)
	}
}

func TestHookWithoutKeysIsAnError(t *testing.T) {
	client, err := polt.NewClient(polt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tools.New(tools.Options{Client: client, OnWrite: new(writeHook).begin}); err == nil {
		t.Error("it was taken")
	}
}
