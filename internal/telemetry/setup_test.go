package telemetry_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
	"go.uber.org/goleak"

	"github.com/openpolt/polt-mcp/internal/rpc"
	"github.com/openpolt/polt-mcp/internal/telemetry"
	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must come; it is never waited for
// when all is well.
const patience = 20 * time.Second

const (
	parent   = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	unsample = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"
	trace    = "4bf92f3577b34da6a3ce929d0e0e4736"
	caller   = "00f067aa0ba902b7"
)

// env is what is set in the environment; nothing else of OpenTelemetry's is.
type env map[string]string

func (e env) set(t testing.TB) {
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "OTEL_") {
			t.Setenv(name, "")
		}
	}
	for name, value := range e {
		t.Setenv(name, value)
	}
}

// problems collects what a telemetry tells.
type problems struct {
	mu   sync.Mutex
	all  []string
	each chan string
}

func (p *problems) tell(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = append(p.all, err.Error())
	p.each <- err.Error()
}

// wait returns the next problem.
func (p *problems) wait(t *testing.T) string {
	t.Helper()
	select {
	case s := <-p.each:
		return s
	case <-time.After(patience):
		t.Fatal("nothing was told")
		return ""
	}
}

// open returns a telemetry that is closed with the test. Where e is nil, the
// environment is left as it is.
func open(t testing.TB, e env) (*telemetry.Telemetry, *problems) {
	t.Helper()
	if e != nil {
		e.set(t)
	}
	p := &problems{each: make(chan string, 1000)}
	tel, err := telemetry.New(telemetry.Options{Version: "1.2.3", OnError: p.tell, ResourceTemplate: func(uri string) string {
		if strings.HasPrefix(uri, "polt://agents/") {
			return "polt://agents/{username}"
		}
		return ""
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := tel.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return tel, p
}

// world is a server of all tools, with a platform behind it.
type world struct {
	t          testing.TB
	telemetry  *telemetry.Telemetry
	problems   *problems
	dispatcher *rpc.Dispatcher
	platform   *httptest.Server
	requests   chan *http.Request // those that the platform got
}

// newWorld returns a world whose platform answers with the statuses one after
// the other, and with 200 after them.
func newWorld(t testing.TB, e env, statuses ...int) *world {
	t.Helper()
	w := &world{t: t, requests: make(chan *http.Request, 1000)}
	w.telemetry, w.problems = open(t, e)
	w.platform = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		status := http.StatusOK
		if n := len(w.requests); n < len(statuses) {
			status = statuses[n]
		}
		w.requests <- r
		rw.WriteHeader(status)
		_, _ = io.WriteString(rw, `{"ok":true}`)
	}))
	t.Cleanup(w.platform.Close)
	client, err := polt.NewClient(polt.Options{
		BaseURL: w.platform.URL, Transport: w.telemetry.Transport(&http.Transport{}), OnAttempt: w.telemetry.Attempt,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	set, err := tools.New(tools.Options{Client: client, OnCall: func(ctx context.Context, c tools.Call) { rpc.FailedAs(ctx, string(c.Code)) }})
	if err != nil {
		t.Fatal(err)
	}
	hooks := &server.Hooks{}
	rpc.RecordErrors(hooks)
	s := server.NewMCPServer("test", "1", server.WithHooks(hooks))
	set.Register(s)
	s.AddPrompt(mcp.Prompt{Name: "hello"}, func(context.Context, mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
		return &mcp.GetPromptResult{Messages: []mcp.PromptMessage{}}, nil
	})
	w.dispatcher = rpc.NewDispatcher(rpc.Options{Server: s, OnRequest: w.telemetry.Observe})
	return w
}

// message returns a request as a client sends it; params is JSON.
func message(t testing.TB, method, params string) *rpc.Message {
	t.Helper()
	m := rpc.Parse([]byte(`{"jsonrpc":"2.0","id":"r-1","method":"` + method + `","params":` + params + `}`)).Items[0].Message
	if m == nil {
		t.Fatalf("%s %s is no request", method, params)
	}
	return m
}

// callFrom returns a call of a caller who is at a place in a trace.
func callFrom(t testing.TB, place string) *rpc.Message {
	t.Helper()
	return message(t, "tools/call", `{"name":"get_leaderboard","_meta":{"traceparent":"`+place+`"}}`)
}

// observe has a telemetry told of a request, and of what is done during it.
func observe(ctx context.Context, tel *telemetry.Telemetry, m *rpc.Message, o rpc.Outcome, during func(context.Context)) {
	ctx, end := tel.Observe(ctx, m)
	if during != nil {
		during(ctx)
	}
	end(o)
}

// count has a telemetry count a call of a tool.
func count(t testing.TB, tel *telemetry.Telemetry, tool string, o rpc.Outcome) {
	t.Helper()
	observe(t.Context(), tel, message(t, "tools/call", `{"name":"`+tool+`"}`), o, nil)
}

// send sends a request, with headers unless they are nil.
func (w *world) send(method, params string, header http.Header) rpc.Response {
	w.t.Helper()
	m := message(w.t, method, params)
	m.Header = header
	return w.dispatcher.Handle(context.Background(), m)
}

// call calls a tool, with a _meta and with arguments as JSON.
func (w *world) call(tool, meta, arguments string) {
	w.t.Helper()
	if r := w.send("tools/call", `{"name":"`+tool+`","_meta":`+meta+`,"arguments":`+arguments+`}`, nil); r.Code != 0 {
		w.t.Fatalf("an error: %s", r.JSON)
	}
}

// request returns the next request that the platform got.
func (w *world) request() *http.Request {
	w.t.Helper()
	select {
	case r := <-w.requests:
		return r
	case <-time.After(patience):
		w.t.Fatal("no request")
		return nil
	}
}

// close flushes the spans.
func (w *world) close() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := w.telemetry.Close(ctx); err != nil {
		w.t.Fatal(err)
	}
}

// scrape returns the metrics as a scraper gets them.
func scrape(t testing.TB, tel *telemetry.Telemetry) string {
	t.Helper()
	rec := httptest.NewRecorder()
	tel.Metrics().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if rec.Code != http.StatusOK || !strings.HasPrefix(rec.Header().Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Fatalf("metrics answered %d %v", rec.Code, rec.Header())
	}
	return rec.Body.String()
}

// wantMetrics fails the test where a line is not among the metrics.
func wantMetrics(t testing.TB, tel *telemetry.Telemetry, lines ...string) {
	t.Helper()
	got := scrape(t, tel)
	for _, line := range lines {
		if !strings.Contains(got, "\n"+line+"\n") {
			t.Errorf("no %s in\n%s", line, ownOf(got))
		}
	}
}

// ownOf returns the lines of the metrics that are this server's own.
func ownOf(text string) string {
	var own strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "polt_mcp_") && !strings.Contains(line, "_bucket") {
			own.WriteString(line)
		}
	}
	return own.String()
}
