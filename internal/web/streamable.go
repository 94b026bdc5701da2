package web

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"

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
	specials := []string{
		string(mcp.MethodNotificationCancelled), string(mcp.MethodSubscriptionsListen),
		string(mcp.MethodResourcesSubscribe), string(mcp.MethodResourcesUnsubscribe),
		string(mcp.MethodResourcesRead), string(mcp.MethodPromptsGet), string(mcp.MethodCompletionComplete),
	}
	specials = slices.AppendSeq(specials, maps.Keys(s.options.Methods))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		message := callFrom(r.Context()).message
		w.Header().Set("X-Accel-Buffering", "no") // for a proxy in front, when the answer is a stream
		mcpGo := func(ctx context.Context, w http.ResponseWriter, message []byte) {
			transport.Handle(responseWriter{w, http.NewResponseController(w)}, &server.HTTPRequest{
				Method: r.Method, URL: r.URL, Header: r.Header, Body: message, Context: context.WithValue(ctx, statelessKey{}, true),
			})
		}
		switch method, id := special(message, specials); method {
		case "":
			mcpGo(r.Context(), w, message)
		case string(mcp.MethodNotificationCancelled):
			// Without sessions, mcp-go would take the id for that of any
			// client's call. A client cancels by ending its request.
			w.WriteHeader(http.StatusAccepted)
		case string(mcp.MethodSubscriptionsListen):
			s.streams.listen(w, r, id, mcpGo)
		default:
			ctx, failure := rpc.WithFailure(r.Context())
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			defer endWith(ctx, cancel)()
			answer := &recorder{header: http.Header{}}
			mcpGo(ctx, answer, message)
			code := answer.errorCode()
			switch {
			case failure.Details != nil:
				writeError(w, r, id, *failure.Details)
			case answer.body.Len() == 0 && ctx.Err() != nil: // mcp-go has nothing to say then
				writeError(w, r, id, errEnding)
			case strings.HasSuffix(method, "subscribe") && code == 0:
				writeError(w, r, id, errNoStream)
			case s.options.Methods[method] != nil && code == mcp.METHOD_NOT_FOUND:
				answer = &recorder{header: http.Header{"Content-Type": {"application/json"}}}
				_, _ = answer.Write(s.options.Methods.Answer(ctx, method, id, message))
				answer.status = statusOf(r, answer.errorCode())
				answer.replay(w)
			default:
				answer.replay(w)
			}
		}
	})
}

// writeError answers a request with an error, and the status that goes with it.
func writeError(w http.ResponseWriter, r *http.Request, id json.RawMessage, details mcp.JSONRPCErrorDetails) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(statusOf(r, details.Code))
	_, _ = w.Write(rpc.ErrorAnswer(id, details))
}

// statusOf returns the status that goes with the code of an error, or with 0
// for none. Up to 2025-11-25 it is always the same: there, 404 would tell of a
// session that has ended.
func statusOf(r *http.Request, code int) int {
	switch {
	case !mcp.IsModernProtocol(r.Header.Get(mcp.HeaderProtocolVersion)):
	case code == mcp.INVALID_PARAMS:
		return http.StatusBadRequest
	case code == mcp.METHOD_NOT_FOUND:
		return http.StatusNotFound
	}
	return http.StatusOK
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

var errEnding = mcp.NewJSONRPCErrorDetails(mcp.INTERNAL_ERROR, "the server is ending: ask again", nil)

var errNoStream = mcp.NewJSONRPCErrorDetails(mcp.METHOD_NOT_FOUND,
	"there is no stream here to tell of changes on: use subscriptions/listen of protocol version "+mcp.ProtocolVersion20260728+", or SSE or stdio", nil)

// special returns the method and the id of a message, if its method may be one
// of those that are not left to mcp-go alone. Decoding each message for that
// would cost more than all of the guard: a method can only be in one as it is
// written, or with escapes.
func special(message []byte, methods []string) (method string, id json.RawMessage) {
	if !bytes.ContainsRune(message, '\\') &&
		!slices.ContainsFunc(methods, func(m string) bool { return bytes.Contains(message, []byte(m)) }) {
		return "", nil
	}
	var m struct {
		ID     json.RawMessage `json:"id"`
		Method string          `json:"method"`
	}
	if json.Unmarshal(message, &m) != nil {
		return "", nil
	}
	if !slices.Contains(methods, m.Method) {
		return "", nil
	}
	return m.Method, m.ID
}

// responseWriter is an [http.ResponseWriter] as mcp-go wants it.
type responseWriter struct {
	http.ResponseWriter
	control *http.ResponseController
}

func (w responseWriter) Flush()          { _ = w.control.Flush() }
func (w responseWriter) CanStream() bool { return true }
