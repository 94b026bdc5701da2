package web

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// newStreamable returns what serves streamable HTTP, without sessions and
// without the stream that a GET would open: mcp-go's would give one client's
// progress to another (v1.2.1).
func newStreamable(mcpServer *server.MCPServer) http.Handler {
	transport := server.NewStreamableHTTPServer(mcpServer,
		server.WithStateLess(true),
		server.WithDisableStreaming(true),
		server.WithStreamableHTTPLogger(slog.New(slog.NewTextHandler(io.Discard, nil))),
	)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		message := callFrom(r.Context()).message
		if isCancellation(message) {
			// Without sessions, mcp-go would take the id for that of any
			// client's call. A client cancels by ending its request.
			w.WriteHeader(http.StatusAccepted)
			return
		}
		w.Header().Set("X-Accel-Buffering", "no") // for a proxy in front, when the answer is a stream
		transport.Handle(responseWriter{w, http.NewResponseController(w)}, &server.HTTPRequest{
			Method: r.Method, URL: r.URL, Header: r.Header, Body: message, Context: r.Context(),
		})
	})
}

func isCancellation(message []byte) bool {
	var m struct {
		ID     json.RawMessage `json:"id"`
		Method string          `json:"method"`
	}
	return json.Unmarshal(message, &m) == nil && m.Method == string(mcp.MethodNotificationCancelled)
}

// responseWriter is an [http.ResponseWriter] as mcp-go wants it.
type responseWriter struct {
	http.ResponseWriter
	control *http.ResponseController
}

func (w responseWriter) Flush()          { _ = w.control.Flush() }
func (w responseWriter) CanStream() bool { return true }
