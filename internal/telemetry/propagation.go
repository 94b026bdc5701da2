package telemetry

import (
	"context"
	"net/http"
	"strings"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// The names under which a trace context travels, in a request's _meta and in
// headers. Baggage is not passed on: what a user's other services tell each
// other, often who the user is, is not for the platform.
const (
	parentName = "traceparent"
	stateName  = "tracestate"

	parentHeader = "Traceparent" // as http.Header has them
	stateHeader  = "Tracestate"
)

// callerContext returns ctx with the caller's trace context: that of _meta,
// or where that has none that is valid, that of the headers. Where both have
// one, the second is linked.
func callerContext(ctx context.Context, meta map[string]any, header http.Header) (context.Context, []trace.Link) {
	parent, _ := meta[parentName].(string)
	state, _ := meta[stateName].(string)
	inMeta := extract(parent, state)
	var inHeader trace.SpanContext
	if parents := header[parentHeader]; len(parents) == 1 { // more than one is none
		inHeader = extract(parents[0], strings.Join(header[stateHeader], ","))
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

// extract reads a trace context; an invalid one is zero.
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
