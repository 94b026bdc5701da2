package telemetry

import (
	"context"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// Middleware counts the calls in flight, takes the caller's trace context, and
// begins the call's span where it is traced.
func (t *Telemetry) Middleware() server.ToolHandlerMiddleware {
	return func(next server.ToolHandlerFunc) server.ToolHandlerFunc {
		return func(ctx context.Context, r mcp.CallToolRequest) (result *mcp.CallToolResult, err error) {
			t.metrics.inFlight.Inc()
			defer t.metrics.inFlight.Dec()
			var meta map[string]any
			if m := r.Params.Meta; m != nil {
				meta = m.AdditionalFields
			}
			ctx, links := callerContext(ctx, meta, r.Header)
			if t.tracing == nil {
				return next(ctx, r)
			}
			ctx, s := t.tracing.call(ctx, r.Params.Name, links...)
			if s != nil {
				defer func() { s.end(callError(result, err)) }() // a panic has no result
			}
			return next(ctx, r)
		}
	}
}

// callError returns the error.type of a call of a tool.
func callError(result *mcp.CallToolResult, err error) string {
	switch {
	case err != nil, result == nil:
		return "_OTHER"
	case result.IsError:
		return toolErrorType
	}
	return ""
}
