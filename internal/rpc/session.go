package rpc

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
)

const (
	defaultInFlight = 64
	// maxPending is how many requests may be waiting for their answers.
	maxPending = 4096
)

// A Session is one client's messages and their answers. Its methods may be
// called by any number of goroutines.
type Session struct {
	dispatcher *Dispatcher
	client     *client
	ctx        context.Context // of every call; ends with the session
	cancel     context.CancelFunc
	out        *writer
	workers    *workers       // of the requests that ask the platform
	pending    chan struct{}  // bounds how many requests have no answer yet
	working    sync.WaitGroup // one a request without an answer yet

	ending        context.Context // done when no more messages are taken in
	end           context.CancelFunc
	subscriptions *subscriptions
	listens       atomic.Int64 // that are open
	protected     protection

	closing atomic.Bool // by Close
	intake  sync.Mutex  // held while a message is taken in
	closed  bool        // no more messages are taken in

	mu    sync.Mutex
	calls map[string]*call // by the request's id, as it was written
}

// NewSession begins a session. Its answers are written to out by one goroutine.
// inFlight is how many of the requests run at a time that ask the platform, such
// as calls of tools; 0 means 64. Others of those wait, and everything else goes
// past them. The session must be closed.
func NewSession(ctx context.Context, d *Dispatcher, out MessageWriter, inFlight int) (*Session, error) {
	if inFlight <= 0 {
		inFlight = defaultInFlight
	}
	client := newClient()
	if err := d.server.RegisterSession(ctx, client); err != nil {
		return nil, err
	}
	s := &Session{
		dispatcher: d, client: client,
		out:     newWriter(out, client.notifications),
		workers: newWorkers(inFlight),
		pending: make(chan struct{}, maxPending),
		calls:   map[string]*call{},
	}
	s.ctx, s.cancel = context.WithCancel(d.server.WithContext(context.Background(), client))
	s.ending, s.end = context.WithCancel(s.ctx)
	s.subscriptions = newSubscriptions(d.options.Watch, d.options.Caller, s.out.write)
	return s, nil
}

// Failed is closed when an answer could not be written.
func (s *Session) Failed() <-chan struct{} { return s.out.failed }

// Close takes in no more messages and waits for the calls in flight, but for
// no longer than drain: those that are still running at eight tenths of it are
// cancelled, and at nine tenths nobody waits any more for a client that does not
// read. Those that are protected (see [Protect]) are waited for all the same. It
// returns the first error in writing answers. Only the first call of it does
// anything.
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
	if s.protected.wait() {
		s.awaitAnswers(answerPatience)
	}
	s.workers.stop()
	s.cancel()
	s.dispatcher.server.UnregisterSession(context.WithoutCancel(s.ctx), s.client.SessionID())
	return s.out.stop(drain / 10)
}

// answerPatience is how long a call that was protected may take to be answered.
const answerPatience = time.Second

// drain waits for the calls in flight.
func (s *Session) drain(limit time.Duration) {
	if s.awaitAnswers(limit - limit/5) {
		return
	}
	s.cancel() // so that they answer what they know, such as that an outcome is unknown
	s.awaitAnswers(limit / 10)
}

// awaitAnswers reports whether all calls in flight are answered within a time.
func (s *Session) awaitAnswers(limit time.Duration) bool {
	done := make(chan struct{})
	go func() { s.working.Wait(); close(done) }()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}

// Refuse answers a message that was not read with an error. A nil id is left
// out.
func (s *Session) Refuse(id []byte, text string) {
	s.out.write(errorResponse(id, mcp.NewJSONRPCErrorDetails(mcp.INVALID_REQUEST, text, nil)))
}

// A Hold is what is held for a message, or a batch of them.
type Hold struct {
	// Answered is called when it has been answered, with the bytes of the answer
	// that are to be written; nil is not.
	Answered func(bytes int)
	// Done is called when there is no more to be done for it, and its answers are
	// written; nil is not. For a subscription, which has bounds of its own, that is
	// when it has been taken in.
	Done func()
}

// Handle takes in what a client has sent; whatever answers it has are written
// later. The calls get the values of ctx, but end with the session. Handle blocks
// where thousands of requests have no answer yet, until the end of ctx, and where
// the client reads no answers.
//
// hold is told when there is less to do for it, perhaps before Handle has
// returned.
func (s *Session) Handle(ctx context.Context, in Input, hold Hold) {
	done := func() {}
	if hold.Done != nil {
		done = sync.OnceFunc(hold.Done)
	}
	s.intake.Lock()
	defer s.intake.Unlock()
	if s.closed {
		done()
		return
	}
	write := func(answer Response) {
		if hold.Answered != nil {
			hold.Answered(answer.Size())
		}
		s.out.writeThen(answer, done)
	}
	if !in.IsBatch {
		if !s.item(ctx, in.Items[0], write, done) {
			done()
		}
		return
	}
	answers := newBatch(len(in.Items), write)
	for _, item := range in.Items {
		if !s.item(ctx, item, answers.add, nil) {
			answers.add(Response{})
		}
	}
}
