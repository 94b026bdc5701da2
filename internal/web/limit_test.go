package web_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/openpolt/polt-mcp/internal/web"
)

// held returns a tool whose calls tell that they have begun, and end at release.
func held(began chan<- struct{}, release <-chan struct{}) handler {
	return func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		began <- struct{}{}
		<-release
		return text("done"), nil
	}
}

// untilCancelled returns a tool whose one call tells that it has begun, and that it
// has been cancelled.
func untilCancelled(began, cancelled chan<- struct{}) handler {
	return func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		close(began)
		<-ctx.Done()
		close(cancelled)
		return text(""), nil
	}
}

func TestRateIsBoundedForEachCaller(t *testing.T) {
	var refused []string
	o := options(map[string]handler{"who": who})
	o.Limits = web.Limits{CallerRate: 0.01} // one at once, and the next in minutes
	o.Refused = func(reason string) { refused = append(refused, reason) }
	r := serve(t, o)
	for _, key := range []string{"polt_of_a", "polt_of_b", ""} {
		q := request{body: call("1", "who")}
		if key != "" {
			q.header = bearer(key)
		}
		if got := r.do(q); got.status != 200 {
			t.Errorf("%q: the first call is answered with %d", key, got.status)
		}
		got := r.do(q)
		wait, err := strconv.Atoi(got.header.Get("Retry-After"))
		if got.status != 429 || err != nil || wait < 2 || wait > 100 {
			t.Errorf("%q: the second call is answered with %d, Retry-After %d", key, got.status, wait)
		}
	}
	if len(refused) != 3 || refused[0] != "rate" {
		t.Errorf("refused: %q", refused)
	}
}

// Who has used up an allowance does not get another by making up callers.
func TestAllowanceIsNotForgottenForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options(map[string]handler{"who": who})
		o.Limits = web.Limits{CallerRate: 0.001, Callers: 10}
		h := web.New(o).Handler()
		status := func(key, body string) int {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost/mcp", strings.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Authorization", "Bearer "+key)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			return w.Code
		}
		again := func() int { return status("polt_of_a", call("1", "who")) }
		if first, second := again(), again(); first != 200 || second != 429 {
			t.Fatalf("%d, %d", first, second)
		}
		for i := range 100 {
			pass(time.Second) // until those before have their whole allowance again
			if got := status("polt_made_up_"+strconv.Itoa(i), `{"jsonrpc":"2.0","id":1,"method":"ping"}`); got != 200 {
				t.Fatal(got)
			}
		}
		if got := again(); got != 429 {
			t.Errorf("%d", got)
		}
	})
}

func TestTotalRateIsBounded(t *testing.T) {
	o := options(map[string]handler{"who": who})
	o.Limits = web.Limits{TotalRate: 0.01}
	r := serve(t, o)
	if got := r.do(request{body: call("1", "who"), header: bearer("polt_of_a")}); got.status != 200 {
		t.Errorf("%d", got.status)
	}
	if got := r.do(request{body: call("1", "who"), header: bearer("polt_of_b")}); got.status != 429 {
		t.Errorf("%d", got.status)
	}
}

func TestCallsInFlightAreBounded(t *testing.T) {
	for name, c := range map[string]struct {
		limits web.Limits
		other  int // what another caller is answered with, while one has all it may
	}{
		"of a caller": {web.Limits{CallerInFlight: 3}, 200},
		"in all":      {web.Limits{TotalInFlight: 3}, 429},
	} {
		t.Run(name, func(t *testing.T) {
			began, release := make(chan struct{}), make(chan struct{})
			o := options(map[string]handler{"who": who, "slow": held(began, release)})
			o.Limits = c.limits
			r := serve(t, o)
			var wg sync.WaitGroup
			for range 3 {
				wg.Go(func() {
					if got := r.do(request{body: call("1", "slow"), header: bearer("polt_of_a")}); got.status != 200 {
						t.Errorf("a slow call is answered with %d", got.status)
					}
				})
				<-began
			}
			if got := r.do(request{body: call("1", "who"), header: bearer("polt_of_a")}); got.status != 429 || got.header.Get("Retry-After") == "" {
				t.Errorf("one call more is answered with %d", got.status)
			}
			if got := r.do(request{body: call("1", "who"), header: bearer("polt_of_b")}); got.status != c.other {
				t.Errorf("another caller is answered with %d, not %d", got.status, c.other)
			}
			close(release)
			wg.Wait()
			if got := r.do(request{body: call("1", "who"), header: bearer("polt_of_a")}); got.status != 200 {
				t.Errorf("after them, a call is answered with %d", got.status)
			}
		})
	}
}

// A call over SSE is in flight until its answer is on the stream, whichever of
// the caller's streams that is.
func TestCallsInFlightOverSSEAreBounded(t *testing.T) {
	for name, limits := range map[string]web.Limits{"of a caller": {CallerInFlight: 3}, "in all": {TotalInFlight: 3}} {
		t.Run(name, func(t *testing.T) {
			began, release := make(chan struct{}), make(chan struct{})
			o := options(map[string]handler{"who": who, "slow": held(began, release)})
			o.Limits = limits
			r := serve(t, o)
			streams := []*stream{r.openStream(bearer("polt_of_a")), r.openStream(bearer("polt_of_a"))}
			batch := "[" + call("1", "slow") + "," + call("2", "slow") + "]" // counts as two
			for i, message := range []string{batch, call("3", "slow")} {
				if got := r.do(request{path: streams[i%2].endpoint, body: message, header: bearer("polt_of_a")}); got.status != 202 {
					t.Fatalf("%s is answered with %d", message, got.status)
				}
				<-began
			}
			<-began
			for _, path := range []string{streams[0].endpoint, streams[1].endpoint, "/mcp"} {
				got := r.do(request{path: path, body: call("5", "who"), header: bearer("polt_of_a")})
				if got.status != 429 || got.header.Get("Retry-After") == "" {
					t.Errorf("%s: one call more is answered with %d", path, got.status)
				}
			}
			// Nor does it keep a client from cancelling one of them.
			cancelling := `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"none"}}`
			for range 100 {
				if got := r.do(request{path: streams[0].endpoint, body: cancelling, header: bearer("polt_of_a")}); got.status != 202 {
					t.Fatalf("to cancel one is answered with %d", got.status)
				}
			}
			close(release)
			streams[0].next()
			streams[1].next()
			for _, message := range []string{call("6", "who"), `{"jsonrpc":"2.0","method":"notifications/initialized"}`, "no JSON", "[]"} {
				for range 5 {
					got := r.do(request{path: streams[0].endpoint, body: message, header: bearer("polt_of_a")})
					for got.status == 429 { // the place of one before is free when its answer is written, and a moment later
						got = r.do(request{path: streams[0].endpoint, body: message, header: bearer("polt_of_a")})
					}
					if got.status != 202 {
						t.Errorf("after them, %s is answered with %d", message, got.status)
					}
				}
			}
		})
	}
}

func TestStreamsAreBounded(t *testing.T) {
	o := options(nil)
	o.Limits = web.Limits{CallerInFlight: 2}
	r := serve(t, o)
	r.openStream(bearer("polt_of_a"))
	second := r.openStream(bearer("polt_of_a"))
	third := request{method: "GET", path: "/sse", header: bearer("polt_of_a")}
	if got := r.do(third); got.status != 429 {
		t.Errorf("a third stream is answered with %d", got.status)
	}
	r.openStream(bearer("polt_of_b"))
	second.close()
	r.awaitOK(third) // when the server has noticed
}

// What is refused must not count, or a caller that tries again would never get
// through, and a caller over its limit would use up what is for all.
func TestRefusedCallsDoNotCount(t *testing.T) {
	for name, limits := range map[string]web.Limits{
		"of a caller": {CallerRate: 1},
		"in all":      {TotalRate: 1},
		"of both":     {CallerRate: 1, TotalRate: 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := options(map[string]handler{"who": who})
				o.Limits = limits
				h := web.New(o).Handler()
				status := func(address string) int {
					r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1/mcp", strings.NewReader(call("1", "who")))
					r.Header.Set("Content-Type", "application/json")
					r.RemoteAddr = address
					w := httptest.NewRecorder()
					h.ServeHTTP(w, r)
					return w.Code
				}
				for i, want := range []int{200, 200, 429} { // two at once
					if got := status("192.0.2.1:1"); got != want {
						t.Errorf("call %d is answered with %d", i, got)
					}
				}
				for range 1000 {
					status("192.0.2.1:1")
				}
				if limits.CallerRate > 0 { // the others have what is left
					for range 2 {
						if got := status("192.0.2.2:1"); got != 200 {
							t.Errorf("another caller is answered with %d", got)
						}
					}
				}
				pass(1001 * time.Millisecond)
				if got := status("192.0.2.1:1"); got != 200 {
					t.Errorf("a second later, a call is answered with %d", got)
				}
				if got := status("192.0.2.1:1"); got != 429 {
					t.Errorf("and the next with %d", got)
				}
			})
		})
	}
}
