package telemetry

import (
	"net/http"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Transport wraps base, which must not be nil: it propagates the trace context to
// the platform, and records whether the platform responds. A request without a
// trace context is sent unchanged.
//
// A request's span ends with [Telemetry.Attempt], which has the outcome.
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

// withTraceContext returns the request with the headers of its trace context, and
// a span of its own if it is recorded.
func withTraceContext(r *http.Request) *http.Request {
	ctx := r.Context()
	if s := requestSpanOf(ctx); s != nil {
		ctx = s.beginAttempt(r)
	} else if !trace.SpanContextFromContext(ctx).IsValid() {
		return r
	}
	// A RoundTripper must not modify its request.
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
