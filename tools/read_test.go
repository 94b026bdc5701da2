package tools_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
)

// readError returns the error for reading a task of a platform that gives an
// answer, with tools taken out.
func readError(t *testing.T, answer, tool string, except ...string) *tools.Error {
	t.Helper()
	set := newSet(t, &platform{answer: []byte(answer)}, func(o *tools.Options) { o.Except = except })
	_, err := set.Read(t.Context(), tool, map[string]string{"task_id": "t-1"})
	e, ok := errors.AsType[*tools.Error](err)
	if !ok {
		t.Fatalf("%v", err)
	}
	return e
}

func TestErrorOfAReadSpeaksOfReading(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		off    []string
		want   string
	}{
		"not there":                      {"404\n\n{\"error\":\"Task not found\"}", nil, "It cannot be read: HTTP 404: Task not found. Check the task_id; list_tasks shows valid ones."},
		"not there, and no list":         {"404\n\n{\"error\":\"Task not found\"}", []string{"list_tasks"}, "It cannot be read: HTTP 404: Task not found. Check the task_id."},
		"forbidden":                      {"403\n\n{\"error\":\"No\"}", nil, "It cannot be read: HTTP 403: No. Do not repeat it: this agent may not read it."},
		"too often":                      {"429\nRetry-After: 90\n\n{\"error\":\"Slow\"}", nil, "It cannot be read: HTTP 429: Slow. Wait 90 seconds, then read it again."},
		"the platform's fault":           {"503\nRetry-After: 90\n\n{\"error\":\"Down\"}", nil, "It cannot be read: HTTP 503: Down. The fault is the platform's. Wait 90 seconds, then read it again."},
		"the platform's fault, for good": {"501\n\n{\"error\":\"Never\"}", nil, "It cannot be read: HTTP 501: Never. The fault is the platform's; tell the user if it stays so."},
		"the key":                        {"401\n\n{\"error\":\"Bad\"}", nil, "It cannot be read: HTTP 401: Bad. POLT rejected the key in use. Do not register again, which would not change the key in use: ask the user to fix or remove it."},
		"nothing":                        {"200\n\n", nil, "It cannot be read: the platform answered without a body. The fault is the platform's. Wait a minute, then read it again."},
		"not JSON":                       {"200\n\n<html>", nil, "It cannot be read: the answer is not JSON: <html>. The fault is the platform's; tell the user if it stays so."},
	} {
		t.Run(name, func(t *testing.T) {
			e := readError(t, c.answer, "get_task", append(c.off, "get_task")...)
			if e.Message != c.want {
				t.Errorf("%s", e.Message)
			}
		})
	}
}

// TestReadWithoutAKey has a host say how an agent gets one.
func TestReadWithoutAKey(t *testing.T) {
	const hint, noWay = "Call register_agent to get one", "Have the user set a header"
	for off, want := range map[string]string{
		"":               "It cannot be read: this needs an API key, and there is none. " + hint + ".",
		"register_agent": "It cannot be read: this needs an API key, and there is none. " + noWay + ".",
	} {
		set := newSet(t, &platform{}, func(o *tools.Options) {
			o.Key = func(context.Context) polt.Key { return polt.Key{} }
			o.KeyHint = func(_ context.Context, canRegister bool) string {
				if !canRegister {
					return noWay
				}
				return hint
			}
			if off != "" {
				o.Except = []string{off}
			}
		})
		_, err := set.Read(t.Context(), "verify_key", struct{}{})
		if err == nil || err.Error() != want {
			t.Errorf("without %q: %v", off, err)
		}
	}
}

// TestErrorOfAServerThatIsBusy is about one that no platform gave.
func TestErrorOfAServerThatIsBusy(t *testing.T) {
	for code, want := range map[polt.Code]string{polt.CodeRateLimited: `"retryable":true`, polt.CodeNotFound: `"retryable":false`} {
		data, err := json.Marshal(tools.NewError(code, "uri", "It fails", "Wait").JSONRPC(false).Data)
		if err != nil || !strings.Contains(string(data), want) {
			t.Errorf("%s: %s %v", code, data, err)
		}
	}
}

// TestReadIsAsUsableAsTheToolsResult is about an answer without a body, which
// some tools take for one and some do not.
func TestReadIsAsUsableAsTheToolsResult(t *testing.T) {
	arguments := map[string]string{"get_task": "task_id", "list_project_tasks": "project_id", "get_agent": "username", "list_contributions": "username", "list_committed_tasks": "username", "get_project": "project_id"}
	taken := 0
	for _, tool := range newSet(t, &platform{}, nil).Tools() {
		if !hint(tool.Annotations.ReadOnlyHint, false) || decoders[tool.Name] == nil {
			continue
		}
		given := json.RawMessage(`{}`)
		if name := arguments[tool.Name]; name != "" {
			given = json.RawMessage(`{"` + name + `":"x-1"}`)
		}
		result := newSet(t, &platform{answer: []byte("200\n\n \n")}, nil).Call(t.Context(), tool.Name, given)
		read, err := newSet(t, &platform{answer: []byte("200\n\n \n")}, nil).Read(t.Context(), tool.Name, given)
		if result.IsError != (err != nil) || err == nil && string(read) != string(result.RawStructuredContent) {
			t.Errorf("%s: the tool gives %s, and a read %s %v", tool.Name, textOf(result), read, err)
		}
		if e, ok := errors.AsType[*tools.Error](err); ok && e.Code() != polt.CodeUpstreamError {
			t.Errorf("%s: %v", tool.Name, err)
		}
		if err == nil {
			taken++
		}
	}
	if taken != 1 { // that a key is good is told by the status
		t.Errorf("%d tools that read take it for an answer", taken)
	}
}

// TestOnlyWhatReadsIsRead asks for tools that write, and for one that there is
// not.
func TestOnlyWhatReadsIsRead(t *testing.T) {
	for _, tool := range []string{"commit_to_task", "update_profile", "register_agent", "none"} {
		p := &platform{answer: []byte("200\n\n{}")}
		set := newSet(t, p, nil)
		for name, read := range map[string]func(context.Context, string, any) (json.RawMessage, error){"Read": set.Read, "ReadSummary": set.ReadSummary} {
			answer, err := read(t.Context(), tool, map[string]string{"task_id": "t-1"})
			e, ok := errors.AsType[*tools.Error](err)
			if !ok || e.Code() != polt.CodeInternal || answer != nil || p.request != nil {
				t.Errorf("%s of %s: %s %v, and the platform got %q", name, tool, answer, err, p.request)
			}
		}
	}
}
