package telemetry_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"
	"time"

	"github.com/openpolt/polt-mcp/internal/rpc"
	"github.com/openpolt/polt-mcp/internal/telemetry"
	"github.com/openpolt/polt-mcp/polt"
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
	observe(t.Context(), tel, callFrom(t, ""), rpc.Outcome{}, func(context.Context) {
		wantMetrics(t, tel, `polt_mcp_calls_in_flight 1`)
	})
	observe(t.Context(), tel, message(t, "ping", `{}`), rpc.Outcome{}, func(context.Context) {
		wantMetrics(t, tel, `polt_mcp_calls_in_flight 0`)
	})
}

// TestRequests has all methods counted, and none pose as a tool. What a client
// makes up is no label.
func TestRequests(t *testing.T) {
	w := newWorld(t, nil)
	w.call("get_leaderboard", `{}`, `{}`)
	w.call("get_task", `{}`, `{}`)
	for _, request := range [][2]string{
		{"tools/list", `{}`}, {"prompts/get", `{"name":"hello"}`}, {"prompts/get", `{"name":"made_up"}`},
		{"tools/call", `{"name":"made_up"}`}, {"made/up", `{}`}, {"made/up/too", `{}`},
	} {
		w.send(request[0], request[1], nil)
	}
	observe(t.Context(), w.telemetry, message(t, "resources/read", `{"uri":"polt://tasks/made_up"}`), rpc.Outcome{Code: -32602, ErrorType: "not_found"}, nil)
	observe(t.Context(), w.telemetry, message(t, "subscriptions/listen", `{}`), rpc.Outcome{Duration: time.Hour}, nil)
	observe(t.Context(), w.telemetry, message(t, "skills/list", `{}`), rpc.Outcome{}, nil)
	wantMetrics(t, w.telemetry,
		`polt_mcp_requests_total{code="ok",method="tools/call"} 1`,
		`polt_mcp_requests_total{code="invalid_argument",method="tools/call"} 1`,
		`polt_mcp_requests_total{code="-32602",method="tools/call"} 1`,
		`polt_mcp_requests_total{code="ok",method="tools/list"} 1`,
		`polt_mcp_requests_total{code="ok",method="prompts/get"} 1`,
		`polt_mcp_requests_total{code="-32602",method="prompts/get"} 1`,
		`polt_mcp_requests_total{code="-32601",method="_OTHER"} 2`,
		`polt_mcp_requests_total{code="not_found",method="resources/read"} 1`,
		`polt_mcp_requests_total{code="ok",method="subscriptions/listen"} 1`,
		`polt_mcp_requests_total{code="ok",method="skills/list"} 1`,
		`polt_mcp_request_duration_seconds_count{method="tools/call"} 3`,
		`polt_mcp_calls_total{code="ok",tool="get_leaderboard"} 1`,
		`polt_mcp_calls_total{code="invalid_argument",tool="get_task"} 1`)
	got := scrape(t, w.telemetry)
	if regexp.MustCompile(`made|tool="(prompts|resources|tools)|request_duration_seconds_count\{method="subscriptions`).MatchString(got) {
		t.Errorf("a made-up name, a method as a tool, or a subscription's time, in\n%s", ownOf(got))
	}
}

func TestPlatformDidNotAnswer(t *testing.T) {
	tel, _ := open(t, nil)
	tel.Attempt(t.Context(), polt.Attempt{Operation: "GET /x", Number: 2, Err: context.Canceled})
	count(t, tel, "x", rpc.Outcome{ErrorType: "internal"})
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
