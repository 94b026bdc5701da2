// Package rpc answers JSON-RPC messages of MCP, whatever brings them and takes
// the answers.
//
// A [Dispatcher] answers a request; it is the same for every transport. A
// [Session] queues and orders the messages of a client that speaks over a
// stream. mcp-go is the registry of what is served, and handles a message
// ([server.MCPServer.HandleMessage]): its transports end with calls unanswered,
// answer cancelled calls and lose notifications (measured with v1.2.1).
package rpc

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// Options configure a [Dispatcher]. Server must be set.
type Options struct {
	// Server has the tools, resources and prompts. Its hooks should have been
	// given to [RecordErrors].
	Server *server.MCPServer
	// Methods are those that the MCP server does not have; nil has none.
	Methods Methods
	// Watch watches what clients subscribe to; nil watches nothing.
	Watch Watch
	// Caller tells callers apart, who may share a session; nil means that there is
	// one.
	Caller func(context.Context) string
	// OnRequest is told of each request; nil means nobody is.
	OnRequest Observer
	// OnPanic is told what a handler panicked with; nil means nobody is.
	OnPanic func(any)
}

// Methods are methods that mcp-go does not have, by name. They get the params
// of a request and return its result, a JSON object, or an error that is
// [Coded].
type Methods map[string]func(ctx context.Context, params json.RawMessage) (any, error)

// An Observer is told of each request: of its beginning, for which it may add
// to the context, and of its end, by the function that it returns, unless that is
// nil.
type Observer func(ctx context.Context, m *Message) (context.Context, func(Outcome))

// Observers returns an observer that has each of several told; those that are
// nil are left out.
func Observers(all ...Observer) Observer {
	all = slices.DeleteFunc(slices.Clone(all), func(o Observer) bool { return o == nil })
	switch len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	}
	return func(ctx context.Context, m *Message) (context.Context, func(Outcome)) {
		ends := make([]func(Outcome), len(all))
		for i, observe := range all {
			ctx, ends[i] = observe(ctx, m)
		}
		return ctx, func(o Outcome) {
			for _, end := range slices.Backward(ends) {
				if end != nil {
					end(o)
				}
			}
		}
	}
}

// An Outcome is what became of a request.
type Outcome struct {
	Duration time.Duration
	// Code is that of the JSON-RPC error that it was answered with; 0 for a
	// result.
	Code int
	// ErrorType is the kind of error that it failed with: what a tool whose result
	// is an error has told [FailedAs], what the method ErrorType() string of Err
	// returns, or Code as a text. It is "" where all went well.
	ErrorType string
	// Err is the error behind Code, if there is one.
	Err error
	// Cancelled says that nobody waited any more for the answer.
	Cancelled bool
}

// A Response answers a message.
type Response struct {
	JSON []byte // nil where there is no answer; of a large one, the beginning
	Code int    // of the error that it is, or 0

	large *large // what follows, or nil
}

// Free gives the memory of a response back, once it is written.
func (r Response) Free() { freeBuffer(r.JSON) }

func errorResponse(id json.RawMessage, details mcp.JSONRPCErrorDetails) Response {
	return Response{JSON: appendDetails(newBuffer(), id, details), Code: details.Code}
}

// ErrorResponse returns the answer to a request that failed before it reached a
// dispatcher; a nil id is left out.
func ErrorResponse(id json.RawMessage, details mcp.JSONRPCErrorDetails) Response {
	return errorResponse(id, details)
}

// A Dispatcher answers requests. Its methods may be called by any number of
// goroutines.
type Dispatcher struct {
	options Options
	server  *server.MCPServer
	// serverInfo is who the MCP server says that it is, as JSON; nil where it does
	// not.
	serverInfo func() []byte
	tools      func() map[string]*server.ServerTool
	protected  protection // of requests without a session
}

// NewDispatcher returns a dispatcher.
func NewDispatcher(o Options) *Dispatcher {
	if o.OnPanic == nil {
		o.OnPanic = func(any) {}
	}
	if o.Caller == nil {
		o.Caller = func(context.Context) string { return "" }
	}
	d := &Dispatcher{options: o, server: o.Server}
	d.serverInfo = sync.OnceValue(d.askServerInfo)
	d.tools = sync.OnceValue(d.server.ListTools)
	return d
}

// Handle answers a request of a client that has no session.
func (d *Dispatcher) Handle(ctx context.Context, m *Message) Response {
	return d.observe(ctx, m, d.dispatch)
}

// HandleNotifying is Handle for a client that can be sent notifications while it
// waits for the answer. notify is called by one goroutine, and not after
// HandleNotifying has returned.
func (d *Dispatcher) HandleNotifying(ctx context.Context, m *Message, notify func([]byte)) Response {
	client := newClient()
	client.Initialize()
	answered := make(chan struct{})
	var notifying sync.WaitGroup
	notifying.Go(func() { forward(client.notifications, answered, notify) })
	defer notifying.Wait()
	defer close(answered)
	return d.Handle(d.server.WithContext(ctx, client), m)
}

// forward passes notifications on until a request has been answered, and those
// that were sent before that.
func forward(notifications <-chan mcp.JSONRPCNotification, answered <-chan struct{}, notify func([]byte)) {
	pass := func(n mcp.JSONRPCNotification) {
		if text, err := json.Marshal(n); err == nil {
			notify(text)
		}
	}
	for {
		select {
		case n := <-notifications:
			pass(n)
		case <-answered:
			for len(notifications) > 0 {
				pass(<-notifications)
			}
			return
		}
	}
}

// Notify handles a notification, but for one that cancels a request: which
// those are is for who holds them to know.
func (d *Dispatcher) Notify(ctx context.Context, m *Message) {
	defer func() {
		if p := recover(); p != nil {
			d.options.OnPanic(p)
		}
	}()
	if m.check() == nil {
		d.server.HandleMessage(ctx, m.Raw)
	}
}

// observe has a request handled, and tells of it. A panic is answered.
func (d *Dispatcher) observe(ctx context.Context, m *Message, handle func(context.Context, *Message) Response) (r Response) {
	f := &state{protected: m.protected, message: m}
	if f.protected == nil {
		f.protected = &d.protected
	}
	ctx = context.WithValue(ctx, stateKey{}, f)
	start := time.Now()
	var end func(Outcome)
	if d.options.OnRequest != nil {
		ctx, end = d.options.OnRequest(ctx, m)
	}
	defer func() {
		if p := recover(); p != nil {
			d.options.OnPanic(p)
			r = errorResponse(m.ID, mcp.NewJSONRPCErrorDetails(mcp.INTERNAL_ERROR, errFailed.Error(), nil))
		}
		if end != nil {
			end(Outcome{
				Duration: time.Since(start), Code: r.Code, ErrorType: f.typeOf(r.Code), Err: f.err, Cancelled: ctx.Err() != nil,
			})
		}
	}()
	return handle(ctx, m)
}

var (
	errNoStream = mcp.NewJSONRPCErrorDetails(mcp.METHOD_NOT_FOUND,
		"subscriptions need a stream for their notifications: connect over SSE or stdio, or call subscriptions/listen of protocol version "+mcp.ProtocolVersion20260728, nil)
	errListenInBatch = mcp.NewJSONRPCErrorDetails(mcp.INVALID_REQUEST, "subscriptions/listen is not allowed in a batch: send it by itself", nil)
)

// dispatch answers a request.
func (d *Dispatcher) dispatch(ctx context.Context, m *Message) Response {
	if details := m.check(); details != nil {
		return errorResponse(m.ID, *details)
	}
	switch mcp.MCPMethod(m.Method) {
	case mcp.MethodResourcesSubscribe, mcp.MethodResourcesUnsubscribe:
		if !m.IsModern() { // mcp-go says what took its place
			return errorResponse(m.ID, errNoStream)
		}
	case mcp.MethodSubscriptionsListen:
		if m.IsModern() {
			return errorResponse(m.ID, errListenInBatch)
		}
	}
	if method := d.options.Methods[m.Method]; method != nil {
		return d.own(ctx, m, method)
	}
	if tool := d.plainCall(m); tool != nil {
		return d.call(ctx, m, tool)
	}
	answer := d.server.HandleMessage(ctx, m.Raw)
	if f := ctx.Value(stateKey{}).(*state); f.err != nil {
		said, _ := answer.(mcp.JSONRPCError)
		return errorResponse(m.ID, errorDetails(f.err, m, said.Error))
	}
	if !m.inSession {
		withoutSubscribe(answer)
	}
	return encodeResponse(m.ID, answer)
}

// plainCall returns the tool that a message calls, or nil where it does not, or
// where mcp-go is needed: to say that there is no such tool, and to report
// progress, which takes the MCP server in the context.
func (d *Dispatcher) plainCall(m *Message) *server.ServerTool {
	if m.Method != string(mcp.MethodToolsCall) || m.Params.Meta.ProgressToken != nil {
		return nil
	}
	return d.tools()[m.Target()]
}

// call has a tool called by its handler, without mcp-go's hooks and middleware
// of calls: mcp-go would decode the message four times before (v1.2.1), which is
// a fifth of what a short call costs.
func (d *Dispatcher) call(ctx context.Context, m *Message, tool *server.ServerTool) Response {
	if m.IsModern() {
		ctx = server.WithRequestProtocolInfo(ctx, m.protocolInfo())
	}
	r, err := tool.Handler(ctx, mcp.CallToolRequest{Params: mcp.CallToolParams{Name: tool.Tool.Name, RawArguments: m.Params.Arguments}})
	if err != nil || r == nil {
		return errorResponse(m.ID, detailsOf(err, m.IsModern()))
	}
	lacksModern := m.IsModern() && r.Meta == nil && r.ResultType == ""
	if response, ok := largeResponse(m.ID, r); ok {
		if lacksModern {
			response.large.rest = d.appendModern([]byte{','}, nil)
		}
		return response
	}
	out, err := appendToolResult(append(appendHead(newBuffer(), m.ID), `"result":`...), r)
	if err != nil {
		return errorResponse(m.ID, errUnencodable)
	}
	if lacksModern {
		out = append(d.appendModern(append(out[:len(out)-1], ','), nil), '}')
	}
	return Response{JSON: append(out, '}')}
}

// withoutSubscribe takes back that resources can be subscribed to, where a
// client shakes hands without a session: there is no stream on which it could
// be told of changes later.
func withoutSubscribe(answer mcp.JSONRPCMessage) {
	if response, ok := answer.(mcp.JSONRPCResponse); ok {
		if r, ok := response.Result.(mcp.InitializeResult); ok && r.Capabilities.Resources != nil {
			r.Capabilities.Resources.Subscribe = false
		}
	}
}

// own answers a request of a method of our own.
func (d *Dispatcher) own(ctx context.Context, m *Message, method func(context.Context, json.RawMessage) (any, error)) Response {
	var request struct{ Params json.RawMessage }
	_ = json.Unmarshal(m.Raw, &request) // it has been parsed before
	result, err := method(ctx, request.Params)
	if err != nil {
		Fail(ctx, err)
		return errorResponse(m.ID, detailsOf(err, m.IsModern()))
	}
	text, err := json.Marshal(result)
	if err != nil || !isObject(text) {
		return errorResponse(m.ID, errUnencodable)
	}
	out := append(appendHead(newBuffer(), m.ID), `"result":{`...)
	if m.IsModern() {
		out = d.appendModern(out, nil)
		if len(text) > len("{}") {
			out = append(out, ',')
		}
	}
	return Response{JSON: append(append(out, text[1:]...), '}')}
}

// appendModern appends the members that every result of 2026-07-28 has; a nil
// subscription is left out.
func (d *Dispatcher) appendModern(dst []byte, subscription json.RawMessage) []byte {
	dst = append(dst, `"resultType":"`+mcp.ResultTypeComplete+`","_meta":{`...)
	info := d.serverInfo()
	if info != nil {
		dst = append(append(dst, `"`+mcp.MetaKeyServerInfo+`":`...), info...)
	}
	if info != nil && subscription != nil {
		dst = append(dst, ',')
	}
	if subscription != nil {
		dst = append(append(dst, `"`+mcp.MetaKeySubscriptionID+`":`...), subscription...)
	}
	return append(dst, '}')
}

// askServerInfo asks the MCP server who it is, as a client does.
func (d *Dispatcher) askServerInfo() []byte {
	answer, _ := d.server.HandleMessage(context.Background(), json.RawMessage(`{"jsonrpc":"2.0","id":0,"method":"server/discover","params":{"_meta":{"`+
		mcp.MetaKeyProtocolVersion+`":"`+mcp.ProtocolVersion20260728+`","`+mcp.MetaKeyClientCapabilities+`":{}}}}`)).(mcp.JSONRPCResponse)
	discovered, ok := answer.Result.(mcp.DiscoverResult)
	if !ok || discovered.Meta.ServerInfo() == nil {
		return nil
	}
	info, err := json.Marshal(discovered.Meta.ServerInfo())
	if err != nil {
		return nil
	}
	return info
}
