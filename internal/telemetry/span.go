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

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/openpolt/polt-mcp/polt"
)

// The attributes of OpenTelemetry's semantic conventions for MCP and GenAI,
// which the package semconv does not have. Two that the conventions ask for
// are left out on purpose, as are the arguments: url.full and the values in
// mcp.resource.uri tell who does what.
const (
	methodKey     = attribute.Key("mcp.method.name")
	operationKey  = attribute.Key("gen_ai.operation.name")
	toolKey       = attribute.Key("gen_ai.tool.name")
	codeKey       = attribute.Key("polt.error.code") // ours: what an error of a tool is
	toolErrorType = "tool_error"
)

// scope is a request that is recorded, as its context carries it.
type scope struct {
	tracer trace.Tracer
	span   trace.Span

	mu       sync.Mutex
	code     polt.Code
	attempts []attemptSpan
}

// attemptSpan is the span of a request to the platform that is under way.
type attemptSpan struct {
	ctx  context.Context // its end is known by it
	span trace.Span
}

type scopeKey struct{}

// scopeOf returns the scope of a request, or nil where it is not recorded.
func scopeOf(ctx context.Context) *scope {
	s, _ := ctx.Value(scopeKey{}).(*scope)
	return s
}

// call begins the span of a call of a tool. The scope is nil where the call is
// not sampled; its context has the trace's ids all the same, so that nobody
// further on takes the request for the beginning of a trace.
func (t *tracing) call(ctx context.Context, tool string, links ...trace.Link) (context.Context, *scope) {
	ctx, span := t.tracer.Start(ctx, "tools/call "+tool, trace.WithSpanKind(trace.SpanKindServer), trace.WithLinks(links...),
		trace.WithAttributes(methodKey.String("tools/call"), operationKey.String("execute_tool"), toolKey.String(tool)))
	if !span.IsRecording() {
		return ctx, nil
	}
	s := &scope{tracer: t.tracer, span: span}
	return context.WithValue(ctx, scopeKey{}, s), s
}

// setCode keeps the error code of a call.
func (s *scope) setCode(code polt.Code) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.code = code
}

// end ends the request's span. failure is its error.type, or "".
func (s *scope) end(failure string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.code != "" {
		s.span.SetAttributes(codeKey.String(string(s.code)))
	}
	endSpan(s.span, failure)
}

// endSpan ends a span, with an error where failure, its error.type, is not "".
func endSpan(span trace.Span, failure string) {
	if failure != "" {
		span.SetAttributes(semconv.ErrorTypeKey.String(failure))
		span.SetStatus(codes.Error, "")
	}
	span.End()
}

// beginAttempt begins the span of a request to the platform, and returns the
// context that has it.
func (s *scope) beginAttempt(r *http.Request) context.Context {
	attributes := append(make([]attribute.KeyValue, 0, 8), // with those of its end
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
func (s *scope) endAttempt(ctx context.Context, a polt.Attempt) {
	s.mu.Lock()
	i := slices.IndexFunc(s.attempts, func(s attemptSpan) bool { return s.ctx == ctx })
	if i < 0 { // it has not come to a transport of ours
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

// attemptError returns the error.type of a request to the platform; "" where
// the platform answered well.
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
