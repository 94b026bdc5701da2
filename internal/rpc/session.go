// Package rpc serves one client's JSON-RPC messages through an MCP server,
// whatever brings the messages and takes the answers.
//
// It stands in for the sessions of mcp-go's stdio and SSE servers, which end
// with calls unanswered, answer cancelled calls and lose the last notification
// before an answer (measured with v1.2.1).
package rpc

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// Options configure a [Session]. The zero value is good.
type Options struct {
	// InFlight is how many of the requests run at a time that ask the platform,
	// such as calls of tools; 0 means 64. Others of those wait, and everything
	// else goes past them.
	InFlight int
	// OnPanic is told what a handler panicked with; nil means nobody is.
	OnPanic func(any)
	// Watch watches what the client subscribes to; nil leaves that to the MCP
	// server.
	Watch Watch
	// Caller tells those apart who share the session; nil means that nobody does.
	Caller func(context.Context) string
	// Methods are those that the MCP server does not have; nil has none.
	Methods Methods
}

const (
	defaultInFlight = 64
	// maxPending is how many requests may be waiting for their answers.
	maxPending = 4096
)

// A Session is one client's messages and their answers. Its methods may be
// called by any number of goroutines.
type Session struct {
	options Options
	srv     *server.MCPServer
	client  *client
	ctx     context.Context // of every call; ends with the session
	cancel  context.CancelFunc
	out     *writer
	queue   chan func()    // what asks the platform; never full, as pending bounds it
	workers int            // that take from the queue; begun as they are needed
	pending chan struct{}  // bounds how many requests have no answer yet
	working sync.WaitGroup // one a request without an answer yet

	ending        context.Context // done when no more messages are taken in
	end           context.CancelFunc
	subscriptions *subscriptions
	listens       atomic.Int64 // that are open

	closing atomic.Bool // by Close
	intake  sync.Mutex  // held while a message is taken in
	closed  bool        // no more messages are taken in

	mu    sync.Mutex
	calls map[string]*call // by the request's id, as it was written
}

// call is a request in flight.
type call struct {
	cancel    context.CancelFunc
	cancelled atomic.Bool
	listens   bool // it is a subscriptions/listen
}

// NewSession begins a session. Its answers are written to out, one a line, by
// one goroutine. It must be closed.
func NewSession(ctx context.Context, srv *server.MCPServer, out io.Writer, o Options) (*Session, error) {
	if o.InFlight <= 0 {
		o.InFlight = defaultInFlight
	}
	if o.OnPanic == nil {
		o.OnPanic = func(any) {}
	}
	if o.Caller == nil {
		o.Caller = func(context.Context) string { return "" }
	}
	client := newClient()
	if err := srv.RegisterSession(ctx, client); err != nil {
		return nil, err
	}
	s := &Session{
		options: o, srv: srv, client: client,
		out:     newWriter(out, client.notifications),
		queue:   make(chan func(), maxPending),
		pending: make(chan struct{}, maxPending),
		calls:   map[string]*call{},
	}
	s.ctx, s.cancel = context.WithCancel(srv.WithContext(context.WithoutCancel(ctx), client))
	s.ending, s.end = context.WithCancel(s.ctx)
	s.subscriptions = newSubscriptions(o.Watch, o.Caller, s.out.write)
	return s, nil
}

// Failed is closed when an answer could not be written.
func (s *Session) Failed() <-chan struct{} { return s.out.failed }

// Close takes in no more messages and waits for the calls in flight, but for
// no longer than drain: those that are still running at eight tenths of it are
// cancelled, and at nine tenths nobody waits any more for a client that does not
// read. It returns the first error in writing answers. Only the first call of it
// does anything.
func (s *Session) Close(drain time.Duration) error {
	if s.closing.Swap(true) {
		return nil
	}
	ends := time.Now().Add(drain)
	// Who takes in a message holds the lock, and may wait to write its answer.
	s.end()
	defer time.AfterFunc(drain-drain/10, s.out.abandon).Stop()
	s.intake.Lock()
	s.closed = true
	s.intake.Unlock()
	s.subscriptions.close()
	s.drain(time.Until(ends))
	close(s.queue)
	s.cancel()
	s.srv.UnregisterSession(context.WithoutCancel(s.ctx), s.client.SessionID())
	return s.out.stop(drain / 10)
}

// drain waits for the calls in flight.
func (s *Session) drain(limit time.Duration) {
	done := make(chan struct{})
	go func() { s.working.Wait(); close(done) }()
	timer := time.NewTimer(limit - limit/5)
	defer timer.Stop()
	select {
	case <-done:
		return
	case <-timer.C:
	}
	s.cancel() // so that they answer what they know, such as that an outcome is unknown
	timer.Reset(limit / 10)
	select {
	case <-done:
	case <-timer.C:
	}
}

// Refuse answers a message that was not read with an error. A nil id is
// written as null.
func (s *Session) Refuse(id json.RawMessage, text string) {
	s.out.write(appendError(nil, id, mcp.INVALID_REQUEST, text))
}

// Handle takes in a message, or a batch of them, which the protocol had in
// 2025-03-26; whatever answers it has are written later. The calls get the
// values of ctx, but end with the session. Handle blocks where thousands of
// requests have no answer yet, until the end of ctx, and where the client reads
// no answers.
//
// When there is no more to be done for the message, done is called, unless it is
// nil: perhaps before Handle has returned. For a subscription, which has bounds
// of its own, that is when it has been taken in.
func (s *Session) Handle(ctx context.Context, message []byte, done func()) {
	if done == nil {
		done = func() {}
	} else {
		done = sync.OnceFunc(done)
	}
	s.intake.Lock()
	defer s.intake.Unlock()
	message = bytes.TrimSpace(message)
	if s.closed || len(message) == 0 {
		done()
		return
	}
	write := func(answer []byte) {
		s.out.write(answer)
		done()
	}
	if message[0] != '[' {
		if !s.message(ctx, message, write, done) {
			done()
		}
		return
	}
	var batch []json.RawMessage
	if err := json.Unmarshal(message, &batch); err != nil {
		write(appendError(nil, nil, mcp.PARSE_ERROR, "the message is not JSON"))
		return
	}
	if len(batch) == 0 {
		write(appendError(nil, nil, mcp.INVALID_REQUEST, "the batch is empty"))
		return
	}
	answers := newBatch(len(batch), write)
	for _, m := range batch {
		if !s.message(ctx, m, answers.add, nil) {
			answers.add(nil)
		}
	}
}
