package telemetry_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/openpolt/polt-mcp/internal/telemetry"
	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
)

func TestMetrics(t *testing.T) {
	w := newWorld(t, nil, http.StatusServiceUnavailable, http.StatusOK, http.StatusNotFound)
	w.call("get_agent", `{}`, `{"username":"lovelace"}`)
	w.call("get_agent", `{}`, `{"username":"hopper"}`)
	w.call("get_agent", `{}`, `{"name":"nobody"}`)
	w.telemetry.Refused("origin")
	w.telemetry.Refused("origin")
	wantMetrics(t, w.telemetry,
		`polt_mcp_calls_total{code="ok",tool="get_agent"} 1`,
		`polt_mcp_calls_total{code="not_found",tool="get_agent"} 1`,
		`polt_mcp_calls_total{code="invalid_argument",tool="get_agent"} 1`,
		`polt_mcp_call_duration_seconds_count{tool="get_agent"} 3`,
		`polt_mcp_upstream_requests_total{operation="GET /api/agents/{username}",status="200"} 1`,
		`polt_mcp_upstream_requests_total{operation="GET /api/agents/{username}",status="404"} 1`,
		`polt_mcp_upstream_requests_total{operation="GET /api/agents/{username}",status="503"} 1`,
		`polt_mcp_upstream_request_duration_seconds_count{operation="GET /api/agents/{username}"} 3`,
		`polt_mcp_upstream_retries_total{operation="GET /api/agents/{username}"} 1`,
		`polt_mcp_calls_in_flight 0`,
		`polt_mcp_http_refused_total{reason="origin"} 2`,
		`polt_mcp_build_info{version="1.2.3"} 1`,
		`# TYPE go_goroutines gauge`,
		`# TYPE process_start_time_seconds gauge`,
	)
	if got := scrape(t, w.telemetry); regexp.MustCompile("lovelace|hopper|trace_spans").MatchString(got) {
		t.Errorf("a user, or traces, in\n%s", got)
	}
}

func TestWatches(t *testing.T) {
	tel, _ := open(t, nil)
	wantMetrics(t, tel, `polt_mcp_watches 0`)
	tel.Watches(2)
	tel.Watches(-1)
	wantMetrics(t, tel, `polt_mcp_watches 1`)
}

func TestCallsInFlight(t *testing.T) {
	tel, _ := open(t, nil)
	handler := tel.Middleware()(func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		wantMetrics(t, tel, `polt_mcp_calls_in_flight 1`)
		panic("over")
	})
	func() {
		defer func() { _ = recover() }()
		_, _ = handler(t.Context(), mcp.CallToolRequest{})
	}()
	wantMetrics(t, tel, `polt_mcp_calls_in_flight 0`)
}

func TestPlatformDidNotAnswer(t *testing.T) {
	tel, _ := open(t, nil)
	tel.Attempt(t.Context(), polt.Attempt{Operation: "GET /x", Number: 2, Err: context.Canceled})
	tel.Call(t.Context(), tools.Call{Tool: "x", Code: polt.CodeInternal, Panic: "secret"})
	wantMetrics(t, tel,
		`polt_mcp_upstream_requests_total{operation="GET /x",status="none"} 1`,
		`polt_mcp_upstream_retries_total{operation="GET /x"} 1`,
		`polt_mcp_calls_total{code="internal",tool="x"} 1`)
}

// TestUpstreamUp is for what tells whether the platform responds.
func TestUpstreamUp(t *testing.T) {
	tel, _ := open(t, nil)
	b := &base{}
	transport := tel.Transport(b)
	wantMetrics(t, tel, `polt_mcp_upstream_up NaN`)
	for _, test := range []struct {
		status int
		header http.Header
		err    error
		want   string
	}{
		{200, nil, nil, "1"},
		{503, nil, nil, "0"},
		{0, nil, context.Canceled, "0"}, // it tells nothing
		{404, nil, nil, "1"},
		{0, nil, context.Canceled, "1"},
		{0, nil, errors.New("refused"), "0"},
		{429, nil, nil, "1"},
		{404, http.Header{"Ngrok-Error-Code": {"ERR_NGROK_3200"}}, nil, "0"},
	} {
		b.status, b.header, b.err = test.status, test.header, test.err
		if resp, err := transport.RoundTrip(httptest.NewRequest(http.MethodGet, "http://polt.test/", nil)); err == nil {
			resp.Body.Close()
		}
		wantMetrics(t, tel, "polt_mcp_upstream_up "+test.want)
	}
}

func TestZeroOptions(t *testing.T) {
	tel, err := telemetry.New(telemetry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	wantMetrics(t, tel, `polt_mcp_build_info{version=""} 1`)
	if err := tel.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
