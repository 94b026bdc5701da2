package web

import (
	"context"
	"net/http"
	"sync"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/openpolt/polt-mcp/internal/rpc"
)

// post serves streamable HTTP. It is stateless: only subscriptions/listen receives
// notifications after its response has begun.
func (s *Server) post(w http.ResponseWriter, r *http.Request, c *call, in rpc.Input) {
	if in.IsBatch {
		s.postBatch(w, r, c, in)
		return
	}
	m := in.Items[0].Message
	if m == nil {
		writeResponse(w, http.StatusBadRequest, in.Items[0].Refused)
		return
	}
	m.Header = r.Header
	mismatched := checkHeaders(r.Header, m)
	if mismatched != nil {
		m.Reject(*mismatched)
	}
	switch {
	case !m.IsNotification() && !m.IsResponse():
		s.request(w, r, c, m)
	case mismatched != nil:
		writeResponse(w, http.StatusBadRequest, rpc.ErrorResponse(nil, *mismatched))
	default:
		s.notify(r, m)
		w.WriteHeader(http.StatusAccepted)
	}
}

// within returns the context of a request, with [rpc.Ending].
func (s *Server) within(r *http.Request) context.Context {
	return rpc.WithEnding(r.Context(), s.streams.ending)
}

// request answers a request.
func (s *Server) request(w http.ResponseWriter, r *http.Request, c *call, m *rpc.Message) {
	if m.Method == string(mcp.MethodSubscriptionsListen) {
		s.streams.listen(w, r, c, m)
		return
	}
	d := s.options.Dispatcher
	if m.Params.Meta.ProgressToken == nil {
		c.answer(w, r, m, d.Handle(s.within(r), m))
		return
	}
	// The response becomes a stream with the first notification.
	var out *eventWriter
	response := d.HandleNotifying(s.within(r), m, func(notification []byte) {
		if out == nil {
			out = newEventWriter(w, c.account)
		}
		_ = out.tell(rpc.Response{JSON: notification})
	})
	if out == nil {
		c.answer(w, r, m, response)
		return
	}
	c.answered()
	c.account.Settle(int64(response.Size()))
	_ = out.tell(response)
	out.close()
}

// answer writes the response to a request. That to a handshake begins a session;
// it never comes on a stream, as there is nothing to tell before it.
func (c *call) answer(w http.ResponseWriter, r *http.Request, m *rpc.Message, response rpc.Response) {
	if m.Method == string(mcp.MethodInitialize) && response.Code == 0 {
		w.Header().Set(sessionHeader, newSessionID(m.ClientName()))
	}
	c.respond(w, statusOf(r, response.Code), response)
}

// notify handles a notification. It drops responses, as the server sends no
// requests, and notifications/cancelled: request ids are not unique across
// clients, and a client cancels a request by aborting its POST.
func (s *Server) notify(r *http.Request, m *rpc.Message) {
	if m.IsNotification() && m.Method != string(mcp.MethodNotificationCancelled) {
		s.options.Dispatcher.Notify(r.Context(), m)
	}
}

// noBatches is the protocol version that removed batches.
const noBatches = "2025-06-18"

// postBatch answers a batch, once all of its messages have been answered.
func (s *Server) postBatch(w http.ResponseWriter, r *http.Request, c *call, in rpc.Input) {
	if r.Header.Get(mcp.HeaderProtocolVersion) >= noBatches {
		fail(w, r, http.StatusBadRequest, "Protocol versions from "+noBatches+" on have no batches. Send each message in a request of its own.")
		return
	}
	answers := make([]rpc.Response, len(in.Items))
	var all sync.WaitGroup
	for i, item := range in.Items {
		all.Go(func() { answers[i] = s.batched(r, item) })
	}
	all.Wait()
	body := []byte{'['}
	for _, answer := range answers {
		if len(answer.JSON) == 0 {
			continue
		}
		if len(body) > 1 {
			body = append(body, ',')
		}
		body = answer.AppendTo(body)
	}
	if len(body) == 1 {
		w.WriteHeader(http.StatusAccepted)
		return
	}
	c.respond(w, http.StatusOK, rpc.Response{JSON: append(body, ']')})
}

// batched answers one message of a batch.
func (s *Server) batched(r *http.Request, item rpc.Item) rpc.Response {
	m := item.Message
	if m == nil {
		return item.Refused
	}
	m.Header = r.Header
	if m.IsNotification() || m.IsResponse() {
		s.notify(r, m)
		return rpc.Response{}
	}
	if mismatched := checkHeaders(r.Header, m); mismatched != nil {
		m.Reject(*mismatched)
	}
	return s.options.Dispatcher.Handle(s.within(r), m)
}

// statusOf returns the HTTP status for a JSON-RPC error code, or 0 for none. Up to
// 2025-11-25 only invalid requests have an error status: 404 there means that the
// session has expired.
func statusOf(r *http.Request, code int) int {
	if code == 0 {
		return http.StatusOK
	}
	isModern := mcp.IsModernProtocol(r.Header.Get(mcp.HeaderProtocolVersion))
	switch code {
	case mcp.PARSE_ERROR, mcp.INVALID_REQUEST, mcp.HEADER_MISMATCH, mcp.UNSUPPORTED_PROTOCOL_VERSION, mcp.MISSING_REQUIRED_CLIENT_CAPABILITY:
		return http.StatusBadRequest
	case mcp.INVALID_PARAMS:
		if isModern {
			return http.StatusBadRequest
		}
	case mcp.METHOD_NOT_FOUND:
		if isModern {
			return http.StatusNotFound
		}
	}
	return http.StatusOK
}
