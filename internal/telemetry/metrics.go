package telemetry

import (
	"strconv"

	victoria "github.com/VictoriaMetrics/metrics"

	_ "github.com/openpolt/polt-mcp/internal/telemetry/quiet" // before the library begins
	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
)

// metrics is every metric. The values of each label are few, however many
// users there are: tools, codes, operations, statuses, reasons.
type metrics struct {
	set              *victoria.Set
	help             map[string]string // by a family's name
	calls            *family[*victoria.Counter]
	callDuration     *family[*victoria.PrometheusHistogram]
	inFlight         *victoria.Gauge
	watches          *victoria.Gauge
	upstream         *family[*victoria.Counter]
	upstreamDuration *family[*victoria.PrometheusHistogram]
	retries          *family[*victoria.Counter]
	refused          *family[*victoria.Counter]
}

// buckets reach from an answer out of a cache to the end of a call's time.
var buckets = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

func newMetrics(version string) *metrics {
	// The library says of what type a metric is only where this is switched on:
	// for the whole process, and each telemetry switches it alike.
	victoria.ExposeMetadata(true)
	m := &metrics{set: victoria.NewSet(), help: map[string]string{}}
	m.calls = m.counter("polt_mcp_calls_total",
		"Calls of tools that have ended, by their error's code; ok for none.", "code", "tool")
	m.callDuration = m.histogram("polt_mcp_call_duration_seconds",
		"How long calls of tools took.", "tool")
	m.inFlight = m.gauge("polt_mcp_calls_in_flight", "",
		"Calls of tools that are under way.")
	m.watches = m.gauge("polt_mcp_watches", "",
		"Watches of resources that clients have open. What many watch is read once for all.")
	m.upstream = m.counter("polt_mcp_upstream_requests_total",
		"Requests to the platform, by its answer's status; none where it did not answer.", "operation", "status")
	m.upstreamDuration = m.histogram("polt_mcp_upstream_request_duration_seconds",
		"How long requests to the platform took, with the answer's body.", "operation")
	m.retries = m.counter("polt_mcp_upstream_retries_total",
		"Requests to the platform that were sent again.", "operation", "")
	m.refused = m.counter("polt_mcp_http_refused_total",
		"Requests that were refused before they reached a tool.", "reason", "")
	m.gauge("polt_mcp_build_info", `{version="`+escape(version)+`"}`,
		"1, with what is running.").Set(1)
	return m
}

// counter declares counters with one label, or with two: second is "" for one.
func (m *metrics) counter(name, help, label, second string) *family[*victoria.Counter] {
	m.help[name] = help
	return newFamily(name, label, second, m.set.GetOrCreateCounter)
}

// gauge declares a gauge with the labels, which are text.
func (m *metrics) gauge(name, labels, help string) *victoria.Gauge {
	m.help[name] = help
	return m.set.NewGauge(name+labels, nil)
}

// histogram declares histograms with one label.
func (m *metrics) histogram(name, help, label string) *family[*victoria.PrometheusHistogram] {
	m.help[name] = help
	return newFamily(name, label, "", func(series string) *victoria.PrometheusHistogram {
		return m.set.GetOrCreatePrometheusHistogramExt(series, buckets)
	})
}

// newSpanMetrics is for a server that traces: what is lost there should show.
func (m *metrics) newSpanMetrics() spanMetrics {
	spans := m.counter("polt_mcp_trace_spans_total",
		"Spans by what became of them: exported, dropped as the queue was full, or failed to be exported.", "outcome", "")
	return spanMetrics{
		exported: spans.with(values{"exported"}),
		dropped:  spans.with(values{"dropped"}),
		failed:   spans.with(values{"failed"}),
	}
}

func (m *metrics) call(c tools.Call) {
	code := string(c.Code)
	if code == "" {
		code = "ok"
	}
	m.calls.with(values{code, c.Tool}).Inc()
	m.callDuration.with(values{c.Tool}).Update(c.Duration.Seconds())
}

func (m *metrics) attempt(a polt.Attempt) {
	status := "none"
	if a.Status != 0 {
		status = strconv.Itoa(a.Status)
	}
	m.upstream.with(values{a.Operation, status}).Inc()
	m.upstreamDuration.with(values{a.Operation}).Update(a.Duration.Seconds())
	if a.Number > 1 {
		m.retries.with(values{a.Operation}).Inc()
	}
}
