package rpc

import (
	"context"
	"encoding/json"
	"sync/atomic"

	"github.com/mark3labs/mcp-go/mcp"
)

// call is a request in flight.
type call struct {
	cancel    context.CancelFunc
	cancelled atomic.Bool
	listens   bool // it is a subscriptions/listen
}

// handler answers a request.
type handler func(context.Context, *Message) Response

// item handles one of the messages that came at once. It reports whether answer
// is called, then or later; it is called with nothing where a request was
// cancelled. listening is called when a subscriptions/listen has been taken in;
// nil takes in none.
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
	var handle handler // which is refused already
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
		handle = s.reserve(ctx, m)
	}
	s.working.Add(1)
	run := func() {
		defer s.working.Done()
		defer cancel()
		response := s.dispatcher.observe(ctx, m, func(ctx context.Context, m *Message) Response {
			if ctx.Err() != nil {
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
			response = Response{} // the client has stopped waiting, and must not be answered
		}
		answer(response)
		<-s.pending
	}
	switch mcp.MCPMethod(m.Method) {
	case mcp.MethodInitialize:
		run() // what follows on the stream counts on it
	case mcp.MethodToolsCall, mcp.MethodResourcesRead, mcp.MethodPromptsGet, mcp.MethodCompletionComplete,
		mcp.MethodResourcesSubscribe, mcp.MethodResourcesUnsubscribe:
		s.workers.run(run) // they ask the platform
	case mcp.MethodSubscriptionsListen:
		if listening != nil {
			listening()
		}
		go run()
	default:
		go run()
	}
}

// reserve does at once what must be done in the order of arrival, and returns
// what does the rest.
func (s *Session) reserve(ctx context.Context, m *Message) handler {
	switch mcp.MCPMethod(m.Method) {
	case mcp.MethodResourcesSubscribe, mcp.MethodResourcesUnsubscribe:
		if s.dispatcher.options.Watch != nil && !m.IsModern() && m.check() == nil {
			return s.changeSubscription(ctx, m)
		}
	case mcp.MethodSubscriptionsListen:
		if m.IsModern() && m.check() == nil {
			return s.listen(m)
		}
	}
	return s.dispatcher.dispatch
}

var (
	errSessionEnded = mcp.NewJSONRPCErrorDetails(mcp.INTERNAL_ERROR, "the session ended before the call began; nothing was done", nil)
	// errIDInFlight is for a subscription, which could not be told from the other
	// request, nor be cancelled.
	errIDInFlight = mcp.NewJSONRPCErrorDetails(mcp.INVALID_REQUEST, "a request with this id is already in flight: use another id", nil)
)

// fails returns a handler that fails.
func fails(details mcp.JSONRPCErrorDetails) handler {
	return func(_ context.Context, m *Message) Response { return errorResponse(m.ID, details) }
}

// requestContext ends with the session, and has the values of what brought a
// message beside the session's. The session's come first: among them is what
// makes a context that is derived from this one cheap.
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

// emptyResult returns the answer to a request that has been done.
func emptyResult(id json.RawMessage) Response {
	return Response{JSON: append(appendHead(newBuffer(), id), `"result":{}}`...)}
}
