package telemetry

import (
	"net/http"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Transport returns a transport that sends the trace context to the platform,
// and keeps whether the platform responds. What it sends is base's, which must not be nil; so are the idle connections.
// A request that is in no trace goes as it is.
//
// A request's span ends with [Telemetry.Attempt], which knows how it went.
func (t *Telemetry) Transport(base http.RoundTripper) http.RoundTripper {
	return &transport{base, t.metrics}
}

type transport struct {
	base    http.RoundTripper
	metrics *metrics
}

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.base.RoundTrip(withTraceContext(r))
	t.metrics.responded(resp, err)
	return resp, err
}

// withTraceContext returns the request with the trace context that it is in, in
// a span of its own where that is recorded.
func withTraceContext(r *http.Request) *http.Request {
	ctx := r.Context()
	if s := scopeOf(ctx); s != nil {
		ctx = s.beginAttempt(r)
	} else if !trace.SpanContextFromContext(ctx).IsValid() {
		return r
	}
	// A transport leaves the request that it is given as it is.
	r = r.WithContext(ctx)
	r.Header = r.Header.Clone()
	if r.Header == nil {
		r.Header = http.Header{}
	}
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(r.Header))
	return r
}

func (t *transport) CloseIdleConnections() {
	if pool, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		pool.CloseIdleConnections()
	}
}
