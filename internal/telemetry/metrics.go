package telemetry

import (
	"bytes"
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
)

// metrics is every metric. The values of each label are few, however many
// users there are: tools, codes, operations, statuses, reasons.
type metrics struct {
	registry         *prometheus.Registry
	calls            *prometheus.CounterVec
	callDuration     *prometheus.HistogramVec
	inFlight         prometheus.Gauge
	upstream         *prometheus.CounterVec
	upstreamDuration *prometheus.HistogramVec
	retries          *prometheus.CounterVec
	refused          *prometheus.CounterVec
}

// buckets reach from an answer out of a cache to the end of a call's time.
var buckets = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

func newMetrics(version string) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		calls: counter("polt_mcp_calls_total",
			"Calls of tools that have ended, by their error's code; ok for none.", "tool", "code"),
		callDuration: histogram("polt_mcp_call_duration_seconds",
			"How long calls of tools took.", "tool"),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "polt_mcp_calls_in_flight", Help: "Calls of tools that are under way."}),
		upstream: counter("polt_mcp_upstream_requests_total",
			"Requests to the platform, by its answer's status; none where it did not answer.", "operation", "status"),
		upstreamDuration: histogram("polt_mcp_upstream_request_duration_seconds",
			"How long requests to the platform took, with the answer's body.", "operation"),
		retries: counter("polt_mcp_upstream_retries_total",
			"Requests to the platform that were sent again.", "operation"),
		refused: counter("polt_mcp_http_refused_total",
			"Requests that were refused before they reached a tool.", "reason"),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "polt_mcp_build_info", Help: "1, with what is running.",
		ConstLabels: prometheus.Labels{"version": version}})
	build.Set(1)
	m.registry.MustRegister(m.calls, m.callDuration, m.inFlight, m.upstream, m.upstreamDuration, m.retries, m.refused, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func histogram(name, help string, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
}

// newSpanMetrics is for a server that traces: what is lost there should show.
func newSpanMetrics(registry *prometheus.Registry) spanMetrics {
	spans := counter("polt_mcp_trace_spans_total",
		"Spans by what became of them: exported, dropped as the queue was full, or failed to be exported.", "outcome")
	registry.MustRegister(spans)
	return spanMetrics{
		exported: spans.WithLabelValues("exported"),
		dropped:  spans.WithLabelValues("dropped"),
		failed:   spans.WithLabelValues("failed"),
	}
}

func (m *metrics) call(c tools.Call) {
	code := string(c.Code)
	if code == "" {
		code = "ok"
	}
	m.calls.WithLabelValues(c.Tool, code).Inc()
	m.callDuration.WithLabelValues(c.Tool).Observe(c.Duration.Seconds())
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

// serveMetrics stands in for promhttp, which costs 0.4 MB of the binary for
// compression and formats that no scraper needs.
func serveMetrics(registry *prometheus.Registry, onError func(error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		families, err := registry.Gather()
		if err != nil {
			onError(err) // and what could be gathered is served
		}
		var b bytes.Buffer
		for _, f := range families {
			if _, err := expfmt.MetricFamilyToText(&b, f); err != nil {
				onError(err)
			}
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		_, _ = w.Write(b.Bytes()) // a scraper that went away asks again
	})
}
