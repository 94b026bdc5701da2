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
	mu     sync.Mutex
	asked  int
	ended  int // how many of its answers nobody waited for
	err    error
	panics string        // instead of an answer
	takes  time.Duration // to answer; 0 means 100 ms
	body   string        // instead of two tasks
}

func (p *platform) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	p.asked++
	err, panics := p.err, p.panics
	p.mu.Unlock()
	select {
	case <-time.After(cmp.Or(p.takes, 100*time.Millisecond)):
	case <-r.Context().Done():
		p.mu.Lock()
		defer p.mu.Unlock()
		p.ended++
		return nil, r.Context().Err()
	}
	if panics != "" {
		panic(panics)
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
	return completion.New(set, prompts.New(set), r)
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

func TestFailureForgetsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &platform{}
		complete := provider(t, p)
		complete(t.Context(), "w")
		p.err = errors.New("refused")
		for asked := 2; asked < 5; asked++ { // it fails for long
			pass(11 * time.Second)
			for _, typed := range []string{"w", "wr", "wri"} {
				if got := complete(t.Context(), typed); !slices.Equal(got, []string{"t-1"}) || p.asked != asked {
					t.Errorf("%q: %q after %d requests, of %d", typed, got, p.asked, asked)
				}
			}
		}
		p.err, p.body = nil, `{"tasks":[{"id":"t-3","title":"Write it anew"}]}`
		pass(11 * time.Second)
		if got := complete(t.Context(), "w"); !slices.Equal(got, []string{"t-3"}) {
			t.Errorf("%q when it answers again", got)
		}
	})
}

// TestHostThatCancelsAtEachKeyCostsOneRequest types faster than the platform
// answers, in a host that has one request at a time.
func TestHostThatCancelsAtEachKeyCostsOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &platform{takes: 375 * time.Millisecond}
		complete := provider(t, p)
		var all sync.WaitGroup
		cancel := func() {}
		const text = "Write th"
		for i := range text {
			cancel()
			var ctx context.Context
			ctx, cancel = context.WithCancel(t.Context())
			all.Go(func() {
				got := complete(ctx, text[:i+1])
				if last := i+1 == len(text); last != slices.Equal(got, []string{"t-1"}) || last != (len(got) > 0) {
					t.Errorf("%q: %q", text[:i+1], got)
				}
			})
			pass(50 * time.Millisecond)
		}
		all.Wait()
		cancel()
		if p.asked != 1 || p.ended != 0 {
			t.Errorf("%d requests, of which %d ended early", p.asked, p.ended)
		}
	})
}

// TestReadThatHangsEnds is about a platform that never answers. That the bubble
// ends shows that nothing is left.
func TestReadThatHangsEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &platform{takes: time.Hour}
		complete := provider(t, p)
		began := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			if got := complete(ctx, "w"); len(got) > 0 || time.Since(began) != time.Second {
				t.Errorf("who stops waiting gets %q after %v", got, time.Since(began))
			}
		})
		pass(time.Second)
		cancel()
		all.Wait()
		if got := complete(t.Context(), "w"); len(got) > 0 || time.Since(began) != 5*time.Second {
			t.Errorf("who waits gets %q after %v", got, time.Since(began))
		}
		complete(t.Context(), "wr")
		if p.asked != 1 || p.ended != 1 {
			t.Errorf("%d requests, of which %d ended early", p.asked, p.ended)
		}
	})
}

// TestPanicIsThatOfWhoWaits is about a read that panics where nothing would
// catch it.
func TestPanicIsThatOfWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &platform{panics: "oops"}
		complete := provider(t, p)
		caught := func(ctx context.Context) (panicked any) {
			defer func() { panicked = recover() }()
			complete(ctx, "w")
			return nil
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				if got := caught(t.Context()); got != "oops" {
					t.Errorf("who waits panics with %v", got)
				}
			})
		}
		if got := caught(gone); got != nil {
			t.Errorf("who does not wait panics with %v", got)
		}
		all.Wait()
		if got := caught(t.Context()); got != nil || p.asked != 1 {
			t.Errorf("it panics with %v after %d requests", got, p.asked)
		}
		p.panics = ""
		pass(11 * time.Second)
		if got := complete(t.Context(), "w"); len(got) != 1 {
			t.Errorf("%q when it answers again", got)
		}
	})
}

// TestNobodysKeyMatters is about candidates that one caller has read, and all
// get.
func TestNobodysKeyMatters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, err := polt.NewClient(polt.Options{Transport: &platform{}})
		if err != nil {
			t.Fatal(err)
		}
		set, err := tools.New(tools.Options{Client: client, Key: func(context.Context) polt.Key {
			t.Error("a caller's key was asked for")
			return polt.Key{}
		}})
		if err != nil {
			t.Fatal(err)
		}
		r := resources.New(set)
		provider := completion.New(set, prompts.New(set), r)
		for template, argument := range map[string]string{"polt://tasks/{task_id}": "task_id", "polt://projects/{project_id}": "project_id", "polt://agents/{username}": "username"} {
			if _, err := provider.CompleteResourceArgument(t.Context(), template, mcp.CompleteArgument{Name: argument}, mcp.CompleteContext{}); err != nil {
				t.Error(err)
			}
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
			offers, unknown        bool
		}{
			{prompt: "work_on_task", name: "task_id", offers: true},
			{prompt: "none", name: "task_id", unknown: true},
			{prompt: "weigh_in", name: "project_id", unknown: true}, // its tools are off
			{prompt: "work_on_task", name: "difficulty"},
			{template: "polt://tasks/{task_id}", name: "task_id", offers: true},
			{template: "polt://tasks/t-1", name: "task_id", offers: true},
			{template: "polt://tasks/{id}", name: "task_id", unknown: true},
			{template: "polt://tasks/{task_id}", name: "id"},
			{template: "polt://none/{task_id}", name: "task_id", unknown: true},
			{template: "polt://me", name: "task_id"},
		} {
			argument := mcp.CompleteArgument{Name: c.name, Value: "t"}
			got, err := provider.CompletePromptArgument(t.Context(), c.prompt, argument, mcp.CompleteContext{})
			if c.template != "" {
				got, err = provider.CompleteResourceArgument(t.Context(), c.template, argument, mcp.CompleteContext{})
			}
			if e, ok := errors.AsType[*tools.Error](err); ok != c.unknown || ok && e.Code() != polt.CodeInvalidArgument {
				t.Errorf("%+v: %v", c, err)
			}
			if err == nil && len(got.Values) > 0 != c.offers {
				t.Errorf("%+v: %v", c, got)
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

func TestAnswerHasNoMoreThanTheProtocolAllows(t *testing.T) {
	for _, c := range []struct {
		items, values int
		more          bool
		total         int
	}{
		{99, 99, false, 99},
		{100, 100, true, 0}, // a full page: of how many, nobody knows
		{101, 100, true, 0}, // as of a platform that gives more than it was asked for
		{250, 100, true, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			var items []string
			for i := range c.items {
				items = append(items, fmt.Sprintf(`{"id":"t-%d","title":"Write"}`, i))
			}
			p := &platform{body: `{"tasks":[` + strings.Join(items, ",") + `]}`}
			got, err := newProvider(t, p).CompletePromptArgument(t.Context(), "work_on_task", mcp.CompleteArgument{Name: "task_id", Value: "wr"}, mcp.CompleteContext{})
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Values) != c.values || got.HasMore != c.more || got.Total != c.total {
				t.Errorf("of %d candidates: %d values, more: %v, in all %d", c.items, len(got.Values), got.HasMore, got.Total)
			}
			if last := got.Values[len(got.Values)-1]; last != fmt.Sprintf("t-%d", c.values-1) {
				t.Errorf("of %d candidates the last is %s", c.items, last)
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
