package telemetry_test

import (
	"context"
	"encoding/hex"
	"errors"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"

	otlp "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/openpolt/polt-mcp/internal/rpc"
	"github.com/openpolt/polt-mcp/internal/telemetry"
	"github.com/openpolt/polt-mcp/polt"
)

// TestSpans is a call that is sent twice, from a caller that records.
func TestSpans(t *testing.T) {
	c := newCollector(t, nil)
	w := newWorld(t, c.env(), http.StatusServiceUnavailable)
	w.call("get_agent", `{"traceparent":"`+parent+`","tracestate":"rojo=1"}`, `{"username":"lovelace"}`)
	first, second := w.request(), w.request()
	w.close()

	e := c.wait()
	if strings.Contains(e.body.String(), "lovelace") {
		t.Errorf("a user in %v", e.body)
	}
	spans := e.spans()
	if len(spans) != 3 {
		t.Fatalf("%d spans: %v", len(spans), spans)
	}
	tool := spans[2]
	if tool.Name != "tools/call get_agent" || tool.Kind != otlp.Span_SPAN_KIND_SERVER || hex.EncodeToString(tool.ParentSpanId) != caller ||
		tool.Flags != 0x301 || tool.Status.GetCode() != otlp.Status_STATUS_CODE_UNSET {
		t.Errorf("the tool's span: %v", tool)
	}
	wantAttributes(t, tool, map[string]any{
		"mcp.method.name": "tools/call", "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_agent",
		"jsonrpc.request.id": "r-1", "network.transport": "pipe"})

	for i, r := range []*http.Request{first, second} {
		s := spans[i]
		if s.Name != "GET /api/agents/{username}" || s.Kind != otlp.Span_SPAN_KIND_CLIENT ||
			string(s.ParentSpanId) != string(tool.SpanId) || s.Flags != 0x101 {
			t.Errorf("an attempt's span: %v", s)
		}
		if got := r.Header.Get("traceparent"); got != traceparent(s) || r.Header.Get("tracestate") != "rojo=1" {
			t.Errorf("sent %q for the span %s", got, traceparent(s))
		}
		if s.StartTimeUnixNano < tool.StartTimeUnixNano || s.EndTimeUnixNano > tool.EndTimeUnixNano || s.EndTimeUnixNano < s.StartTimeUnixNano {
			t.Errorf("%v is not within %v", s, tool)
		}
	}
	for _, s := range spans {
		if hex.EncodeToString(s.TraceId) != trace || s.TraceState != "rojo=1" {
			t.Errorf("another trace: %v", s)
		}
	}
	host, port, _ := strings.Cut(strings.TrimPrefix(w.platform.URL, "http://"), ":")
	number, _ := strconv.ParseInt(port, 10, 64)
	want := map[string]any{
		"http.request.method": "GET", "url.template": "/api/agents/{username}", "server.address": host, "server.port": number,
		"http.response.status_code": int64(503), "error.type": "503",
	}
	wantAttributes(t, spans[0], want)
	want["http.response.status_code"], want["http.request.resend_count"] = int64(200), int64(1)
	delete(want, "error.type")
	wantAttributes(t, spans[1], want)
	if spans[0].Status.GetCode() != otlp.Status_STATUS_CODE_ERROR || spans[1].Status.GetCode() != otlp.Status_STATUS_CODE_UNSET {
		t.Errorf("status %v and %v", spans[0].Status, spans[1].Status)
	}
	wantMetrics(t, w.telemetry,
		`polt_mcp_trace_spans_total{outcome="exported"} 3`,
		`polt_mcp_trace_spans_total{outcome="dropped"} 0`,
		`polt_mcp_trace_spans_total{outcome="failed"} 0`)
}

func wantAttributes(t *testing.T, s *otlp.Span, want map[string]any) {
	t.Helper()
	if got := attributes(s.Attributes); !maps.Equal(got, want) {
		t.Errorf("%s has %v, not %v", s.Name, got, want)
	}
}

func TestSpanOfATracesBeginning(t *testing.T) {
	c := newCollector(t, nil)
	w := newWorld(t, c.env())
	w.call("get_leaderboard", `{}`, `{}`)
	w.close()
	spans := c.spans()
	tool, attempt := spans["tools/call get_leaderboard"][0], spans["GET /api/leaderboard"][0]
	if len(tool.ParentSpanId) != 0 || tool.Flags != 0x101 || string(attempt.ParentSpanId) != string(tool.SpanId) {
		t.Errorf("tool %v, attempt %v", tool, attempt)
	}
	if got := w.request().Header.Get("traceparent"); got != traceparent(attempt) {
		t.Errorf("sent %q", got)
	}
}

// TestLink has a trace context in _meta, which is the parent, and another one
// in the HTTP request that carries it.
func TestLink(t *testing.T) {
	c := newCollector(t, nil)
	tel, _ := open(t, c.env())
	m := callFrom(t, parent)
	m.Header = http.Header{"Traceparent": {"00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-01"}}
	observe(t.Context(), tel, m, rpc.Outcome{}, func(ctx context.Context) {
		if got := telemetry.TraceID(ctx); got != trace {
			t.Errorf("trace %q", got)
		}
	})
	if err := tel.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := c.wait().spans()[0]
	if hex.EncodeToString(s.TraceId) != trace || len(s.Links) != 1 || hex.EncodeToString(s.Links[0].SpanId) != "bbbbbbbbbbbbbbbb" {
		t.Errorf("span %v", s)
	}
}

// TestSpansOfEachMethod has the names and attributes of what is no call of a
// tool, and of what fails.
func TestSpansOfEachMethod(t *testing.T) {
	c := newCollector(t, nil)
	w := newWorld(t, c.env("OTEL_BSP_SCHEDULE_DELAY", "1"), http.StatusNotFound)
	overHTTP := http.Header{"Mcp-Protocol-Version": {"2025-11-25"}}
	for i, test := range []struct {
		method, params, name string
		header               http.Header
		want                 map[string]any
	}{
		{"tools/list", `{}`, "tools/list", overHTTP, map[string]any{
			"network.transport": "tcp", "network.protocol.name": "http", "mcp.protocol.version": "2025-11-25"}},
		{"prompts/get", `{"name":"hello"}`, "prompts/get hello", nil, map[string]any{"gen_ai.prompt.name": "hello"}},
		{"prompts/get", `{"name":"made_up"}`, "prompts/get", nil, map[string]any{
			"gen_ai.prompt.name": "made_up", "error.type": "-32602", "rpc.response.status_code": "-32602"}},
		{"tools/call", `{"name":"made_up"}`, "tools/call", nil, map[string]any{
			"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "made_up", "error.type": "-32602", "rpc.response.status_code": "-32602"}},
		{"tools/call", `{"name":"get_agent","arguments":{"username":"lovelace"}}`, "tools/call get_agent", nil, map[string]any{
			"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_agent", "error.type": "tool_error", "polt.error.code": "not_found"}},
		{"resources/read", `{"uri":"polt://agents/lovelace"}`, "resources/read", nil, map[string]any{
			"mcp.resource.uri": "polt://agents/{username}", "error.type": "-32601", "rpc.response.status_code": "-32601"}},
		{"made/up", `{}`, "_OTHER", nil, map[string]any{
			"mcp.method.name": "_OTHER", "error.type": "-32601", "rpc.response.status_code": "-32601"}},
		{"ping", `{"_meta":{"io.modelcontextprotocol/protocolVersion":"` + strings.Repeat("9", 200) + `"}}`, "ping", nil, map[string]any{
			"mcp.protocol.version": strings.Repeat("9", 99) + "…", "error.type": "-32022", "rpc.response.status_code": "-32022"}},
	} {
		w.send(test.method, test.params, test.header)
		var s *otlp.Span
		for s.GetKind() != otlp.Span_SPAN_KIND_SERVER { // the platform's spans come before it
			spans := c.wait().spans()
			s = spans[len(spans)-1]
		}
		if s.Name != test.name || (s.Status.GetCode() == otlp.Status_STATUS_CODE_ERROR) != (test.want["error.type"] != nil) {
			t.Errorf("%d: the span %v", i, s)
		}
		if strings.Contains(s.String(), "lovelace") {
			t.Errorf("%d: a user in %v", i, s)
		}
		for name, value := range map[string]any{"mcp.method.name": test.method, "jsonrpc.request.id": "r-1", "network.transport": "pipe"} {
			if test.want[name] == nil {
				test.want[name] = value
			}
		}
		wantAttributes(t, s, test.want)
	}
}

func TestAttemptErrors(t *testing.T) {
	c := newCollector(t, nil)
	tel, _ := open(t, c.env())
	transport := tel.Transport(&base{})
	for name, err := range map[string]error{
		"canceled": context.Canceled, "timeout": context.DeadlineExceeded, "_OTHER": errors.New("secret"),
	} {
		observe(t.Context(), tel, callFrom(t, parent), rpc.Outcome{}, func(ctx context.Context) {
			r, _ := http.NewRequestWithContext(ctx, http.MethodGet, "https://polt.test/x", nil)
			resp, _ := transport.RoundTrip(r)
			resp.Body.Close()
			tel.Attempt(context.WithoutCancel(ctx), polt.Attempt{Operation: "of another transport"})
			tel.Attempt(ctx, polt.Attempt{Operation: name, Method: "GET", Number: 1, Err: err})
		})
	}
	if err := tel.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	spans := c.spans()
	for _, want := range []string{"canceled", "timeout", "_OTHER"} {
		if s := spans[want]; len(s) != 1 || attributes(s[0].Attributes)["error.type"] != want {
			t.Errorf("%s: %v", want, s)
		}
	}
	if s := spans["of another transport"]; s != nil {
		t.Errorf("a span of %v", s)
	}
}
