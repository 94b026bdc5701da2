package tools_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openpolt/polt-mcp/internal/watch"
	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/polt/sandbox"
	"github.com/openpolt/polt-mcp/tools"
	"github.com/openpolt/polt-mcp/tools/resources"
)

// agent is an agent who sees the results of tools, and nothing else.
type agent struct {
	t      *testing.T
	set    *tools.Set
	key    polt.Key
	calls  int
	tokens int
}

// newAgent returns an agent on a platform, whose subscriptions poll at an
// interval.
func newAgent(t *testing.T, transport http.RoundTripper, interval time.Duration, change ...func(*tools.Options)) *agent {
	t.Helper()
	a := &agent{t: t}
	hub := watch.New(watch.Options{Interval: interval})
	t.Cleanup(hub.Close)
	var r *resources.Resources
	a.set = newSet(t, transport, func(o *tools.Options) {
		o.Now = nil
		o.Key = func(context.Context) polt.Key { return a.key }
		o.StoreKey = func(_ context.Context, _ string, r polt.Registration) (tools.StoredKey, error) {
			a.key = r.APIKey
			return tools.StoredKey{File: "/home/you/credentials.json"}, nil
		}
		o.Watch = func(ctx context.Context, uri string, changed func([]byte)) ([]byte, func(), error) {
			state, err := r.State(ctx, uri)
			if err != nil {
				return nil, nil, err
			}
			return hub.WatchState(ctx, watch.Target{ID: state.ID, Read: state.Read}, changed)
		}
		for _, change := range change {
			change(o)
		}
	})
	r = resources.New(a.set)
	return a
}

// call calls a tool and returns what the agent reads.
func (a *agent) call(tool string, arguments map[string]any) (text string, isError bool) {
	a.t.Helper()
	b, err := json.Marshal(arguments)
	if err != nil {
		a.t.Fatal(err)
	}
	r := a.set.Call(a.t.Context(), tool, b)
	text = textOf(r)
	a.calls++
	a.tokens += tokens(a.t, text)
	return text, r.IsError
}

// do is call for one that has to go well; the result has to hold texts.
func (a *agent) do(tool string, arguments map[string]any, has ...string) string {
	a.t.Helper()
	text, isError := a.call(tool, arguments)
	if isError {
		a.t.Fatalf("%s: %s", tool, text)
	}
	for _, want := range has {
		if !strings.Contains(text, want) {
			a.t.Errorf("%s does not say %q: %s", tool, want, text)
		}
	}
	return text
}

func field(t *testing.T, text string, path ...any) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	for _, step := range path {
		switch step := step.(type) {
		case string:
			v = v.(map[string]any)[step]
		case int:
			v = v.([]any)[step]
		}
	}
	return v
}

const (
	maxLifeCalls  = 12
	maxLifeTokens = 12000
	maxSixCalls   = 30
	workSize      = 20000 // characters
)

// TestLifeIsShort lives the whole life of an agent by what tools, results and
// errors tell.
func TestLifeIsShort(t *testing.T) {
	box := openSandbox(t, sandbox.Options{AutoReview: 20 * time.Millisecond})
	you := newAgent(t, box.Transport(), 5*time.Millisecond)

	you.do("register_agent", map[string]any{"username": "nova-1"}, "this session now acts as nova-1")
	list := you.do("list_tasks", map[string]any{"status": "available", "contains": "form or offline", "due_within_hours": 24 * 60}, "looked at match", "_due")
	id := field(t, list, "tasks", 0, "id").(string)
	you.do("get_task", map[string]any{"task_id": id}, "_due", "payout_display")

	// Another agent takes a task first: the error says where to look.
	other := newAgent(t, box.Transport(), time.Hour)
	other.do("register_agent", map[string]any{"username": "nova-2"})
	taken := field(t, list, "tasks", 1, "id").(string)
	other.do("commit_to_task", map[string]any{"task_id": taken})
	if text, isError := you.call("commit_to_task", map[string]any{"task_id": taken}); !isError || !strings.Contains(text, "list_tasks shows what else is available") {
		t.Errorf("committing to what another has: %s", text)
	}
	you.do("commit_to_task", map[string]any{"task_id": id}, `"status":"committed"`)
	work := strings.Repeat("All of the work, to the last point of the description. ", workSize/55)
	you.do("submit_work", map[string]any{"task_id": id, "submission_content": work}, "wait_for_review", "is not repeated")
	you.do("wait_for_review", map[string]any{"task_id": id}, `"needs_revision"`, "calls submit_work again", `"review_notes":"`)
	you.do("submit_work", map[string]any{"task_id": id, "submission_content": work + "And each note."}, "wait_for_review")
	you.do("wait_for_review", map[string]any{"task_id": id}, `"status":"completed"`, `"approved"`)
	you.do("get_my_status", nil, `"username":"nova-1"`, `"finished":{"tasks":1,"earned":["`, `"free_places":3`, "list_tasks")

	t.Logf("%d calls, %d tokens of results", you.calls, you.tokens)
	if you.calls > maxLifeCalls || you.tokens > maxLifeTokens {
		t.Errorf("a life takes %d calls and %d tokens, not at most %d and %d", you.calls, you.tokens, maxLifeCalls, maxLifeTokens)
	}
}

// TestSixTasksTakeFewCalls does six tasks at a time, each revised once.
func TestSixTasksTakeFewCalls(t *testing.T) {
	box := openSandbox(t, sandbox.Options{})
	cto := &world{t: t, box: box}
	you := newAgent(t, box.Transport(), 5*time.Millisecond)
	you.do("register_agent", map[string]any{"username": "nova-1"})
	list := you.do("list_tasks", map[string]any{"status": "available", "detail": "full", "limit": 6})
	var ids []string
	for i := range 6 {
		ids = append(ids, field(t, list, "tasks", i, "id").(string))
	}
	for _, id := range ids {
		you.do("commit_to_task", map[string]any{"task_id": id})
		you.do("submit_work", map[string]any{"task_id": id, "submission_content": "All of it."})
	}
	cto.reviewPending("POST", "/request-revision", map[string]string{"review_notes": "Revise the end."})
	you.do("wait_for_review", map[string]any{"task_id": ids[5]}, "needs_revision")
	status := you.do("get_my_status", nil, "review_notes", "Revise ")
	for _, id := range ids {
		if !strings.Contains(status, id) {
			t.Errorf("the status does not tell of %s: %s", id, status)
		}
		you.do("submit_work", map[string]any{"task_id": id, "submission_content": "All of it, and each note."})
	}
	cto.reviewPending("PATCH", "/review", map[string]string{"action": "approve", "review_notes": "Good."})
	you.do("wait_for_review", map[string]any{"task_id": ids[5]}, `"completed"`)
	if status = you.do("get_my_status", nil); field(t, status, "finished", "tasks") != 6.0 {
		t.Errorf("%s", status)
	}
	t.Logf("%d calls, %d tokens of results", you.calls, you.tokens)
	if you.calls > maxSixCalls {
		t.Errorf("six tasks take %d calls, not at most %d", you.calls, maxSixCalls)
	}
}

// TestRefusalNamesWhatCameBack is about an agent that takes a fourth task, as it does
// not know that one has come back.
func TestRefusalNamesWhatCameBack(t *testing.T) {
	box := openSandbox(t, sandbox.Options{})
	cto := &world{t: t, box: box}
	you := newAgent(t, box.Transport(), time.Hour)
	you.do("register_agent", map[string]any{"username": "nova-1"})
	list := you.do("list_tasks", map[string]any{"status": "available", "limit": 4})
	var ids []string
	for i := range 4 {
		ids = append(ids, field(t, list, "tasks", i, "id").(string))
	}
	you.do("commit_to_task", map[string]any{"task_id": ids[0]})
	you.do("submit_work", map[string]any{"task_id": ids[0], "submission_content": "All of it."})
	for _, id := range ids[1:3] {
		you.do("commit_to_task", map[string]any{"task_id": id})
	}
	cto.reviewPending("POST", "/request-revision", map[string]string{"review_notes": "Revise the end."})
	text, isError := you.call("commit_to_task", map[string]any{"task_id": ids[3]})
	if !isError || !strings.Contains(text, "These came back for a revision, and count: "+ids[0]+".") || strings.Contains(text, ids[1]) {
		t.Error(text)
	}
}

func openSandbox(t *testing.T, o sandbox.Options) *sandbox.Sandbox {
	t.Helper()
	box, err := sandbox.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := box.Close(); err != nil {
			t.Error(err)
		}
	})
	return box
}

// taskPlatform has one task, whose status changes.
type taskPlatform struct {
	status   atomic.Pointer[string]
	requests atomic.Int64
}

func (p *taskPlatform) RoundTrip(r *http.Request) (*http.Response, error) {
	p.requests.Add(1)
	return instant(fmt.Sprintf(`{"id":"t-1","title":"A task","description":"What it asks for.","status":%q}`, *p.status.Load())).RoundTrip(r)
}

func (p *taskPlatform) set(status string) { p.status.Store(&status) }

// fakePaths answers each path with a body, or with the status that the body is;
// anything else is not there.
type fakePaths map[string]string

func (p fakePaths) RoundTrip(r *http.Request) (*http.Response, error) {
	body, ok := p[r.URL.Path]
	status := 200
	if !ok {
		status, body = 404, `{"error":"Not found"}`
	} else if n, err := strconv.Atoi(body); err == nil {
		status, body = n, "{}"
	}
	resp, err := instant(body).RoundTrip(r)
	resp.StatusCode = status
	return resp, err
}

// countedPaths counts its requests.
type countedPaths struct {
	paths fakePaths
	n     atomic.Int64
}

func (p *countedPaths) RoundTrip(r *http.Request) (*http.Response, error) {
	p.n.Add(1)
	return p.paths.RoundTrip(r)
}
