package rpc

import (
	"context"
	"encoding/json"

	"github.com/mark3labs/mcp-go/mcp"
)

// envelope is what of a message the transport needs.
type envelope struct {
	ID     json.RawMessage `json:"id"`
	Method *string         `json:"method"`
	Params json.RawMessage `json:"params"`
}

// message handles one message. It reports whether answer is called, then or
// later; it is called with nothing where a request was cancelled. listening is
// called when a subscriptions/listen has been taken in; nil takes in none.
func (s *Session) message(ctx context.Context, raw []byte, answer func([]byte), listening func()) bool {
	var m envelope
	if err := json.Unmarshal(raw, &m); err != nil {
		code, text := mcp.INVALID_REQUEST, "the message is not a JSON-RPC request"
		if !json.Valid(raw) {
			code, text = mcp.PARSE_ERROR, "the message is not JSON"
		}
		answer(appendError(nil, nil, code, text))
		return true
	}
	switch {
	case m.Method == nil && m.ID != nil:
		return false // an answer, to a request that we never make
	case m.Method == nil, m.ID != nil && !isID(m.ID):
		answer(appendError(nil, nil, mcp.INVALID_REQUEST, "a request has a method, and an id that is a string or a number"))
		return true
	case m.ID == nil:
		s.notification(ctx, *m.Method, m.Params, raw)
		return false
	}
	s.request(ctx, *m.Method, m.ID, raw, answer, listening)
	return true
}

// isID reports whether a JSON value may be the id of a request.
func isID(value json.RawMessage) bool {
	return value[0] == '"' || value[0] == '-' || '0' <= value[0] && value[0] <= '9'
}

func (s *Session) notification(ctx context.Context, method string, params, raw json.RawMessage) {
	if method != string(mcp.MethodNotificationCancelled) {
		s.recovered(nil, func() []byte { return s.handle(joined{s.ctx, ctx}, method, nil, raw) })
		return
	}
	var p struct {
		RequestID json.RawMessage `json:"requestId"`
	}
	if json.Unmarshal(params, &p) != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if call := s.calls[string(p.RequestID)]; call != nil {
		call.cancelled.Store(true)
		call.cancel()
	}
}

func (s *Session) request(intake context.Context, method string, id, raw json.RawMessage, answer func([]byte), listening func()) {
	select {
	case s.pending <- struct{}{}:
	case <-intake.Done():
		answer(appendError(nil, id, mcp.INTERNAL_ERROR, sessionEnded))
		return
	case <-s.ending.Done():
		answer(appendError(nil, id, mcp.INTERNAL_ERROR, sessionEnded))
		return
	}
	ctx, cancel := context.WithCancel(joined{s.ctx, intake})
	entry := &call{cancel: cancel, listens: method == string(mcp.MethodSubscriptionsListen)}
	var refused string
	s.mu.Lock()
	switch other := s.calls[string(id)]; {
	case other != nil && (other.listens || entry.listens):
		// A subscription could not be told from the other, nor be cancelled.
		refused = "a request of this id is in flight"
	case entry.listens && listening == nil:
		refused = "a subscription cannot be in a batch"
	default:
		s.calls[string(id)] = entry
	}
	s.mu.Unlock()
	s.working.Add(1)
	run := func(handle func(context.Context) []byte) {
		defer s.working.Done()
		defer cancel()
		response := s.recovered(id, func() []byte { return handle(ctx) })
		s.mu.Lock()
		if s.calls[string(id)] == entry {
			delete(s.calls, string(id))
		}
		s.mu.Unlock()
		if entry.cancelled.Load() {
			response = nil // the client has stopped waiting, and must not be answered
		}
		answer(response)
		<-s.pending
	}
	handle := func(ctx context.Context) []byte {
		switch {
		case ctx.Err() != nil:
			return appendError(nil, id, mcp.INTERNAL_ERROR, sessionEnded)
		case refused != "":
			return appendError(nil, id, mcp.INVALID_REQUEST, refused)
		}
		return s.handle(ctx, method, id, raw)
	}
	// What keeps an order takes the message in now, and the rest of its handling
	// keeps nothing of it.
	takeIn := func(take func(context.Context, string, json.RawMessage, json.RawMessage) func(context.Context) []byte) {
		if s.options.Watch == nil || refused != "" {
			return
		}
		if failed := s.recovered(id, func() []byte { handle = take(ctx, method, id, raw); return nil }); failed != nil {
			handle = func(context.Context) []byte { return failed }
		}
	}
	switch mcp.MCPMethod(method) {
	case mcp.MethodInitialize:
		run(handle) // what follows on the stream counts on it
	case mcp.MethodToolsCall, mcp.MethodResourcesRead, mcp.MethodPromptsGet, mcp.MethodCompletionComplete:
		s.enqueue(func() { run(handle) }) // they ask the platform
	case mcp.MethodResourcesSubscribe, mcp.MethodResourcesUnsubscribe:
		takeIn(s.changeSubscription)
		s.enqueue(func() { run(handle) })
	case mcp.MethodSubscriptionsListen:
		takeIn(s.listen)
		if listening != nil {
			listening()
		}
		go run(handle)
	default:
		go run(handle)
	}
}

// enqueue has a worker run a call. Workers live as long as the session: their
// stacks have grown to what a call needs, which is costly to do for each anew.
func (s *Session) enqueue(run func()) {
	s.queue <- run
	if s.workers < s.options.InFlight && len(s.queue) > 0 {
		s.workers++
		go func() {
			for run := range s.queue {
				run()
			}
		}()
	}
}

const sessionEnded = "the session ended before the call began; nothing was done"

// joined ends with the session, and has the values of what brought a message
// before the session's own.
type joined struct {
	context.Context
	values context.Context
}

func (j joined) Value(key any) any {
	if v := j.values.Value(key); v != nil {
		return v
	}
	return j.Context.Value(key)
}

// recovered calls what makes an answer; where that panics, the answer says so.
func (s *Session) recovered(id json.RawMessage, handle func() []byte) (response []byte) {
	defer func() {
		if p := recover(); p != nil {
			s.options.OnPanic(p)
			response = nil
			if id != nil {
				response = appendError(nil, id, mcp.INTERNAL_ERROR, "the server failed")
			}
		}
	}()
	return handle()
}

// handle has the MCP server handle a message, and returns its answer, or nil.
func (s *Session) handle(ctx context.Context, method string, id, raw json.RawMessage) []byte {
	var failure *Failure
	switch mcp.MCPMethod(method) {
	case mcp.MethodResourcesRead, mcp.MethodPromptsGet:
		ctx, failure = WithFailure(ctx)
	}
	answer := s.srv.HandleMessage(ctx, raw)
	if answer == nil || id == nil {
		return nil
	}
	if s.options.Methods[method] != nil && isUnknown(answer) {
		return s.options.Methods.Answer(ctx, method, id, raw)
	}
	if failure != nil && failure.Details != nil {
		return appendDetails(newBuffer(), id, *failure.Details)
	}
	return appendResponse(newBuffer(), id, answer)
}
