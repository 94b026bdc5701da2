// Package telemetry provides metrics, with the Prometheus client library, and
// traces, with the OpenTelemetry SDK.
//
// A caller's trace context (W3C Trace Context) is propagated to the platform
// whether or not tracing is enabled. Tracing is enabled by OpenTelemetry's standard
// environment variables; otherwise there are no spans and no goroutines, and the
// SDK is not set up.
//
// Metrics and traces do not identify users: they contain no keys, arguments, path
// values or agent names.
package telemetry

import (
	"context"
	"net/http"
	"time"

	"github.com/openpolt/polt-mcp/polt"
)

// Options configure a [Telemetry]. The zero value is ready to use.
type Options struct {
	// Version is this program's.
	Version string
	// OnError is called for failed exports, dropped spans and invalid environment
	// variables; optional. Any goroutine may call it, and no error contains a secret.
	OnError func(error)
	// ResourceTemplate returns the template of a resource's URI, or "". Spans have
	// the template instead of the URI, which may identify users; optional.
	ResourceTemplate func(uri string) string
}

// A Telemetry has the metrics and traces of one server. It may be used by any
// number of goroutines.
type Telemetry struct {
	metrics  *metrics
	tracing  *tracing // nil if disabled
	template func(uri string) string
}

// New returns a telemetry, which must be closed. It fails if the environment
// enables traces and the collector's URL is invalid.
func New(o Options) (*Telemetry, error) {
	if o.OnError == nil {
		o.OnError = func(error) {}
	}
	if o.ResourceTemplate == nil {
		o.ResourceTemplate = func(string) string { return "" }
	}
	t := &Telemetry{metrics: newMetrics(o.Version), template: o.ResourceTemplate}
	wanted, err := tracesWanted()
	if err == nil && wanted {
		t.tracing, err = newTracing(o, t.metrics)
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

// Metrics serves the metrics to Prometheus.
func (t *Telemetry) Metrics() http.Handler { return t.metrics.handler() }

// Attempt counts a request to the platform, and ends its span. It is for
// [polt.Options].
func (t *Telemetry) Attempt(ctx context.Context, a polt.Attempt) {
	t.metrics.attempt(a)
	if s := requestSpanOf(ctx); s != nil {
		s.endAttempt(ctx, a)
	}
}

// Refused counts a request that was rejected before it reached a tool. The reason
// must be one of a small fixed set, as it is a label.
func (t *Telemetry) Refused(reason string) { t.metrics.refused.WithLabelValues(reason).Inc() }

// Certificate records the expiry of the TLS certificate in use.
func (t *Telemetry) Certificate(notAfter time.Time) {
	t.metrics.certificate.Set(float64(notAfter.Unix()))
}

// Watches adds to the gauge of open watches; a negative number subtracts.
func (t *Telemetry) Watches(by int) { t.metrics.watches.Add(float64(by)) }

// Close exports the remaining spans, until ctx is done. It returns an error if some
// may not have been exported. Requests that end later are counted, but not traced.
func (t *Telemetry) Close(ctx context.Context) error {
	if t.tracing == nil {
		return nil
	}
	return t.tracing.close(ctx)
}
