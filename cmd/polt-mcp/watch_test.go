package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openpolt/polt-mcp/internal/watch"
	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
	"github.com/openpolt/polt-mcp/tools/resources"
)

// counted is a platform that answers everything alike, and counts how often it
// was asked.
type counted struct{ requests atomic.Int64 }

func (c *counted) RoundTrip(r *http.Request) (*http.Response, error) {
	c.requests.Add(1)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{}`)), Request: r}, nil
}

func TestWatchesAreLimitedAndEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		platform := &counted{}
		client, err := polt.NewClient(polt.Options{Transport: platform})
		if err != nil {
			t.Fatal(err)
		}
		set, err := tools.New(tools.Options{Client: client})
		if err != nil {
			t.Fatal(err)
		}
		a := &app{client: client, set: set, resources: resources.New(set)}
		open := 0
		hub := newHub(a.log, host{watchInterval: time.Minute, onWatch: func(by int) { open += by }})
		begin := a.watching(hub, nil).changes
		var stops []func()
		for i := range 1000 {
			stop, err := begin(t.Context(), fmt.Sprintf("polt://tasks/t-%d", i), func() { t.Error("told of a change") })
			if err != nil {
				t.Fatal(err)
			}
			stops = append(stops, stop)
		}
		_, err = begin(t.Context(), "polt://tasks/more", nil)
		if e, ok := errors.AsType[*tools.Error](err); !ok || e.Code() != polt.CodeRateLimited || !strings.Contains(e.Message, "Try again in some minutes") {
			t.Errorf("what is too many: %v", err)
		}
		if open != 1000 {
			t.Errorf("%d watches are counted", open)
		}

		pass(2 * time.Minute)
		if n := platform.requests.Load(); n < 2000 {
			t.Errorf("%d requests for 1000 watches", n)
		}
		hub.Close()
		before := platform.requests.Load()
		pass(time.Hour)
		if n := platform.requests.Load() - before; n != 0 {
			t.Errorf("%d requests after the end", n)
		}
		if _, err := begin(t.Context(), "polt://tasks/t-1", nil); !errors.Is(err, watch.ErrClosed) {
			t.Errorf("after the end: %v", err)
		}
		for _, stop := range stops {
			stop()
			stop() // is once
		}
		if open != 0 {
			t.Errorf("%d watches are counted when all have stopped", open)
		}
	})
}

// pass lets time pass within [synctest.Test], where that takes none.
func pass(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // the time is virtual
