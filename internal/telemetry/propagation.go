package telemetry

import (
	"context"
	"strings"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/openpolt/polt-mcp/internal/rpc"
)

// The names of the propagated fields. Baggage is not propagated: it often
// identifies the user, and is not meant for the platform.
const (
	parentName = "traceparent"
	stateName  = "tracestate"

	parentHeader = "Traceparent" // as http.Header has them
	stateHeader  = "Tracestate"
)

// callerContext returns ctx with the caller's trace context: that of _meta or, if
// it has no valid one, that of the headers. If both have one, that of the headers
// is linked.
func callerContext(ctx context.Context, m *rpc.Message) (context.Context, []trace.Link) {
	inMeta := extract(rpc.Text(m.Params.Meta.TraceParent), rpc.Text(m.Params.Meta.TraceState))
	var inHeader trace.SpanContext
	if parents := m.Header[parentHeader]; len(parents) == 1 { // duplicates are invalid
		inHeader = extract(parents[0], strings.Join(m.Header[stateHeader], ","))
	}
	switch {
	case inMeta.IsValid() && inHeader.IsValid() && !inMeta.Equal(inHeader):
		return trace.ContextWithRemoteSpanContext(ctx, inMeta), []trace.Link{{SpanContext: inHeader}}
	case inMeta.IsValid():
		return trace.ContextWithRemoteSpanContext(ctx, inMeta), nil
	case inHeader.IsValid():
		return trace.ContextWithRemoteSpanContext(ctx, inHeader), nil
	}
	return ctx, nil
}

// extract parses a trace context, and returns zero for an invalid one.
func extract(parent, state string) trace.SpanContext {
	if parent == "" {
		return trace.SpanContext{}
	}
	return trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(),
		propagation.MapCarrier{parentName: parent, stateName: state}))
}

// TraceID returns the id of the trace that ctx is in, for logs, or "".
func TraceID(ctx context.Context) string {
	if id := trace.SpanContextFromContext(ctx).TraceID(); id.IsValid() {
		return id.String()
	}
	return ""
}
