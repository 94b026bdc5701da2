package web_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/openpolt/polt-mcp/internal/rpc"
	"github.com/openpolt/polt-mcp/internal/rpc/watchtest"
	"github.com/openpolt/polt-mcp/internal/web"
)

// watching returns options of a server whose callers can watch.
func watching(w *watchtest.Watcher) web.Options {
	return serving(rpc.Options{
		Server: server.NewMCPServer("test", "1", server.WithResourceCapabilities(true, false)),
		Watch:  w.Watch,
	})
}

func listenTo(uris ...string) string {
	return `{"jsonrpc":"2.0","id":"l","method":"subscriptions/listen","params":{"notifications":{"resourceSubscriptions":["` +
		strings.Join(uris, `","`) + `"]},` + modernMeta + `}}`
}

// listen opens a stream and takes its acknowledgement.
func (r *running) listen(uris ...string) *stream {
	r.t.Helper()
	return r.listenAs(modern("subscriptions/listen", ""), uris...)
}

func (r *running) listenAs(header map[string]string, uris ...string) *stream {
	r.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	resp, err := r.client.Do(r.newRequest(ctx, request{body: listenTo(uris...), header: header}))
	if err != nil {
		r.t.Fatal(err)
	}
	s := &stream{t: r.t, events: bufio.NewReader(resp.Body), cancel: cancel, body: resp.Body}
	r.t.Cleanup(s.close)
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" || resp.Header.Get("X-Accel-Buffering") != "no" {
		r.t.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	_, data := s.next()
	contains(r.t, data, `"method":"notifications/subscriptions/acknowledged"`)
	contains(r.t, data, `"io.modelcontextprotocol/subscriptionId":"l"`)
	return s
}

func TestListenerOverHTTPIsToldOfEachOfManyChanges(t *testing.T) {
	w := &watchtest.Watcher{}
	r := serve(t, watching(w))
	s := r.listen("polt://a")
	for range 1000 {
		w.Change("polt://a")
		_, data := s.next()
		contains(t, data, `"uri":"polt://a"`)
		contains(t, data, `"io.modelcontextprotocol/subscriptionId":"l"`)
	}
	s.close()
	w.Await(t, "polt://a", 0)
}

func TestListenerIsAnsweredAtTheEndOfTheServer(t *testing.T) {
	w := &watchtest.Watcher{}
	r := serve(t, watching(w))
	s := r.listen("polt://a")
	r.stop()
	_, data := s.next()
	contains(t, data, `"id":"l","result":{"resultType":"complete"`)
	r.end()
	w.Await(t, "polt://a", 0)
}

func TestListenerThatHasNotBegunIsAnsweredAtTheEndOfTheServer(t *testing.T) {
	w := &watchtest.Watcher{Hold: make(chan struct{})}
	r := serve(t, watching(w))
	answer := make(chan response)
	go func() {
		answer <- r.do(request{body: listenTo("polt://a"), header: modern("subscriptions/listen", "")})
	}()
	w.AwaitHeld(t, 1)
	r.stop()
	contains(t, (<-answer).body, "the session ended before the subscription began")
	r.end()
}

func TestSubscriberOverSSEIsToldOfEachOfManyChanges(t *testing.T) {
	w := &watchtest.Watcher{}
	r := serve(t, watching(w))
	s := r.openStream(nil)
	r.do(request{path: s.endpoint, body: `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`})
	_, data := s.next()
	contains(t, data, `"subscribe":true`)
	r.do(request{path: s.endpoint, body: `{"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"polt://a"}}`})
	_, data = s.next()
	contains(t, data, `"result":{}`)
	for range 1000 {
		w.Change("polt://a")
		_, data := s.next()
		contains(t, data, `"uri":"polt://a"`)
	}
	s.close()
	w.Await(t, "polt://a", 0)
}

// Subscriptions over a stream have bounds of their own.
func TestListenersOverSSETakeNoPlacesOfCalls(t *testing.T) {
	w := &watchtest.Watcher{}
	o := watching(w)
	o.Limits.CallerInFlight, o.Limits.TotalInFlight = 2, 2
	r := serve(t, o)
	s := r.openStream(nil)
	for range 3 {
		for _, body := range []string{listenTo("polt://a"), `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"l"}}`, listenTo("polt://a")} {
			if got := r.do(request{path: s.endpoint, body: body}); got.status != 202 {
				t.Fatalf("%s is answered with %d", body, got.status)
			}
			if !strings.Contains(body, "cancelled") {
				for _, data := s.next(); !strings.Contains(data, "acknowledged"); _, data = s.next() { // the id may be free a moment later
					r.do(request{path: s.endpoint, body: listenTo("polt://a")})
				}
			}
		}
		r.do(request{path: s.endpoint, body: `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"l"}}`})
		w.Await(t, "polt://a", 0)
	}
}

// What a resource is may depend on who asks, and a caller may have no key at
// first.
func TestCallersOfOneStreamWatchEachTheirOwn(t *testing.T) {
	w := &watchtest.Watcher{}
	r := serve(t, watching(w))
	s := r.openStream(nil)
	r.do(request{path: s.endpoint, body: `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`})
	s.next()
	change := func(key, method string) {
		t.Helper()
		var header map[string]string
		if key != "" {
			header = bearer(key)
		}
		r.do(request{path: s.endpoint, header: header, body: `{"jsonrpc":"2.0","id":1,"method":"resources/` + method + `","params":{"uri":"polt://me"}}`})
		_, data := s.next()
		contains(t, data, `"result":{}`)
	}
	change("", "subscribe")
	change("polt_of_b", "subscribe")
	change("polt_of_b", "subscribe")
	w.Await(t, "polt://me", 2)
	change("", "unsubscribe")
	w.Await(t, "polt://me", 1)
	w.Change("polt://me")
	_, data := s.next()
	contains(t, data, `"uri":"polt://me"`)
	change("", "unsubscribe") // as one who has had a key before
	w.Await(t, "polt://me", 0)
}

func TestWithoutAStreamNothingCanBeSubscribedTo(t *testing.T) {
	r := serve(t, watching(&watchtest.Watcher{}))
	got := r.do(request{body: `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`})
	contains(t, got.body, `"resources":{}`)
	got = r.do(request{body: `{"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"polt://a"}}`})
	contains(t, got.body, `"code":-32601`)
	contains(t, got.body, "subscriptions/listen")
	got = r.do(request{body: `{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{}}}`}) // of a later protocol
	if got.status != 200 || !strings.Contains(got.body, `"id":1,"error":{"code":-32601`) {
		t.Errorf("%d %s", got.status, got.body)
	}
	got = r.do(request{body: `{"jsonrpc":"2.0","id":1,"method":"resources/unsubscribe","params":{"uri":"polt://a"}}`})
	contains(t, got.body, `"code":-32601`)
	got = r.do(request{body: `{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{` + modernMeta + `}}`, header: modern("server/discover", "")})
	contains(t, got.body, `"subscribe":true`)
}

func TestListenersThatAreRefused(t *testing.T) {
	w := &watchtest.Watcher{Err: func(uri string) error {
		if uri == "polt://missing" {
			return missing{}
		}
		return nil
	}}
	o := watching(w)
	o.Limits.CallerInFlight = 2
	r := serve(t, o)
	got := r.do(request{body: listenTo("polt://missing"), header: modern("subscriptions/listen", "")})
	if got.status != 400 || !strings.Contains(got.body, `"id":"l","error":{"code":-32602,"message":"it is not there"`) {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := r.do(request{body: listenTo("polt://a"), header: modern("tools/list", "")}); got.status != 400 {
		t.Errorf("another method in the header: %d %s", got.status, got.body)
	}
	var many []string
	for i := range 101 {
		many = append(many, fmt.Sprintf("polt://%d", i))
	}
	got = r.do(request{body: listenTo(many...), header: modern("subscriptions/listen", "")})
	contains(t, got.body, "at most 100")

	// Streams do not take the places of calls, but have as many of their own.
	r.listen("polt://a")
	r.listen("polt://a")
	if got := r.do(request{body: listenTo("polt://a"), header: modern("subscriptions/listen", "")}); got.status != 429 || got.header.Get("Retry-After") == "" {
		t.Errorf("a third stream: %d %s", got.status, got.body)
	}
	if got := r.do(request{body: `{"jsonrpc":"2.0","id":1,"method":"ping"}`}); got.status != 200 {
		t.Errorf("a call beside streams: %d %s", got.status, got.body)
	}
}

// missing is the error for what is not there.
type missing struct{}

func (missing) Error() string { return "it is not there" }

func (missing) JSONRPC(modern bool) mcp.JSONRPCErrorDetails {
	code := mcp.RESOURCE_NOT_FOUND
	if modern {
		code = mcp.INVALID_PARAMS
	}
	return mcp.NewJSONRPCErrorDetails(code, "it is not there", nil)
}
