package telemetry

import (
	"net/http"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Transport returns a transport that sends the trace context to the platform.
// What it sends is base's, which must not be nil; so are the idle connections.
// A request that is in no trace goes as it is.
//
// A request's span ends with [Telemetry.Attempt], which knows how it went.
func (t *Telemetry) Transport(base http.RoundTripper) http.RoundTripper {
	return &transport{base}
}

type transport struct{ base http.RoundTripper }

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	if s := scopeOf(ctx); s != nil {
		ctx = s.beginAttempt(r)
	} else if !trace.SpanContextFromContext(ctx).IsValid() {
		return t.base.RoundTrip(r)
	}
	// A transport leaves the request that it is given as it is.
	r = r.WithContext(ctx)
	r.Header = r.Header.Clone()
	if r.Header == nil {
		r.Header = http.Header{}
	}
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(r.Header))
	return t.base.RoundTrip(r)
}

func (t *transport) CloseIdleConnections() {
	if pool, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		pool.CloseIdleConnections()
	}
}
