package telemetry

import (
	"context"
	"strings"
	"sync"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// The names under which a place travels, in a request's _meta and in headers.
// Baggage does not go on: what a user's other services tell each other, often
// who the user is, is not for the platform.
const (
	parentName = "traceparent"
	stateName  = "tracestate"

	parentHeader = "Traceparent" // as http.Header has them
	stateHeader  = "Tracestate"
)

// scope is what the context of a call carries, where it is in a trace.
type scope struct {
	// text and state go upstream where there is no span.
	text  string
	state string
	span  *span // nil where the call is not recorded

	mu        sync.Mutex
	errorType string
	exchanges []exchange
}

type scopeKey struct{}

// scopeOf returns the scope of a call, or nil where it is in no trace.
func scopeOf(ctx context.Context) *scope {
	s, _ := ctx.Value(scopeKey{}).(*scope)
	return s
}

// Middleware counts the calls in flight, takes the caller's place in a trace
// from a call's _meta, or from its headers where _meta has none that is valid,
// and begins the call's span where it is traced.
func (t *Telemetry) Middleware() server.ToolHandlerMiddleware {
	return func(next server.ToolHandlerFunc) server.ToolHandlerFunc {
		return func(ctx context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			t.metrics.inFlight.Inc()
			defer t.metrics.inFlight.Dec()
			parent, text := callerOf(&r)
			if t.tracer != nil {
				return t.tracer.call(ctx, next, r, parent, text)
			}
			if text != "" {
				ctx = context.WithValue(ctx, scopeKey{}, &scope{text: text, state: parent.state})
			}
			return next(ctx, r)
		}
	}
}

// callerOf returns the caller's place, and its traceparent as it came; "" for
// a caller that is in no trace.
func callerOf(r *mcp.CallToolRequest) (p place, text string) {
	if m := r.Params.Meta; m != nil {
		text, _ := m.AdditionalFields[parentName].(string)
		if p, ok := parsePlace(text); ok {
			if state, _ := m.AdditionalFields[stateName].(string); validState(state) {
				p.state = state
			}
			return p, text
		}
	}
	parents := r.Header[parentHeader]
	if len(parents) != 1 { // more than one is none
		return place{}, ""
	}
	p, ok := parsePlace(parents[0])
	if !ok {
		return place{}, ""
	}
	if states := r.Header[stateHeader]; len(states) > 0 {
		if state := strings.Join(states, ","); validState(state) {
			p.state = state
		}
	}
	return p, parents[0]
}
