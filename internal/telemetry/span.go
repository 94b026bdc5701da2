package telemetry

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/openpolt/polt-mcp/polt"
)

// kind is a span's kind, with OTLP's number.
type kind uint64

const (
	kindServer kind = 2
	kindClient kind = 3
)

// A span is what a call of a tool, or a request to the platform, is in a
// trace. Its attributes have the names of OpenTelemetry's semantic conventions
// for MCP and for HTTP. The conventions' url.full and the arguments are left
// out on purpose: they tell who does what.
type span struct {
	place
	parent     spanID // zero for the first span of a trace
	remote     bool   // the parent is another program's
	name       string
	kind       kind
	start, end time.Time
	errorType  string // "" where all went well
	attributes []attribute
}

// attribute is a text or a number by its name.
type attribute struct {
	name     string
	text     string
	number   int64 // where isNumber
	isNumber bool
}

func text(name, value string) attribute { return attribute{name: name, text: value} }
func number(name string, value int64) attribute {
	return attribute{name: name, number: value, isNumber: true}
}

// exchange is a request to the platform that is under way.
type exchange struct {
	ctx   context.Context // its end is known by it
	id    spanID
	start time.Time
	host  string
	port  string
}

// call calls a tool, in a span where the call is sampled.
func (t *tracer) call(ctx context.Context, next server.ToolHandlerFunc, r mcp.CallToolRequest, parent place, received string,
) (result *mcp.CallToolResult, err error) {
	s := t.begin(r.Params.Name, parent, received)
	if s.span != nil {
		defer func() { t.end(s, result, err) }()
	}
	return next(context.WithValue(ctx, scopeKey{}, s), r)
}

// begin returns the scope of a call of a tool. Its span is nil where the call
// is not sampled; the ids go on all the same, so that nobody further on takes
// the request for a trace's beginning.
func (t *tracer) begin(tool string, parent place, received string) *scope {
	own, isRoot := parent, received == ""
	if isRoot {
		own.trace = newTraceID()
	}
	own.span = newSpanID()
	if !t.sampler.sample(own.trace, parent, isRoot) {
		if isRoot {
			received = own.String()
		}
		return &scope{text: received, state: parent.state}
	}
	own.flags |= flagSampled
	return &scope{span: &span{
		place: own, parent: parent.span, remote: !isRoot,
		name: "tools/call " + tool, kind: kindServer, start: time.Now(),
		attributes: []attribute{
			text("mcp.method.name", "tools/call"),
			text("gen_ai.operation.name", "execute_tool"),
			text("gen_ai.tool.name", tool),
		},
	}}
}

// failed keeps what a call failed with.
func (s *scope) failed(errorType string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.errorType = errorType
}

// end ends a call's span. A panic comes here without a result.
func (t *tracer) end(s *scope, result *mcp.CallToolResult, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.span.end = time.Now()
	switch {
	case s.errorType != "":
		s.span.errorType = s.errorType
	case err != nil, result == nil:
		s.span.errorType = "_OTHER"
	case result.IsError:
		s.span.errorType = "tool_error"
	}
	t.exporter.add(s.span)
}

// exchange begins a request to the platform, and returns its place.
func (s *scope) exchange(r *http.Request) place {
	e := exchange{ctx: r.Context(), id: newSpanID(), start: time.Now(), host: r.URL.Hostname(), port: r.URL.Port()}
	s.mu.Lock()
	s.exchanges = append(s.exchanges, e)
	s.mu.Unlock()
	p := s.span.place
	p.span = e.id
	return p
}

// endAttempt ends the span of the request that ctx was made for.
func (t *tracer) endAttempt(ctx context.Context, s *scope, a polt.Attempt) {
	s.mu.Lock()
	i := slices.IndexFunc(s.exchanges, func(e exchange) bool { return e.ctx == ctx })
	if i < 0 { // it has not come to a transport of ours
		s.mu.Unlock()
		return
	}
	e := s.exchanges[i]
	s.exchanges = slices.Delete(s.exchanges, i, i+1)
	s.mu.Unlock()

	own := s.span.place
	own.span = e.id
	c := &span{
		place: own, parent: s.span.place.span,
		name: a.Operation, kind: kindClient, start: e.start, end: time.Now(), errorType: attemptError(a),
		attributes: []attribute{
			text("http.request.method", a.Method),
			text("url.template", strings.TrimPrefix(a.Operation, a.Method+" ")),
			text("server.address", e.host),
		},
	}
	if port, err := strconv.ParseInt(e.port, 10, 64); err == nil {
		c.attributes = append(c.attributes, number("server.port", port))
	}
	if a.Status != 0 {
		c.attributes = append(c.attributes, number("http.response.status_code", int64(a.Status)))
	}
	if a.Number > 1 {
		c.attributes = append(c.attributes, number("http.request.resend_count", int64(a.Number-1)))
	}
	t.exporter.add(c)
}

// attemptError classes what became of a request; "" where it was answered well.
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
