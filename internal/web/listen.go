package web

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/openpolt/polt-mcp/internal/rpc"
)

// listen serves a subscriptions/listen until the client or the server ends.
// mcp-go checks the request first, and answers where it finds a fault; its own
// streams lose what is sent at their ends, and hold a server that is to end
// (v1.2.1).
func (s *streams) listen(w http.ResponseWriter, r *http.Request, id json.RawMessage, mcpGo func(context.Context, http.ResponseWriter, []byte)) {
	call := callFrom(r.Context())
	checked := &recorder{header: http.Header{}}
	mcpGo(r.Context(), checked, rpc.Unheard(call.message))
	if !strings.HasPrefix(checked.header.Get("Content-Type"), "text/event-stream") {
		checked.replay(w)
		return
	}
	uris, details := rpc.Listened(call.message)
	call.message = nil // it may be large, and the stream is long
	if details != nil {
		writeError(w, r, id, *details)
		return
	}
	call.release() // an open stream is no call, but there may be as many of them
	if !s.admit(w, call.caller.id) {
		return
	}
	defer s.leave(call.caller.id)

	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	go func() {
		select {
		case <-s.ending:
			cancel()
		case <-ctx.Done():
		}
	}()
	var out *eventWriter // begun with the acknowledgement
	answer := rpc.Listen(ctx, s.server.options.Watch, id, uris, func(message []byte) error {
		if out == nil {
			out = newEventWriter(w)
			go func() {
				defer cancel()
				s.wait(ctx, nil, out)
			}()
		}
		_, err := out.Write(append(message, '\n'))
		return err
	})
	if out == nil { // it has failed before it began
		failed := &recorder{header: http.Header{"Content-Type": {"application/json"}}}
		_, _ = failed.Write(answer)
		failed.status = statusOf(r, failed.errorCode())
		failed.replay(w)
		return
	}
	if answer != nil && r.Context().Err() == nil {
		_, _ = out.Write(append(answer, '\n'))
	}
	out.close()
}
