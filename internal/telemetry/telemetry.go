// Package telemetry counts and traces what a server does: metrics for
// Prometheus, and traces for a collector of OpenTelemetry.
//
// A caller's place in a trace (W3C Trace Context) goes on to the platform
// whether or not this server traces. It traces where the standard variable
// OTEL_EXPORTER_OTLP_ENDPOINT is set; elsewhere there is no goroutine, no span
// and nothing to pay for one.
//
// What is counted and traced has no user in it: no key, no argument, no path
// with its values, no id but those of the trace.
//
// What serves here was chosen by what it adds to the stripped binary for
// linux/amd64, which must stay under 20 MB:
//
//	github.com/VictoriaMetrics/metrics       0.3 MB
//	client_golang, with expfmt alone         2.1 MB
//	client_golang, with promhttp             2.5 MB
//	OpenTelemetry's SDK, beside promhttp     1.1 MB
//	… and its otlptracehttp                  2.9 MB
//
// So the exporter is our own, some 500 lines with its settings.
package telemetry

import (
	"context"
	"net/http"

	victoria "github.com/VictoriaMetrics/metrics"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
)

// Options configure a [Telemetry]. The zero value counts, and does not trace.
type Options struct {
	// Version is this program's.
	Version string
	// Getenv reads the environment; nil means that nothing is set.
	Getenv func(string) string
	// OnError is told of an export that failed, of spans that were lost and of
	// a variable that is not understood; nil means nobody is. Any goroutine may
	// call it, and no error has a secret in it.
	OnError func(error)
}

// A Telemetry counts and traces what one server does. Any number of goroutines
// may use it.
type Telemetry struct {
	metrics *metrics
	tracer  *tracer // nil where nothing is traced
}

// New returns a telemetry. It fails where the environment asks for traces and
// the collector's address cannot be used. It must be closed.
func New(o Options) (*Telemetry, error) {
	if o.Getenv == nil {
		o.Getenv = func(string) string { return "" }
	}
	if o.OnError == nil {
		o.OnError = func(error) {}
	}
	t := &Telemetry{metrics: newMetrics(o.Version)}
	s, warnings, err := readSettings(o.Getenv, o.Version)
	if err != nil {
		return nil, err
	}
	for _, w := range warnings {
		o.OnError(w)
	}
	if s != nil {
		spans := t.metrics.newSpanMetrics()
		t.tracer = &tracer{sampler: s.sampler, exporter: newExporter(s, o.Version, spans, o.OnError)}
	}
	return t, nil
}

// Metrics serves the metrics, in Prometheus's text format.
func (t *Telemetry) Metrics() http.Handler { return t.metrics }

// Call counts a call of a tool. It is for [tools.Options].
func (t *Telemetry) Call(ctx context.Context, c tools.Call) {
	t.metrics.call(c)
	if s := scopeOf(ctx); s != nil && s.span != nil {
		s.failed(string(c.Code))
	}
}

// Attempt counts a request to the platform. It is for [polt.Options].
func (t *Telemetry) Attempt(ctx context.Context, a polt.Attempt) {
	t.metrics.attempt(a)
	if s := scopeOf(ctx); s != nil && s.span != nil {
		t.tracer.endAttempt(ctx, s, a)
	}
}

// Refused counts a request that was refused before it reached a tool. The
// reason is one of a small fixed set, as each is a time series.
func (t *Telemetry) Refused(reason string) { t.metrics.refused.with(values{reason}).Inc() }

// Watches counts watches that begin, or with a negative number those that end.
func (t *Telemetry) Watches(by int) { t.metrics.watches.Add(float64(by)) }

// Close sends the spans that are left, until ctx is done. Its error says that
// some were not sent. What ends later is counted, and not traced.
func (t *Telemetry) Close(ctx context.Context) error {
	if t.tracer == nil {
		return nil
	}
	return t.tracer.exporter.close(ctx)
}

// tracer makes spans.
type tracer struct {
	sampler  sampler
	exporter *exporter
}

// spanMetrics counts what became of spans.
type spanMetrics struct{ exported, dropped, failed *victoria.Counter }
