// Package stdio serves MCP over a pair of streams: one JSON-RPC message a
// line, as MCP's stdio transport wants it.
//
// It stands in for mcp-go's own stdio server, whose session ends at the end of
// input with calls unanswered, which has no limit on a line, answers cancelled
// calls and serves only one session a process (measured with v1.2.1).
package stdio

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// Options configure [Serve]. The zero value is good.
type Options struct {
	// MaxLine is how many bytes a message may have; 0 means 4 MiB.
	MaxLine int
	// InFlight is how many calls run at a time; 0 means 64. Others wait, and
	// everything that is not a call of a tool goes past them.
	InFlight int
	// Drain is how long calls in flight may take after the end of input, or of
	// the context; 0 means 10 seconds.
	Drain time.Duration
	// OnPanic is told what a handler panicked with; nil means nobody is.
	OnPanic func(any)
}

const (
	defaultMaxLine  = 4 << 20
	defaultInFlight = 64
	defaultDrain    = 10 * time.Second
	// maxPending is how many requests are read ahead of their answers.
	maxPending = 4096
)

// Serve answers the messages of in until its end, or until ctx is done: then
// it reads no more, and returns when every request that was read has been
// answered, within the drain time. The calls that are still running at eight
// tenths of it are cancelled. It returns an error only where in or out failed.
func Serve(ctx context.Context, srv *server.MCPServer, in io.Reader, out io.Writer, o Options) error {
	if o.MaxLine <= 0 {
		o.MaxLine = defaultMaxLine
	}
	if o.InFlight <= 0 {
		o.InFlight = defaultInFlight
	}
	if o.Drain <= 0 {
		o.Drain = defaultDrain
	}
	if o.OnPanic == nil {
		o.OnPanic = func(any) {}
	}
	session := newSession()
	if err := srv.RegisterSession(ctx, session); err != nil {
		return err
	}
	defer srv.UnregisterSession(context.WithoutCancel(ctx), session.SessionID())

	calls, cancelCalls := context.WithCancel(srv.WithContext(context.WithoutCancel(ctx), session))
	defer cancelCalls()
	c := &conn{
		Options: o, srv: srv, ctx: calls, session: session,
		out:     newWriter(out, session.notifications),
		queue:   make(chan func(), maxPending),
		pending: make(chan struct{}, maxPending),
		calls:   map[string]*call{},
	}
	readErr := make(chan error, 1)
	intake, cancelIntake := context.WithCancel(ctx)
	defer cancelIntake()
	go func() { readErr <- c.read(intake, in) }()
	var err error
	select {
	case err = <-readErr:
	case <-ctx.Done(): // the reader may be blocked in in, which is not ours to close
	case <-c.out.failed:
	}
	cancelIntake()
	c.intake.Lock()
	c.closed = true
	c.intake.Unlock()
	c.drain(cancelCalls)
	close(c.queue)
	return errors.Join(err, c.out.stop(o.Drain/10))
}

// conn is one session's streams and the requests in flight.
type conn struct {
	Options
	srv     *server.MCPServer
	ctx     context.Context // of every call
	session *session
	out     *writer
	queue   chan func()   // calls of tools; never full, as pending bounds it
	workers int           // that take from the queue; begun as they are needed
	pending chan struct{} // bounds how many requests have no answer yet

	working sync.WaitGroup // one a request without an answer yet

	intake sync.Mutex // held while a line is taken in
	closed bool       // no more lines are taken in

	mu    sync.Mutex
	calls map[string]*call // by the request's id, as it was written
}

// call is a request in flight.
type call struct {
	cancel    context.CancelFunc
	cancelled atomic.Bool
}

// drain waits for the calls in flight.
func (c *conn) drain(cancel func()) {
	done := make(chan struct{})
	go func() { c.working.Wait(); close(done) }()
	timer := time.NewTimer(c.Drain - c.Drain/5)
	defer timer.Stop()
	select {
	case <-done:
		return
	case <-timer.C:
	}
	cancel() // so that they answer what they know, such as that an outcome is unknown
	timer.Reset(c.Drain / 10)
	select {
	case <-done:
	case <-timer.C:
	}
}

func (c *conn) read(ctx context.Context, in io.Reader) error {
	lines := newLineReader(in, c.MaxLine)
	for ctx.Err() == nil {
		line, err := lines.next()
		switch {
		case err == io.EOF:
			return nil
		case err == errLineTooLong:
			c.out.write(appendError(nil, guessID(line), mcp.INVALID_REQUEST, tooLong(c.MaxLine)))
		case err != nil:
			return err
		default:
			c.take(ctx, line)
		}
	}
	return nil
}

func (c *conn) take(ctx context.Context, line []byte) {
	c.intake.Lock()
	defer c.intake.Unlock()
	if !c.closed {
		c.line(ctx, line)
	}
}

// line handles one line: a message, or a batch of messages, which the protocol
// had in 2025-03-26.
func (c *conn) line(ctx context.Context, line []byte) {
	line = bytes.TrimSpace(line)
	if len(line) == 0 {
		return
	}
	if line[0] != '[' {
		c.message(ctx, line, c.out.write)
		return
	}
	var batch []json.RawMessage
	if err := json.Unmarshal(line, &batch); err != nil {
		c.out.write(appendError(nil, nil, mcp.PARSE_ERROR, "the line is not JSON"))
		return
	}
	if len(batch) == 0 {
		c.out.write(appendError(nil, nil, mcp.INVALID_REQUEST, "the batch is empty"))
		return
	}
	answers := newBatch(len(batch), c.out.write)
	for _, m := range batch {
		if !c.message(ctx, m, answers.add) {
			answers.add(nil)
		}
	}
}

// envelope is what of a message the transport needs.
type envelope struct {
	ID     json.RawMessage `json:"id"`
	Method *string         `json:"method"`
	Params json.RawMessage `json:"params"`
}

// message handles one message. It reports whether answer is called, then or
// later; it is called with nothing where a request was cancelled.
func (c *conn) message(ctx context.Context, raw []byte, answer func([]byte)) bool {
	var m envelope
	if err := json.Unmarshal(raw, &m); err != nil {
		code, text := mcp.INVALID_REQUEST, "the message is not a JSON-RPC request"
		if !json.Valid(raw) {
			code, text = mcp.PARSE_ERROR, "the line is not JSON"
		}
		answer(appendError(nil, nil, code, text))
		return true
	}
	switch {
	case m.Method == nil && m.ID != nil:
		return false // an answer, to a request that we never make
	case m.Method == nil, string(m.ID) == "null":
		answer(appendError(nil, nil, mcp.INVALID_REQUEST, "a request has a method, and an id that is a string or a number"))
		return true
	case m.ID == nil:
		c.notification(*m.Method, m.Params, raw)
		return false
	}
	c.request(ctx, *m.Method, m.ID, raw, answer)
	return true
}

func (c *conn) notification(method string, params, raw json.RawMessage) {
	if method != string(mcp.MethodNotificationCancelled) {
		c.handle(c.ctx, nil, raw)
		return
	}
	var p struct {
		RequestID json.RawMessage `json:"requestId"`
	}
	if json.Unmarshal(params, &p) != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if call := c.calls[string(p.RequestID)]; call != nil {
		call.cancelled.Store(true)
		call.cancel()
	}
}

func (c *conn) request(intake context.Context, method string, id, raw json.RawMessage, answer func([]byte)) {
	select {
	case c.pending <- struct{}{}:
	case <-intake.Done():
		answer(appendError(nil, id, mcp.INTERNAL_ERROR, sessionEnded))
		return
	}
	ctx, cancel := context.WithCancel(c.ctx)
	entry := &call{cancel: cancel}
	c.mu.Lock()
	c.calls[string(id)] = entry
	c.mu.Unlock()
	c.working.Add(1)
	run := func() {
		defer c.working.Done()
		defer cancel()
		var response []byte
		if ctx.Err() != nil {
			response = appendError(nil, id, mcp.INTERNAL_ERROR, sessionEnded)
		} else {
			response = c.handle(ctx, id, raw)
		}
		c.mu.Lock()
		if c.calls[string(id)] == entry {
			delete(c.calls, string(id))
		}
		c.mu.Unlock()
		if entry.cancelled.Load() {
			response = nil // the client has stopped waiting, and must not be answered
		}
		answer(response)
		<-c.pending
	}
	switch method {
	case string(mcp.MethodInitialize):
		run() // what follows on the stream counts on it
	case string(mcp.MethodToolsCall):
		c.enqueue(run)
	default:
		go run()
	}
}

// enqueue has a worker run a call. Workers live as long as the session: their
// stacks have grown to what a call needs, which is costly to do for each anew.
func (c *conn) enqueue(run func()) {
	c.queue <- run
	if c.workers < c.InFlight && len(c.queue) > 0 {
		c.workers++
		go func() {
			for run := range c.queue {
				run()
			}
		}()
	}
}

const sessionEnded = "the session ended before the call began; nothing was done"

// handle has the MCP server handle a message, and returns its answer, or nil.
func (c *conn) handle(ctx context.Context, id, raw json.RawMessage) (response []byte) {
	defer func() {
		if p := recover(); p != nil {
			c.OnPanic(p)
			response = nil
			if id != nil {
				response = appendError(nil, id, mcp.INTERNAL_ERROR, "the server failed")
			}
		}
	}()
	answer := c.srv.HandleMessage(ctx, raw)
	if answer == nil || id == nil {
		return nil
	}
	return appendResponse(newBuffer(), id, answer)
}
