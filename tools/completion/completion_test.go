package completion_test

import (
	"context"
	"errors"
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
)

// platform lists two tasks, after a while, and counts how often it was asked.
type platform struct {
	mu    sync.Mutex
	asked int
	err   error
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
	const body = `{"tasks":[{"id":"t-1","title":"Write the docs"},{"id":"t-2","title":"Test it"}]}`
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func provider(t *testing.T, p *platform) func(ctx context.Context, typed string) []string {
	t.Helper()
	client, err := polt.NewClient(polt.Options{Transport: p})
	if err != nil {
		t.Fatal(err)
	}
	set, err := tools.New(tools.Options{Client: client})
	if err != nil {
		t.Fatal(err)
	}
	provider := completion.New(set)
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
		asked := p.asked // the client tries again by itself
		if got := complete(t.Context(), "wr"); len(got) > 0 || p.asked != asked {
			t.Errorf("%q after %d and %d requests", got, asked, p.asked)
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

// pass lets time pass within [synctest.Test], where that takes none.
func pass(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // the time is virtual
