package web

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"slices"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/openpolt/polt-mcp/internal/rpc"
)

// newStreamable returns what serves streamable HTTP, without sessions and
// without the stream that a GET would open: mcp-go's would give one client's
// progress to another (v1.2.1).
func (s *Server) newStreamable() http.Handler {
	transport := server.NewStreamableHTTPServer(s.options.MCP,
		server.WithStateLess(true),
		server.WithDisableStreaming(true),
		server.WithStreamableHTTPLogger(slog.New(slog.NewTextHandler(io.Discard, nil))),
	)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		message := callFrom(r.Context()).message
		method, id := special(message)
		w.Header().Set("X-Accel-Buffering", "no") // for a proxy in front, when the answer is a stream
		serve := func(ctx context.Context, w http.ResponseWriter, message []byte) {
			transport.Handle(responseWriter{w, http.NewResponseController(w)}, &server.HTTPRequest{
				Method: r.Method, URL: r.URL, Header: r.Header, Body: message, Context: context.WithValue(ctx, statelessKey{}, true),
			})
		}
		switch method {
		case mcp.MethodNotificationCancelled:
			// Without sessions, mcp-go would take the id for that of any
			// client's call. A client cancels by ending its request.
			w.WriteHeader(http.StatusAccepted)
		case mcp.MethodSubscriptionsListen:
			s.streams.listen(w, r, id, serve)
		case mcp.MethodResourcesSubscribe:
			w = &replaced{ResponseWriter: w, id: id, with: func(status int) *mcp.JSONRPCErrorDetails {
				if status != http.StatusOK {
					return nil
				}
				return &errNoStream
			}}
			serve(r.Context(), w, message)
		case mcp.MethodResourcesRead, mcp.MethodPromptsGet:
			ctx, failure := rpc.WithFailure(r.Context())
			serve(ctx, &replaced{ResponseWriter: w, id: id, with: func(int) *mcp.JSONRPCErrorDetails { return failure.Details }}, message)
		default:
			serve(r.Context(), w, message)
		}
	})
}

// statelessKey is for contexts of requests that have no session, and so no
// stream that they could be told on of what happens later.
type statelessKey struct{}

// WithoutSubscribe takes back that resources can be subscribed to, where a
// client shakes hands without a session: subscriptions/listen, of later
// protocols, can do it.
func WithoutSubscribe(ctx context.Context, _ any, _ *mcp.InitializeRequest, result *mcp.InitializeResult) {
	if ctx.Value(statelessKey{}) != nil && result.Capabilities.Resources != nil {
		result.Capabilities.Resources.Subscribe = false
	}
}

var errNoStream = mcp.NewJSONRPCErrorDetails(mcp.METHOD_NOT_FOUND,
	"there is no stream here to tell of changes on: use subscriptions/listen of protocol version "+mcp.ProtocolVersion20260728+", or SSE or stdio", nil)

// specials are the methods that are not left to mcp-go alone.
var specials = []mcp.MCPMethod{
	mcp.MethodNotificationCancelled, mcp.MethodSubscriptionsListen, mcp.MethodResourcesSubscribe,
	mcp.MethodResourcesRead, mcp.MethodPromptsGet,
}

// special returns the method and the id of a message, if its method may be one
// of those. Decoding each message for that would cost more than all of the
// guard: a method can only be in one as it is written, or with escapes.
func special(message []byte) (method mcp.MCPMethod, id json.RawMessage) {
	if !bytes.ContainsRune(message, '\\') &&
		!slices.ContainsFunc(specials, func(m mcp.MCPMethod) bool { return bytes.Contains(message, []byte(m)) }) {
		return "", nil
	}
	var m struct {
		ID     json.RawMessage `json:"id"`
		Method mcp.MCPMethod   `json:"method"`
	}
	if json.Unmarshal(message, &m) != nil {
		return "", nil
	}
	return m.Method, m.ID
}

// replaced is an answer of mcp-go's in whose place an error may go.
type replaced struct {
	http.ResponseWriter
	id   json.RawMessage
	with func(status int) *mcp.JSONRPCErrorDetails // nil for no error
	gone bool                                      // what mcp-go writes is not wanted
}

func (w *replaced) WriteHeader(status int) {
	details := w.with(status)
	if details == nil {
		w.ResponseWriter.WriteHeader(status)
		return
	}
	w.gone = true
	status = http.StatusOK
	if details.Code == mcp.INVALID_PARAMS {
		status = http.StatusBadRequest
	}
	w.ResponseWriter.WriteHeader(status)
	_, _ = w.ResponseWriter.Write(rpc.ErrorAnswer(w.id, *details))
}

func (w *replaced) Write(b []byte) (int, error) {
	if w.gone {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap is for [http.NewResponseController].
func (w *replaced) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// responseWriter is an [http.ResponseWriter] as mcp-go wants it.
type responseWriter struct {
	http.ResponseWriter
	control *http.ResponseController
}

func (w responseWriter) Flush()          { _ = w.control.Flush() }
func (w responseWriter) CanStream() bool { return true }
