// Package rpc answers the JSON-RPC messages of MCP, independent of the transport.
//
// A [Dispatcher] answers a request, for every transport. A [Session] queues and
// orders the messages of a client on a stream. Of mcp-go only the registry and
// [server.MCPServer.HandleMessage] are used, not the transports: those exit with
// calls unanswered, answer cancelled calls and lose notifications (measured with
// v1.2.1).
package rpc

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/openpolt/polt-mcp/internal/buffers"
)

// Options configure a [Dispatcher]. Server must be set.
type Options struct {
	// Server has the tools, resources and prompts. Its hooks should have been
	// passed to [RecordErrors].
	Server *server.MCPServer
	// Methods are the methods that Server does not implement; optional.
	Methods Methods
	// Watch watches the resources that clients subscribe to; nil disables
	// subscriptions.
	Watch Watch
	// Caller identifies the caller, as several may share a session; nil means
	// that there is only one.
	Caller func(context.Context) string
	// OnRequest observes each request; optional.
	OnRequest Observer
	// Encoded is called with each result of a tool that has been copied into its
	// response, and may reuse its memory; optional.
	Encoded func(*mcp.CallToolResult)
	// OnPanic is called with the value of a handler's panic; optional.
	OnPanic func(any)
}

// Methods are the methods that mcp-go does not implement, by name. Each gets the
// params of a request, and returns a result that encodes as a JSON object, or an
// error: the text of one that is not [Coded] is not sent to the client.
type Methods map[string]func(ctx context.Context, params json.RawMessage) (any, error)

// An Observer is called at the start of each request. It returns the request's
// context, to which it may add, and a function to call at the end, or nil.
type Observer func(ctx context.Context, m *Message) (context.Context, func(Outcome))

// Observers combines observers into one, which is nil if all of them are. Their
// end functions are called in reverse order.
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

// An Outcome is the outcome of a request.
type Outcome struct {
	Duration time.Duration
	// Code is the JSON-RPC error code of the response; 0 for a result.
	Code int
	// ErrorType classifies the failure: the type passed to [FailedAs], the result
	// of Err's method ErrorType() string, or Code in decimal. It is "" on success.
	ErrorType string
	// Err is the error behind Code, if any.
	Err error
	// Cancelled reports whether the request's context was done before its end.
	Cancelled bool
}

// A Response answers a message.
type Response struct {
	JSON []byte // nil for no response; for a large one, only the beginning
	Code int    // the JSON-RPC error code, or 0

	large *large // the rest, or nil
}

// Free lets the buffer of a response be reused, once it has been written. A response
// whose writing has failed must not be freed: the HTTP/2 server of net/http may
// still be reading it (go.dev/issue/20704).
func (r Response) Free() { buffers.Free(r.JSON) }

func errorResponse(id json.RawMessage, details mcp.JSONRPCErrorDetails) Response {
	return Response{JSON: appendDetails(buffers.Get(0), id, details), Code: details.Code}
}

// ErrorResponse returns the response to a request that failed before it reached
// a dispatcher; a nil id is omitted.
func ErrorResponse(id json.RawMessage, details mcp.JSONRPCErrorDetails) Response {
	return errorResponse(id, details)
}

// A Dispatcher answers requests. Its methods may be called by any number of
// goroutines.
type Dispatcher struct {
	options Options
	server  *server.MCPServer
	// serverInfo returns the MCP server's serverInfo as JSON, or nil if it has none.
	serverInfo func() []byte
	tools      func() map[string]*server.ServerTool
	protected  protection // for requests without a session
}

// NewDispatcher returns a dispatcher.
func NewDispatcher(o Options) *Dispatcher {
	if o.OnPanic == nil {
		o.OnPanic = func(any) {}
	}
	if o.Encoded == nil {
		o.Encoded = func(*mcp.CallToolResult) {}
	}
	if o.Caller == nil {
		o.Caller = func(context.Context) string { return "" }
	}
	d := &Dispatcher{options: o, server: o.Server}
	d.serverInfo = sync.OnceValue(d.askServerInfo)
	d.tools = sync.OnceValue(d.server.ListTools)
	return d
}

// Handle answers a request that belongs to no session.
func (d *Dispatcher) Handle(ctx context.Context, m *Message) Response {
	return d.observe(ctx, m, d.dispatch)
}

// HandleNotifying is Handle for a client that can receive notifications before
// the response. notify is never called concurrently, nor after HandleNotifying
// has returned.
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

// forward forwards notifications until answered is closed, including those that
// are still queued then.
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

// Notify handles a notification other than notifications/cancelled, which the
// owner of the requests in flight must handle. One over maxMessage is dropped.
func (d *Dispatcher) Notify(ctx context.Context, m *Message) {
	defer func() {
		if p := recover(); p != nil {
			d.options.OnPanic(p)
		}
	}()
	if m.check() == nil && len(m.Raw) <= maxMessage {
		d.server.HandleMessage(ctx, m.Raw)
	}
}

// observe calls handle and notifies the observer. It answers a panic with an
// error.
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
		if !m.IsModern() { // otherwise mcp-go's error names the replacement
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
	raw := m.Raw
	if m.Method == string(mcp.MethodToolsCall) {
		if tool := d.tools()[m.Target()]; tool != nil {
			return d.call(ctx, m, tool)
		}
		raw = m.withoutArguments() // mcp-go only has to say that there is no such tool
	}
	if len(raw) > maxMessage {
		return errorResponse(m.ID, mcp.NewJSONRPCErrorDetails(mcp.INVALID_REQUEST,
			fmt.Sprintf("the message has %d bytes, which exceeds the maximum of %d for %s", len(raw), maxMessage, m.Method), nil))
	}
	answer := d.server.HandleMessage(ctx, raw)
	if f := ctx.Value(stateKey{}).(*state); f.err != nil {
		said, _ := answer.(mcp.JSONRPCError)
		return errorResponse(m.ID, errorDetails(f.err, m, said.Error))
	}
	if !m.inSession {
		withoutSubscribe(answer)
	}
	return encodeResponse(m.ID, answer)
}

// maxMessage is how many bytes a message may have that mcp-go decodes, to values
// that take up to 30 times as much. Only calls of tools need more.
const maxMessage = 256 << 10

// call calls a tool's handler directly, bypassing mcp-go's hooks and middleware:
// mcp-go would first decode the message four times (v1.2.1), a fifth of the cost
// of a short call.
func (d *Dispatcher) call(ctx context.Context, m *Message, tool *server.ServerTool) Response {
	if m.IsModern() {
		ctx = server.WithRequestProtocolInfo(ctx, m.protocolInfo())
	}
	params := mcp.CallToolParams{Name: tool.Tool.Name, RawArguments: m.Params.Arguments}
	if token := m.Params.Meta.ProgressToken; token != nil {
		params.Meta = &mcp.Meta{ProgressToken: token} // as the client wrote it
	}
	r, err := tool.Handler(ctx, mcp.CallToolRequest{Params: params})
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
	out, err := appendToolResult(append(appendHead(buffers.Get(0), m.ID), `"result":`...), r)
	if err != nil {
		return errorResponse(m.ID, errUnencodable)
	}
	d.options.Encoded(r)
	if lacksModern {
		out = append(d.appendModern(append(out[:len(out)-1], ','), nil), '}')
	}
	return Response{JSON: append(out, '}')}
}

// withoutSubscribe clears resources.subscribe in the response to an initialize
// without a session: there is no stream for the notifications.
func withoutSubscribe(answer mcp.JSONRPCMessage) {
	if response, ok := answer.(mcp.JSONRPCResponse); ok {
		if r, ok := response.Result.(mcp.InitializeResult); ok && r.Capabilities.Resources != nil {
			r.Capabilities.Resources.Subscribe = false
		}
	}
}

// own answers a request for one of [Options.Methods].
func (d *Dispatcher) own(ctx context.Context, m *Message, method func(context.Context, json.RawMessage) (any, error)) Response {
	var request struct{ Params json.RawMessage }
	_ = json.Unmarshal(m.Raw, &request) // Raw is known to be valid
	result, err := method(ctx, request.Params)
	if err != nil {
		Fail(ctx, err)
		return errorResponse(m.ID, detailsOf(err, m.IsModern()))
	}
	text, err := json.Marshal(result)
	if err != nil || !isObject(text) {
		return errorResponse(m.ID, errUnencodable)
	}
	out := append(appendHead(buffers.Get(0), m.ID), `"result":{`...)
	if m.IsModern() {
		out = d.appendModern(out, nil)
		if len(text) > len("{}") {
			out = append(out, ',')
		}
	}
	return Response{JSON: append(append(out, text[1:]...), '}')}
}

// appendModern appends the members that every result of 2026-07-28 has; a nil
// subscription is omitted.
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

// askServerInfo gets serverInfo by server/discover: mcp-go has no accessor.
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
