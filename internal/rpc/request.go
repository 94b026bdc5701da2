package rpc

import (
	"context"
	"encoding/json"
	"sync/atomic"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/openpolt/polt-mcp/internal/buffers"
)

// call is a request in flight.
type call struct {
	cancel    context.CancelFunc
	cancelled atomic.Bool
	listens   bool // for subscriptions/listen
}

// handler answers a request.
type handler func(context.Context, *Message) Response

// item handles one item of an input. It reports whether answer is called, now or
// later; for a cancelled request that is with an empty response. listening is
// called once a subscriptions/listen is accepted; nil rejects it.
func (s *Session) item(ctx context.Context, item Item, answer func(Response), listening func()) bool {
	m := item.Message
	switch {
	case m == nil:
		answer(item.Refused)
		return true
	case m.IsResponse():
		return false
	case m.IsNotification():
		s.notification(ctx, m)
		return false
	}
	m.inSession, m.protected = true, &s.protected
	s.request(ctx, m, answer, listening)
	return true
}

func (s *Session) notification(ctx context.Context, m *Message) {
	if m.Method != string(mcp.MethodNotificationCancelled) {
		s.dispatcher.Notify(requestContext{s.ctx, ctx}, m)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if call := s.calls[string(m.Params.RequestID)]; call != nil {
		call.cancelled.Store(true)
		call.cancel()
	}
}

func (s *Session) request(intake context.Context, m *Message, answer func(Response), listening func()) {
	select {
	case s.pending <- struct{}{}:
	case <-intake.Done():
		answer(errorResponse(m.ID, errSessionEnded))
		return
	case <-s.ending.Done():
		answer(errorResponse(m.ID, errSessionEnded))
		return
	}
	own, cancel := context.WithCancel(s.ctx)
	ctx := WithEnding(requestContext{own, intake}, s.ending.Done())
	id := string(m.ID)
	entry := &call{cancel: cancel, listens: m.Method == string(mcp.MethodSubscriptionsListen)}
	var handle handler // set here if the request is rejected
	var reserved bool
	s.mu.Lock()
	switch other := s.calls[id]; {
	case other != nil && (other.listens || entry.listens):
		handle = fails(errIDInFlight)
	case entry.listens && listening == nil:
		handle = fails(errListenInBatch)
	default:
		s.calls[id] = entry
	}
	s.mu.Unlock()
	if handle == nil {
		handle, reserved = s.reserve(ctx, m)
	}
	s.working.Add(1)
	run := func() {
		defer s.working.Done()
		defer cancel()
		response := s.dispatcher.observe(ctx, m, func(ctx context.Context, m *Message) Response {
			if ctx.Err() != nil && !reserved {
				return errorResponse(m.ID, errSessionEnded)
			}
			return handle(ctx, m)
		})
		s.mu.Lock()
		if s.calls[id] == entry {
			delete(s.calls, id)
		}
		s.mu.Unlock()
		if entry.cancelled.Load() {
			response = Response{} // a cancelled request must not be answered
		}
		answer(response)
		<-s.pending
	}
	switch mcp.MCPMethod(m.Method) {
	case mcp.MethodInitialize:
		run() // later messages depend on it
	case mcp.MethodToolsCall, mcp.MethodResourcesRead, mcp.MethodPromptsGet, mcp.MethodCompletionComplete,
		mcp.MethodResourcesSubscribe, mcp.MethodResourcesUnsubscribe:
		s.workers.run(run) // limits the requests to the platform
	case mcp.MethodSubscriptionsListen:
		if listening != nil {
			listening()
		}
		go run()
	default:
		go run()
	}
}

// reserve does the part of a request that must happen in order of arrival. It
// returns the handler for the rest, which must run if anything was reserved.
func (s *Session) reserve(ctx context.Context, m *Message) (handle handler, reserved bool) {
	switch mcp.MCPMethod(m.Method) {
	case mcp.MethodResourcesSubscribe, mcp.MethodResourcesUnsubscribe:
		if s.dispatcher.options.Watch != nil && !m.IsModern() && m.check() == nil {
			return s.changeSubscription(ctx, m), true
		}
	case mcp.MethodSubscriptionsListen:
		if m.IsModern() && m.check() == nil {
			return s.listen(m), true
		}
	}
	return s.dispatcher.dispatch, false
}

var (
	errSessionEnded = mcp.NewJSONRPCErrorDetails(mcp.INTERNAL_ERROR, "the session ended before the call began; nothing was done", nil)
	// errIDInFlight rejects subscriptions/listen with an id in use: its
	// notifications would be ambiguous, and it could not be cancelled.
	errIDInFlight = mcp.NewJSONRPCErrorDetails(mcp.INVALID_REQUEST, "a request with this id is already in flight: use another id", nil)
)

// fails returns a handler that answers with an error.
func fails(details mcp.JSONRPCErrorDetails) handler {
	return func(_ context.Context, m *Message) Response { return errorResponse(m.ID, details) }
}

// requestContext is cancelled with the session, and also has the values of the
// message's own context. The session's values are looked up first: one of them
// lets context derive children without a goroutine.
type requestContext struct {
	context.Context
	values context.Context
}

func (c requestContext) Value(key any) any {
	if v := c.Context.Value(key); v != nil {
		return v
	}
	return c.values.Value(key)
}

// emptyResult returns a response with an empty result.
func emptyResult(id json.RawMessage) Response {
	return Response{JSON: append(appendHead(buffers.Get(0), id), `"result":{}}`...)}
}
