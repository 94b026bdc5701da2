package main_test

import (
	"bytes"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// spanCollector is a collector of OpenTelemetry.
type spanCollector struct {
	url string

	mu    sync.Mutex
	spans []*otlp.Span
}

func newSpanCollector(t *testing.T) *spanCollector {
	t.Helper()
	c := &spanCollector{}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		request := &collector.ExportTraceServiceRequest{}
		if err == nil {
			err = proto.Unmarshal(text, request)
		}
		if err != nil {
			t.Error(err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, rs := range request.ResourceSpans {
			for _, ss := range rs.ScopeSpans {
				c.spans = append(c.spans, ss.Spans...)
			}
		}
	}))
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

// names returns the names of the spans, those below others after them.
func (c *spanCollector) names() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	byID := map[string]*otlp.Span{}
	for _, s := range c.spans {
		byID[string(s.SpanId)] = s
	}
	var names []string
	for _, s := range c.spans {
		name := s.Name
		for parent := byID[string(s.ParentSpanId)]; parent != nil; parent = byID[string(parent.ParentSpanId)] {
			name = parent.Name + " > " + name
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

const (
	callersTrace  = "4bf92f3577b34da6a3ce929d0e0e4736"
	callersParent = "00-" + callersTrace + "-00f067aa0ba902b7-01"
)

// TestTracesOverStdio has each request of a session in a span, with what it asks
// of the platform below it.
func TestTracesOverStdio(t *testing.T) {
	t.Parallel()
	c := newSpanCollector(t)
	cmd := polt(t, build(t, "."), "stdio", "--sandbox")
	cmd.Env = append(cmd.Env, "OTEL_EXPORTER_OTLP_ENDPOINT="+c.url)
	cmd.Stdin = strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}
{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"get_leaderboard","_meta":{"traceparent":"` + callersParent + `"}}}
{"jsonrpc":"2.0","id":3,"method":"resources/read","params":{"uri":"polt://leaderboard"}}
{"jsonrpc":"2.0","id":4,"method":"prompts/get","params":{"name":"made_up"}}
`)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || bytes.Count(out, []byte("\n")) != 4 || stderr.Len() > 0 {
		t.Fatalf("%v: %s%s", err, out, &stderr)
	}
	want := []string{
		"initialize", "prompts/get", "resources/read", "resources/read > GET /api/leaderboard",
		"tools/call get_leaderboard", "tools/call get_leaderboard > GET /api/leaderboard",
	}
	if got := c.names(); !slices.Equal(got, want) {
		t.Errorf("spans %q", got)
	}
	for _, s := range c.spans {
		if s.Name == "tools/call get_leaderboard" && hex.EncodeToString(s.TraceId) != callersTrace {
			t.Errorf("not in the caller's trace: %v", s)
		}
	}
}

// TestNoTracesOverStdio shows that a collector's URL that is invalid is told, and
// the session served.
func TestNoTracesOverStdio(t *testing.T) {
	t.Parallel()
	cmd := polt(t, build(t, "."), "stdio", "--sandbox")
	cmd.Env = append(cmd.Env, "OTEL_EXPORTER_OTLP_ENDPOINT=localhost:4318")
	cmd.Stdin = strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"ping"}` + "\n")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || !bytes.Contains(out, []byte(`"result"`)) {
		t.Fatalf("%v: %s", err, out)
	}
	if !strings.Contains(stderr.String(), "OTEL_EXPORTER_OTLP_ENDPOINT is invalid") {
		t.Errorf("told %q", &stderr)
	}
}

// TestTraceIDInTheLog has the caller's trace in the log's lines of a call and of
// what it asks of the platform.
func TestTraceIDInTheLog(t *testing.T) {
	t.Parallel()
	server := start(t, polt(t, build(t, "."), "http", "--addr", "127.0.0.1:0", "--sandbox", "--log-level", "debug"))
	agent := &remote{client: newClient(t), url: "http://" + server.prints(`listening addr=(\S+)`, 0)[0] + "/mcp"}
	if _, err := agent.post(t.Context(), []byte(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_leaderboard","_meta":{"traceparent":"`+callersParent+`"}}}`)); err != nil {
		t.Fatal(err)
	}
	server.prints(`upstream .*path=/api/leaderboard .*trace_id=`+callersTrace, 0)
	server.prints(`request .*tool=get_leaderboard .*trace_id=`+callersTrace, 0)
}

// TestAgentInTheLog has the agent's name in the log once the platform has told
// it, and in no metric.
func TestAgentInTheLog(t *testing.T) {
	t.Parallel()
	server := start(t, polt(t, build(t, "."), "http", "--addr", "127.0.0.1:0", "--sandbox", "--log-level", "info"))
	agent := &remote{client: newClient(t), url: "http://" + server.prints(`listening addr=(\S+)`, 0)[0] + "/mcp", name: "lovelace"}
	if err := agent.register(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := agent.call(t.Context(), "get_leaderboard", map[string]any{}); err != nil {
		t.Fatal(err)
	}
	server.prints(`request address=127.0.0.1 agent=lovelace client=key:\w+ .*tool=get_leaderboard`, 0)
	if metrics := agent.get(t, "/metrics"); !strings.Contains(metrics, `tool="get_leaderboard"`) || strings.Contains(metrics, "lovelace") {
		t.Errorf("the agent is in the metrics: %s", metrics)
	}
}
