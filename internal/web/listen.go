package web

import (
	"context"
	"net/http"

	"github.com/openpolt/polt-mcp/internal/memory"
	"github.com/openpolt/polt-mcp/internal/rpc"
)

// listen serves a subscriptions/listen until the client disconnects or the server
// shuts down.
func (s *streams) listen(w http.ResponseWriter, r *http.Request, c *call, m *rpc.Message) {
	c.release() // open streams are counted apart from calls, with the same limit
	if m.IsModern() {
		m.Raw = nil // free its memory while the stream is open
	}
	if refused := s.admit(c.caller.id); refused != nil {
		s.server.refuseForNow(w, r, refused, rpc.Input{Items: []rpc.Item{{Message: m}}})
		return
	}
	defer s.leave(c.caller.id)
	account := s.server.open(r.Context(), &c.caller)
	defer account.Close()
	if !account.Take(perStream) {
		s.server.refuseForNow(w, r, &noMemory, rpc.Input{Items: []rpc.Item{{Message: m}}})
		return
	}

	// The call's account is closed, and what is read for the stream is the stream's.
	ctx, cancel := context.WithCancel(memory.With(r.Context(), account))
	defer cancel()
	go func() {
		select {
		case <-s.ending:
			cancel()
		case <-ctx.Done():
		}
	}()
	var out *eventWriter // created with the acknowledgement
	response := s.server.options.Dispatcher.Listen(ctx, m, func(message []byte) error {
		if out == nil {
			account.Settle(perStream) // what was read to begin is read
			out = newEventWriter(w, account)
			go func() {
				defer cancel()
				s.wait(ctx, nil, out)
			}()
		}
		return out.tell(rpc.Response{JSON: message})
	})
	if out == nil { // it failed before the acknowledgement
		writeResponse(w, statusOf(r, response.Code), response)
		return
	}
	if response.JSON != nil && r.Context().Err() == nil {
		_ = out.tell(response)
	}
	out.close()
}
