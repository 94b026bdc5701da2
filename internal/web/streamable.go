package web

import (
	"bytes"
	"encoding/json"
	"fmt"
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
		method, id := special(message)
		control := http.NewResponseController(w)
		switch method {
		case mcp.MethodNotificationCancelled:
			// Without sessions, mcp-go would take the id for that of any
			// client's call. A client cancels by ending its request.
			w.WriteHeader(http.StatusAccepted)
			return
		case mcp.MethodSubscriptionsListen:
			w = &acknowledging{ResponseWriter: w, id: id}
		}
		w.Header().Set("X-Accel-Buffering", "no") // for a proxy in front, when the answer is a stream
		transport.Handle(responseWriter{w, control}, &server.HTTPRequest{
			Method: r.Method, URL: r.URL, Header: r.Header, Body: message, Context: r.Context(),
		})
	})
}

// special returns the method and the id of a message, if its method is one that
// is not left to mcp-go alone. Decoding each message for that would cost more
// than all of the guard: a method can only be in one as it is written, or with
// escapes.
func special(message []byte) (method mcp.MCPMethod, id json.RawMessage) {
	if !bytes.ContainsRune(message, '\\') &&
		!bytes.Contains(message, []byte(mcp.MethodNotificationCancelled)) && !bytes.Contains(message, []byte(mcp.MethodSubscriptionsListen)) {
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

// acknowledging sees to it that the first event of a listening stream is the
// acknowledgement, as MCP wants it. mcp-go loses it in a third of those that
// end at once, as they do where there is nothing to listen to (v1.2.1).
type acknowledging struct {
	http.ResponseWriter
	id    json.RawMessage
	began bool
}

func (w *acknowledging) Write(event []byte) (int, error) {
	if !w.began && w.Header().Get("Content-Type") == "text/event-stream" &&
		!bytes.Contains(event, []byte(mcp.MethodNotificationSubscriptionsAcknowledged)) {
		if _, err := fmt.Fprintf(w.ResponseWriter,
			"event: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":%q,\"params\":{\"_meta\":{%q:%s},\"notifications\":{}}}\n\n",
			mcp.MethodNotificationSubscriptionsAcknowledged, mcp.MetaKeySubscriptionID, w.id); err != nil {
			return 0, err
		}
	}
	w.began = true
	return w.ResponseWriter.Write(event)
}

// responseWriter is an [http.ResponseWriter] as mcp-go wants it.
type responseWriter struct {
	http.ResponseWriter
	control *http.ResponseController
}

func (w responseWriter) Flush()          { _ = w.control.Flush() }
func (w responseWriter) CanStream() bool { return true }
