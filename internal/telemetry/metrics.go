package telemetry

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/openpolt/polt-mcp/internal/rpc"
	"github.com/openpolt/polt-mcp/polt"
)

// metrics are all metrics. Their labels have a low cardinality, independent of
// the number of users: tools, codes, operations, statuses, reasons.
type metrics struct {
	registry         *prometheus.Registry
	requests         *prometheus.CounterVec
	requestDuration  *prometheus.HistogramVec
	calls            *prometheus.CounterVec
	callDuration     *prometheus.HistogramVec
	inFlight         prometheus.Gauge
	watches          prometheus.Gauge
	upstream         *prometheus.CounterVec
	upstreamDuration *prometheus.HistogramVec
	retries          *prometheus.CounterVec
	upstreamUp       prometheus.Gauge
	refused          *prometheus.CounterVec
	certificate      prometheus.Gauge
}

// buckets range from responses without a request to the platform, through the
// default timeout of 30 s, to the longest common timeout.
var buckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}

func newMetrics(version string) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: counter("polt_mcp_requests_total",
			"MCP requests that have ended, by error code; ok for none. Tool calls are among them.", "code", "method"),
		requestDuration: histogram("polt_mcp_request_duration_seconds",
			"How long MCP requests took, but for subscriptions/listen, which lasts as long as the client wants.", "method"),
		calls: counter("polt_mcp_calls_total",
			"Tool calls that have ended, by error code; ok for none.", "code", "tool"),
		callDuration: histogram("polt_mcp_call_duration_seconds",
			"How long tool calls took.", "tool"),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "polt_mcp_calls_in_flight", Help: "Tool calls in flight."}),
		watches: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "polt_mcp_watches", Help: "Resource subscriptions that clients have open. What several watch is polled once for all."}),
		upstream: counter("polt_mcp_upstream_requests_total",
			"Requests to the platform, by status of the response; none where there was no response.", "operation", "status"),
		upstreamDuration: histogram("polt_mcp_upstream_request_duration_seconds",
			"How long requests to the platform took, including the response body.", "operation"),
		retries: counter("polt_mcp_upstream_retries_total",
			"Requests to the platform that were retries.", "operation"),
		upstreamUp: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "polt_mcp_upstream_up",
			Help: "1 if the platform responded to the last request, 0 if it did not or failed (5xx, or the tunnel in front of it is offline), NaN before the first."}),
		refused: counter("polt_mcp_http_refused_total",
			"Requests that were refused before they reached a tool.", "reason"),
		certificate: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "polt_mcp_tls_certificate_expiry_timestamp_seconds",
			Help: "When the TLS certificate expires, in seconds since 1970; NaN without --tls-cert."}),
	}
	m.upstreamUp.Set(math.NaN())
	m.certificate.Set(math.NaN())
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "polt_mcp_build_info", Help: "Always 1, with the version that is running."}, []string{"version"})
	build.WithLabelValues(version).Set(1)
	m.registry.MustRegister(m.requests, m.requestDuration,
		m.calls, m.callDuration, m.inFlight, m.watches, m.upstream, m.upstreamDuration, m.retries,
		m.upstreamUp, m.refused, m.certificate,
		build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func histogram(name, help string, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
}

// handler serves the metrics in the format that the scraper asks for.
func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

func (m *metrics) request(method string, o rpc.Outcome) {
	m.requests.WithLabelValues(codeOf(o), method).Inc()
	if method != string(mcp.MethodSubscriptionsListen) {
		m.requestDuration.WithLabelValues(method).Observe(o.Duration.Seconds())
	}
}

func (m *metrics) call(tool string, o rpc.Outcome) {
	m.calls.WithLabelValues(codeOf(o), tool).Inc()
	m.callDuration.WithLabelValues(tool).Observe(o.Duration.Seconds())
}

// responded records whether the platform responded. A request cancelled by its
// caller does not count.
func (m *metrics) responded(resp *http.Response, err error) {
	switch {
	case errors.Is(err, context.Canceled):
	case err != nil, resp.StatusCode >= http.StatusInternalServerError, resp.Header.Get("Ngrok-Error-Code") != "":
		m.upstreamUp.Set(0)
	default:
		m.upstreamUp.Set(1)
	}
}

func (m *metrics) attempt(a polt.Attempt) {
	status := "none"
	if a.Status != 0 {
		status = strconv.Itoa(a.Status)
	}
	m.upstream.WithLabelValues(a.Operation, status).Inc()
	m.upstreamDuration.WithLabelValues(a.Operation).Observe(a.Duration.Seconds())
	if a.Number > 1 {
		m.retries.WithLabelValues(a.Operation).Inc()
	}
}
