package web_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"github.com/openpolt/polt-mcp/internal/rpc"
	"github.com/openpolt/polt-mcp/internal/web"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must come; it is never waited for
// when all is well.
const patience = 20 * time.Second

type handler = server.ToolHandlerFunc

func text(s string) *mcp.CallToolResult {
	return &mcp.CallToolResult{Content: []mcp.Content{mcp.NewTextContent(s)}}
}

// who answers with the key that the call was made with.
func who(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	return text("key=" + web.Key(ctx).Reveal()), nil
}

// options returns options that serve the tools, on loopback.
func options(tools map[string]handler) web.Options {
	s := server.NewMCPServer("test", "1", server.WithToolCapabilities(false))
	for name, h := range tools {
		s.AddTool(mcp.Tool{Name: name, RawInputSchema: json.RawMessage(`{"type":"object","properties":{}}`)}, h)
	}
	return serving(rpc.Options{Server: s})
}

// serving returns options that serve what a dispatcher answers, on loopback.
func serving(o rpc.Options) web.Options {
	o.Caller = web.CallerID
	return web.Options{
		Dispatcher: rpc.NewDispatcher(o), Streamable: true, SSE: true, Hosts: web.Hosts{Loopback: true}, Log: zerolog.Nop(),
		Ready:   func(context.Context) error { return nil },
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "metrics") }),
	}
}

// serve serves on a free port until the test ends.
func serve(t *testing.T, o web.Options) *running {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &running{t: t, URL: "http://" + listener.Addr().String(), stop: stop, done: make(chan error, 1)}
	transport := &http.Transport{}
	r.client = &http.Client{Transport: transport}
	go func() { r.done <- web.New(o).Serve(ctx, listener) }()
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		r.end()
	})
	return r
}

// running is a server that runs.
type running struct {
	t      *testing.T
	URL    string
	client *http.Client
	stop   context.CancelFunc
	done   chan error
	ended  bool
}

// end has the server end, and waits for it.
func (r *running) end() {
	r.t.Helper()
	r.stop()
	if r.ended {
		return
	}
	r.ended = true
	select {
	case err := <-r.done:
		if err != nil {
			r.t.Error(err)
		}
	case <-time.After(patience):
		r.t.Fatal("the server did not end")
	}
}

// request is an HTTP request to be; the zero value posts to /mcp.
type request struct {
	method, path, host, body string
	header                   map[string]string
}

type response struct {
	status int
	header http.Header
	body   string
}

func (r *running) do(q request) response {
	r.t.Helper()
	resp, err := r.client.Do(r.newRequest(r.t.Context(), q))
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return response{resp.StatusCode, resp.Header, string(b)}
}

// awaitOK sends a request until it is answered with 200, of which no more is read.
func (r *running) awaitOK(q request) {
	r.t.Helper()
	for deadline := time.Now().Add(patience); ; {
		resp, err := r.client.Do(r.newRequest(r.t.Context(), q))
		if err != nil {
			r.t.Fatal(err)
		}
		_ = resp.Body.Close()
		switch {
		case resp.StatusCode == http.StatusOK:
			return
		case time.Now().After(deadline):
			r.t.Fatalf("it is still answered with %d", resp.StatusCode)
		}
	}
}

func (r *running) newRequest(ctx context.Context, q request) *http.Request {
	r.t.Helper()
	if q.method == "" {
		q.method = http.MethodPost
	}
	if q.path == "" {
		q.path = "/mcp"
	}
	req, err := http.NewRequestWithContext(ctx, q.method, r.URL+q.path, strings.NewReader(q.body))
	if err != nil {
		r.t.Fatal(err)
	}
	if q.method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, value := range q.header {
		req.Header.Set(name, value)
	}
	if q.host != "" {
		req.Host = q.host
	}
	return req
}

func call(id, tool string) string {
	return `{"jsonrpc":"2.0","id":` + id + `,"method":"tools/call","params":{"name":"` + tool + `","arguments":{}}}`
}

func bearer(key string) map[string]string { return map[string]string{"Authorization": "Bearer " + key} }

func contains(t *testing.T, s, part string) {
	t.Helper()
	if !strings.Contains(s, part) {
		t.Errorf("%q has no %q", s, part)
	}
}

// stream is an SSE stream that is open.
type stream struct {
	t        *testing.T
	events   *bufio.Reader
	endpoint string
	cancel   context.CancelFunc
	body     io.Closer
}

func (r *running) openStream(header map[string]string) *stream {
	r.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	resp, err := r.client.Do(r.newRequest(ctx, request{method: http.MethodGet, path: "/sse", header: header}))
	if err != nil {
		r.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" || resp.Header.Get("X-Accel-Buffering") != "no" {
		r.t.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	s := &stream{t: r.t, events: bufio.NewReader(resp.Body), cancel: cancel, body: resp.Body}
	r.t.Cleanup(s.close)
	name, data := s.next()
	if name != "endpoint" {
		r.t.Fatalf("the first event is %s", name)
	}
	s.endpoint = data
	return s
}

func (s *stream) close() {
	s.cancel()
	_ = s.body.Close()
}

// next returns the next event.
func (s *stream) next() (name, data string) {
	s.t.Helper()
	defer time.AfterFunc(patience, s.close).Stop()
	for {
		line, err := s.events.ReadString('\n')
		if err != nil {
			s.t.Fatalf("the stream has ended: %v", err)
		}
		line = strings.TrimSpace(line)
		if v, ok := strings.CutPrefix(line, "event: "); ok {
			name = v
		}
		if v, ok := strings.CutPrefix(line, "data: "); ok {
			data = v
		}
		if line == "" && name != "" {
			return name, data
		}
	}
}

// recorded serves a request without a network.
func recorded(h http.Handler, method, path string, body []byte) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(method, "http://127.0.0.1"+path, bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	h.ServeHTTP(w, r)
	return w
}

// pass lets time pass within [synctest.Test], where that takes none.
func pass(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // the time is virtual
