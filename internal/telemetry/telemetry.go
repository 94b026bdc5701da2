// Package telemetry counts and traces what a server does: metrics for
// Prometheus by its own client library, and traces for a collector by
// OpenTelemetry's SDK.
//
// A caller's trace context (W3C Trace Context) is passed on to the platform
// whether or not this server traces. It traces where OpenTelemetry's standard
// environment variables ask for it; elsewhere there is no goroutine and no
// span, and nothing of the SDK is set up.
//
// Metrics and traces identify no user: they hold no key, no argument, no path
// with its values, and no agent's name.
package telemetry

import (
	"context"
	"net/http"
	"time"

	"github.com/openpolt/polt-mcp/polt"
)

// Options configure a [Telemetry]. The zero value counts, and traces where the
// environment asks for it.
type Options struct {
	// Version is this program's.
	Version string
	// OnError is told of a failed export, of dropped spans and of a variable
	// that is invalid; nil means nobody is. Any goroutine may call it, and no
	// error has a secret in it.
	OnError func(error)
	// ResourceTemplate returns the template of a resource's URI, or "": spans
	// have that instead of the URI, which may tell who does what. Nil returns "".
	ResourceTemplate func(uri string) string
}

// A Telemetry counts and traces what one server does. Any number of goroutines
// may use it.
type Telemetry struct {
	metrics  *metrics
	tracing  *tracing // nil where nothing is traced
	template func(uri string) string
}

// New returns a telemetry. It fails where the environment asks for traces and
// the collector's URL is invalid. It must be closed.
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
	if s := scopeOf(ctx); s != nil {
		s.endAttempt(ctx, a)
	}
}

// Refused counts a request that was refused before it reached a tool. The
// reason is one of a small fixed set, as each is a time series.
func (t *Telemetry) Refused(reason string) { t.metrics.refused.WithLabelValues(reason).Inc() }

// Certificate keeps when the TLS certificate that is served expires.
func (t *Telemetry) Certificate(notAfter time.Time) {
	t.metrics.certificate.Set(float64(notAfter.Unix()))
}

// Watches counts watches that begin, or with a negative number those that end.
func (t *Telemetry) Watches(by int) { t.metrics.watches.Add(float64(by)) }

// Close exports the spans that are left, until ctx is done. Its error says that
// some may not have been exported. What ends later is counted, and not traced.
func (t *Telemetry) Close(ctx context.Context) error {
	if t.tracing == nil {
		return nil
	}
	return t.tracing.close(ctx)
}
