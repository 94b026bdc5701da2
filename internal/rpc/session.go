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
	// maxPending limits the unanswered requests of a session.
	maxPending = 4096
)

// A Session handles the messages of one client. Its methods may be called by any
// number of goroutines.
type Session struct {
	dispatcher *Dispatcher
	client     *client
	ctx        context.Context // parent of every call's
	cancel     context.CancelFunc
	out        *writer
	workers    *workers       // for requests that need the platform
	pending    chan struct{}  // semaphore of unanswered requests
	working    sync.WaitGroup // unanswered requests

	ending        context.Context // done when Close begins
	end           context.CancelFunc
	subscriptions *subscriptions
	listens       atomic.Int64 // open subscriptions/listen
	protected     protection

	closing atomic.Bool // set by Close
	intake  sync.Mutex  // held by Handle; guards closed
	closed  bool        // Handle ignores further messages

	mu    sync.Mutex
	calls map[string]*call // by the request id as the client wrote it
}

// NewSession starts a session, which must be closed. One goroutine writes its
// responses to out. At most inFlight requests that need the platform, such as
// tool calls, run concurrently; 0 means 64. More of them are queued, while other
// methods are answered at once.
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

// Failed returns a channel that is closed when a write to the client has failed.
func (s *Session) Failed() <-chan struct{} { return s.out.failed }

// Close stops accepting messages and waits up to drain for the calls in flight:
// at 80% of it the remaining calls are cancelled, and at 90% writes to a client
// that does not read are abandoned. Calls under [Protect] may take longer. Close
// returns the first write error. Further calls of Close do nothing.
func (s *Session) Close(drain time.Duration) error {
	if s.closing.Swap(true) {
		return nil
	}
	ends := time.Now().Add(drain)
	// Handle holds the intake lock and may block on a write, so unblock it first.
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

// answerPatience is how long Close waits for the responses of protected calls.
const answerPatience = time.Second

// drain waits for the calls in flight.
func (s *Session) drain(limit time.Duration) {
	if s.awaitAnswers(limit - limit/5) {
		return
	}
	s.cancel() // so that they answer what they know, such as outcome_unknown
	s.awaitAnswers(limit / 10)
}

// awaitAnswers waits for the calls in flight, and reports whether all were
// answered within limit.
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

// Refuse answers a message that was not read with an invalid-request error. A nil
// id is omitted.
func (s *Session) Refuse(id []byte, text string) {
	s.out.write(errorResponse(id, mcp.NewJSONRPCErrorDetails(mcp.INVALID_REQUEST, text, nil)))
}

// A Hold is notified of the progress of an input, for the resources held for it.
// Its functions are optional.
type Hold struct {
	// Answered is called with the size in bytes of the response, before it is
	// written.
	Answered func(bytes int)
	// Done is called once the response is written or dropped, or there is none. For
	// a subscriptions/listen, which has its own limits, it is called on acceptance.
	Done func()
}

// Handle starts to handle an input; its response is written later. The calls get
// the values of ctx, but are cancelled with the session. Handle blocks while 4096
// requests are unanswered, until ctx is done, and while the client does not read.
//
// hold may be notified before Handle returns.
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
