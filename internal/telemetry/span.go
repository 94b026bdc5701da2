package telemetry

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/mark3labs/mcp-go/mcp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/openpolt/polt-mcp/internal/clean"
	"github.com/openpolt/polt-mcp/internal/rpc"
	"github.com/openpolt/polt-mcp/polt"
)

// The attributes of OpenTelemetry's semantic conventions for MCP and GenAI,
// which the package semconv lacks. Attributes that identify users are omitted on
// purpose: url.full, client.address and the arguments. mcp.resource.uri is the
// URI's template, without its values.
const (
	methodKey          = attribute.Key("mcp.method.name")
	protocolVersionKey = attribute.Key("mcp.protocol.version")
	resourceURIKey     = attribute.Key("mcp.resource.uri")
	requestIDKey       = attribute.Key("jsonrpc.request.id")
	statusCodeKey      = attribute.Key("rpc.response.status_code")
	operationKey       = attribute.Key("gen_ai.operation.name")
	toolKey            = attribute.Key("gen_ai.tool.name")
	promptKey          = attribute.Key("gen_ai.prompt.name")
	codeKey            = attribute.Key("polt.error.code") // ours: the code in error results
)

const (
	toolErrorType = "tool_error" // the error.type of a tool's result that is an error
	maxValue      = 100          // characters of a client's value
)

// requestSpan is the state of a recorded request, kept in its context.
type requestSpan struct {
	tracer trace.Tracer
	span   trace.Span

	mu       sync.Mutex
	attempts []attemptSpan
}

// attemptSpan is the span of a request to the platform in flight.
type attemptSpan struct {
	ctx  context.Context // identifies it in endAttempt
	span trace.Span
}

type requestSpanKey struct{}

// requestSpanOf returns the state of a request, or nil if it is not recorded.
func requestSpanOf(ctx context.Context) *requestSpan {
	s, _ := ctx.Value(requestSpanKey{}).(*requestSpan)
	return s
}

// begin starts the span of a request. It returns nil if the request is not
// sampled; its context still has the trace's ids, so that nothing downstream
// starts a new trace.
func (t *tracing) begin(ctx context.Context, m *rpc.Message, method string, template func(string) string, links []trace.Link,
) (context.Context, *requestSpan) {
	ctx, span := t.tracer.Start(ctx, method, trace.WithSpanKind(trace.SpanKindServer), trace.WithLinks(links...),
		trace.WithAttributes(methodKey.String(method)))
	if !span.IsRecording() {
		return ctx, nil
	}
	span.SetAttributes(requestAttributes(m, template)...)
	s := &requestSpan{tracer: t.tracer, span: span}
	return context.WithValue(ctx, requestSpanKey{}, s), s
}

// requestAttributes returns the attributes known at the start of a request.
func requestAttributes(m *rpc.Message, template func(string) string) []attribute.KeyValue {
	id := rpc.Text(m.ID)
	if id == "" {
		id = string(m.ID)
	}
	all := append(make([]attribute.KeyValue, 0, 6), requestIDKey.String(clean.Line(id, maxValue)))
	version := rpc.Text(m.Params.Meta.ProtocolVersion)
	if m.Header == nil {
		all = append(all, semconv.NetworkTransportPipe)
	} else {
		all = append(all, semconv.NetworkTransportTCP, semconv.NetworkProtocolName("http"))
		if version == "" {
			version = m.Header.Get("Mcp-Protocol-Version")
		}
	}
	if version != "" {
		all = append(all, protocolVersionKey.String(clean.Line(version, maxValue)))
	}
	target := m.Target()
	switch mcp.MCPMethod(m.Method) {
	case mcp.MethodToolsCall:
		all = append(all, operationKey.String("execute_tool"), toolKey.String(clean.Line(target, maxValue)))
	case mcp.MethodPromptsGet:
		all = append(all, promptKey.String(clean.Line(target, maxValue)))
	case mcp.MethodResourcesRead, mcp.MethodResourcesSubscribe, mcp.MethodResourcesUnsubscribe:
		if t := template(target); t != "" {
			all = append(all, resourceURIKey.String(t))
		}
	}
	return all
}

// end ends the span of a request.
func (s *requestSpan) end(m *rpc.Message, method string, o rpc.Outcome) {
	if o.Code == 0 && (method == string(mcp.MethodToolsCall) || method == string(mcp.MethodPromptsGet)) {
		s.span.SetName(method + " " + m.Target()) // a known target, as the call succeeded
	}
	failure := ""
	switch {
	case o.Code != 0:
		failure = strconv.Itoa(o.Code)
		s.span.SetAttributes(statusCodeKey.String(failure))
	case o.ErrorType != "":
		failure = toolErrorType
	}
	if o.ErrorType != "" && o.ErrorType != failure {
		s.span.SetAttributes(codeKey.String(o.ErrorType))
	}
	endSpan(s.span, failure)
}

// endSpan ends a span, with an error if failure, its error.type, is not "".
func endSpan(span trace.Span, failure string) {
	if failure != "" {
		span.SetAttributes(semconv.ErrorTypeKey.String(failure))
		span.SetStatus(codes.Error, "")
	}
	span.End()
}

// beginAttempt starts the span of a request to the platform, and returns a context
// with it.
func (s *requestSpan) beginAttempt(r *http.Request) context.Context {
	attributes := append(make([]attribute.KeyValue, 0, 8), // with room for endAttempt's
		semconv.HTTPRequestMethodKey.String(r.Method), semconv.ServerAddress(r.URL.Hostname()))
	port := r.URL.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[r.URL.Scheme]
	}
	if n, err := strconv.Atoi(port); err == nil {
		attributes = append(attributes, semconv.ServerPort(n))
	}
	ctx, span := s.tracer.Start(r.Context(), r.Method, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attributes...))
	s.mu.Lock()
	s.attempts = append(s.attempts, attemptSpan{r.Context(), span})
	s.mu.Unlock()
	return ctx
}

// endAttempt ends the span of the request that ctx was made for.
func (s *requestSpan) endAttempt(ctx context.Context, a polt.Attempt) {
	s.mu.Lock()
	i := slices.IndexFunc(s.attempts, func(s attemptSpan) bool { return s.ctx == ctx })
	if i < 0 { // it did not reach our transport
		s.mu.Unlock()
		return
	}
	span := s.attempts[i].span
	s.attempts = slices.Delete(s.attempts, i, i+1)
	s.mu.Unlock()

	span.SetName(a.Operation)
	span.SetAttributes(semconv.URLTemplate(strings.TrimPrefix(a.Operation, a.Method+" ")))
	if a.Status != 0 {
		span.SetAttributes(semconv.HTTPResponseStatusCode(a.Status))
	}
	if a.Number > 1 {
		span.SetAttributes(semconv.HTTPRequestResendCount(a.Number - 1))
	}
	endSpan(span, attemptError(a))
}

// attemptError returns the error.type of a request to the platform; "" on success.
func attemptError(a polt.Attempt) string {
	var timeout net.Error
	switch {
	case errors.Is(a.Err, context.Canceled):
		return "canceled"
	case errors.As(a.Err, &timeout) && timeout.Timeout():
		return "timeout"
	case a.Err != nil:
		return "_OTHER"
	case a.Status < 200 || a.Status > 399:
		return strconv.Itoa(a.Status)
	}
	return ""
}
