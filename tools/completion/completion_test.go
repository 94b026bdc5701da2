package completion_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
	"github.com/openpolt/polt-mcp/tools/completion"
	"github.com/openpolt/polt-mcp/tools/prompts"
	"github.com/openpolt/polt-mcp/tools/resources"
)

// platform lists two tasks, after a while, and counts how often it was asked.
type platform struct {
	mu    sync.Mutex
	asked int
	err   error
	body  string // instead of two tasks
}

func (p *platform) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	p.asked++
	err := p.err
	p.mu.Unlock()
	select {
	case <-time.After(100 * time.Millisecond):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	if err != nil {
		return nil, err
	}
	body := cmp.Or(p.body, `{"tasks":[{"id":"t-1","title":"Write the docs"},{"id":"t-2","title":"Test it"}]}`)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func newProvider(t *testing.T, p http.RoundTripper, except ...string) *completion.Provider {
	t.Helper()
	client, err := polt.NewClient(polt.Options{Transport: p})
	if err != nil {
		t.Fatal(err)
	}
	set, err := tools.New(tools.Options{Client: client, Except: except})
	if err != nil {
		t.Fatal(err)
	}
	r := resources.New(set)
	return completion.New(set, prompts.New(set, r), r)
}

func provider(t *testing.T, p *platform) func(ctx context.Context, typed string) []string {
	t.Helper()
	provider := newProvider(t, p)
	return func(ctx context.Context, typed string) []string {
		t.Helper()
		c, err := provider.CompletePromptArgument(ctx, "work_on_task", mcp.CompleteArgument{Name: "task_id", Value: typed}, mcp.CompleteContext{})
		if err != nil {
			t.Fatal(err)
		}
		return c.Values
	}
}

func TestBurstOfKeysCostsOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &platform{}
		complete := provider(t, p)
		var all sync.WaitGroup
		for _, typed := range []string{"", "w", "wr", "wri", "writ", "write"} { // faster than the platform answers
			all.Go(func() {
				if got := complete(t.Context(), typed); got[0] != "t-1" {
					t.Errorf("%q: %q", typed, got)
				}
			})
		}
		all.Wait()
		if got := complete(t.Context(), "test"); !slices.Equal(got, []string{"t-2"}) {
			t.Errorf("%q", got)
		}
		if p.asked != 1 {
			t.Errorf("%d requests", p.asked)
		}
		pass(11 * time.Second)
		complete(t.Context(), "w")
		if p.asked != 2 {
			t.Errorf("%d requests after a pause", p.asked)
		}
	})
}

func TestPlatformThatFailsIsNotAskedAtEachKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &platform{err: errors.New("refused")}
		complete := provider(t, p)
		complete(t.Context(), "w")
		if got := complete(t.Context(), "wr"); len(got) > 0 || p.asked != 1 {
			t.Errorf("%q after %d requests", got, p.asked)
		}
		p.err = nil
		pass(11 * time.Second)
		if got := complete(t.Context(), "wri"); len(got) != 1 {
			t.Errorf("%q when it answers again", got)
		}
	})
}

func TestWhoStopsTypingDoesNotStopOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		complete := provider(t, &platform{})
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { complete(ctx, "w") })
		synctest.Wait()
		all.Go(func() {
			if got := complete(t.Context(), "w"); len(got) == 0 {
				t.Error("nothing")
			}
		})
		synctest.Wait()
		cancel()
		all.Wait()
	})
}

func TestNothingIsOfferedForWhatThereIsNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		provider := newProvider(t, &platform{}, "vote_on_project")
		for _, c := range []struct {
			prompt, template, name string
			offers                 bool
		}{
			{prompt: "work_on_task", name: "task_id", offers: true},
			{prompt: "none", name: "task_id"},
			{prompt: "weigh_in", name: "project_id"}, // its tools are off
			{prompt: "work_on_task", name: "difficulty"},
			{template: "polt://tasks/{task_id}", name: "task_id", offers: true},
			{template: "polt://tasks/t-1", name: "task_id", offers: true},
			{template: "polt://tasks/{id}", name: "task_id"},
			{template: "polt://tasks/{task_id}", name: "id"},
			{template: "polt://none/{task_id}", name: "task_id"},
			{template: "polt://me", name: "task_id"},
		} {
			argument := mcp.CompleteArgument{Name: c.name, Value: "t"}
			got, err := provider.CompletePromptArgument(t.Context(), c.prompt, argument, mcp.CompleteContext{})
			if c.template != "" {
				got, err = provider.CompleteResourceArgument(t.Context(), c.template, argument, mcp.CompleteContext{})
			}
			if err != nil || len(got.Values) > 0 != c.offers {
				t.Errorf("%+v: %v %v", c, got, err)
			}
		}
	})
}

func TestFullPageIsNotAll(t *testing.T) {
	for n, more := range map[int]bool{99: false, 100: true} {
		synctest.Test(t, func(t *testing.T) {
			items := strings.Repeat(`,{"id":"t","title":"Write","status":"completed"}`, n-1)
			p := &platform{body: `{"tasks":[{"id":"t-1","title":"Write","status":"available"}` + items + `]}`}
			c, err := newProvider(t, p).CompletePromptArgument(t.Context(), "work_on_task", mcp.CompleteArgument{Name: "task_id"}, mcp.CompleteContext{})
			if err != nil || len(c.Values) != 1 || c.HasMore != more || (c.Total == 0) != more {
				t.Errorf("of %d tasks: %+v %v", n, c, err)
			}
		})
	}
}

func TestTaskThatIsOverIsNotOfferedToWorkOn(t *testing.T) {
	var items []string
	for _, status := range polt.TaskStatus("").Values() {
		items = append(items, fmt.Sprintf(`{"id":%q,"title":"Write","status":%[1]q}`, status))
	}
	body := `{"tasks":[{"id":"unknown"},` + strings.Join(items, ",") + `]}`
	for prompt, want := range map[string][]string{
		"work_on_task":    {"available", "committed", "unknown"},
		"answer_revision": {"available", "committed", "in_review", "completed", "unknown"}, // the platform chooses
	} {
		synctest.Test(t, func(t *testing.T) {
			c, err := newProvider(t, &platform{body: body}).CompletePromptArgument(t.Context(), prompt, mcp.CompleteArgument{Name: "task_id"}, mcp.CompleteContext{})
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(c.Values)
			slices.Sort(want)
			if !slices.Equal(c.Values, want) {
				t.Errorf("%s: %q", prompt, c.Values)
			}
		})
	}
}

// pass lets time pass within [synctest.Test], where that takes none.
func pass(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // the time is virtual
