package telemetry

import (
	"context"
	"strconv"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/openpolt/polt-mcp/internal/rpc"
)

// other replaces the name of any unknown method: client input must not become a
// label or a span name.
const other = "_OTHER"

// The methods of the skills extension.
const (
	methodSkillsList = "skills/list"
	methodSkillsGet  = "skills/get"
)

// methodName returns a request's method for metrics and spans.
func methodName(m *rpc.Message) string {
	switch mcp.MCPMethod(m.Method) {
	case mcp.MethodInitialize, mcp.MethodPing, mcp.MethodServerDiscover,
		mcp.MethodToolsList, mcp.MethodToolsCall,
		mcp.MethodPromptsList, mcp.MethodPromptsGet, mcp.MethodCompletionComplete,
		mcp.MethodResourcesList, mcp.MethodResourcesTemplatesList, mcp.MethodResourcesRead,
		mcp.MethodResourcesSubscribe, mcp.MethodResourcesUnsubscribe, mcp.MethodSubscriptionsListen,
		methodSkillsList, methodSkillsGet:
		return m.Method
	}
	return other
}

// Observe counts a request and, if tracing is enabled, records it in a span. It is
// an [rpc.Observer].
func (t *Telemetry) Observe(ctx context.Context, m *rpc.Message) (context.Context, func(rpc.Outcome)) {
	method := methodName(m)
	isCall := method == string(mcp.MethodToolsCall)
	if isCall {
		t.metrics.inFlight.Inc()
	}
	ctx, links := callerContext(ctx, m)
	var s *requestSpan
	if t.tracing != nil {
		ctx, s = t.tracing.begin(ctx, m, method, t.template, links)
	}
	return ctx, func(o rpc.Outcome) {
		if isCall {
			t.metrics.inFlight.Dec()
			if o.Code == 0 { // otherwise the name may be arbitrary client input
				t.metrics.call(m.Target(), o)
			}
		}
		t.metrics.request(method, o)
		if s != nil {
			s.end(m, method, o)
		}
	}
}

// codeOf returns the code label of an outcome.
func codeOf(o rpc.Outcome) string {
	switch {
	case o.ErrorType != "":
		return o.ErrorType
	case o.Code != 0:
		return strconv.Itoa(o.Code)
	}
	return "ok"
}
