package rpc

import (
	"context"
	"fmt"
	"sync"

	"github.com/mark3labs/mcp-go/mcp"
)

// subscriptions are a client's resources/subscribe subscriptions, of protocol
// versions up to 2025-11-25.
type subscriptions struct {
	watch  Watch
	caller func(context.Context) string
	write  func(Response)
	news   *updates[*subscription]
	ended  chan struct{}

	telling sync.Mutex // held while a notification is sent

	mu   sync.Mutex
	all  map[watched]*subscription
	told bool // the goroutine that notifies the client has been started
}

// watched is the key of a subscription: a resource's content may depend on the
// caller.
type watched struct{ caller, uri string }

// subscription is registered as soon as its request arrives, so that later
// requests find it.
type subscription struct {
	what   watched
	ctx    context.Context // for starting the watch; cancelled when no request waits
	cancel context.CancelFunc
	begun  chan struct{} // closed when the watch has started or failed
	err    error         // why it failed; read it only after begun

	// The rest is guarded by the subscriptions' mu.
	waiting int    // requests that have not given up on it
	stop    func() // nil before the watch has started
	over    bool   // unsubscribed
}

func newSubscriptions(watch Watch, caller func(context.Context) string, write func(Response)) *subscriptions {
	return &subscriptions{
		watch: watch, caller: caller, write: write,
		news: newUpdates[*subscription](), ended: make(chan struct{}), all: map[watched]*subscription{},
	}
}

var errTooManyWatched = NewError(mcp.INVALID_PARAMS,
	fmt.Sprintf("a client can subscribe to at most %d resources: unsubscribe from others first", maxWatched))

// add registers a subscription, and returns a function that waits until its watch
// has started. That of the first request starts the watch, and keeps trying as
// long as any request waits.
func (s *subscriptions) add(ctx context.Context, uri string) (wait func(context.Context) error, _ error) {
	what := watched{s.caller(ctx), uri}
	s.mu.Lock()
	defer s.mu.Unlock()
	sub := s.all[what]
	isFirst := sub == nil
	if isFirst {
		if len(s.all) >= maxWatched {
			return nil, errTooManyWatched
		}
		sub = &subscription{what: what, begun: make(chan struct{})}
		sub.ctx, sub.cancel = context.WithCancel(context.Background())
		s.all[what] = sub
		if !s.told {
			s.told = true
			go s.tell()
		}
	}
	sub.waiting++
	return func(ctx context.Context) error {
		defer context.AfterFunc(ctx, func() { s.leave(sub) })()
		if isFirst {
			s.begin(requestContext{sub.ctx, ctx}, sub)
		}
		select {
		case <-sub.begun:
			return sub.err
		case <-ctx.Done():
			return ctx.Err()
		}
	}, nil
}

// begin starts the watch of a subscription.
func (s *subscriptions) begin(ctx context.Context, sub *subscription) {
	var stop func()
	err := errFailed // if watch panics
	defer func() {
		s.mu.Lock()
		over := sub.over || sub.waiting == 0
		if over || err != nil {
			s.forget(sub)
		}
		sub.err, sub.stop = err, stop
		s.mu.Unlock()
		close(sub.begun)
		sub.cancel()
		if over && err == nil {
			stop()
		}
	}()
	stop, err = s.watch(ctx, sub.what.uri, func() { s.news.add(sub) })
}

// forget unregisters a subscription, unless a newer one has replaced it. The
// caller holds mu.
func (s *subscriptions) forget(sub *subscription) {
	if s.all[sub.what] == sub {
		delete(s.all, sub.what)
	}
}

// leave records that a request has given up waiting. The last one unregisters
// the subscription if its watch has not started.
func (s *subscriptions) leave(sub *subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sub.waiting--; sub.waiting > 0 || sub.stop != nil {
		return
	}
	sub.cancel()
	s.forget(sub)
}

// remove ends a caller's subscription, whether or not its watch has started. If
// the caller has none, perhaps because its key has changed, remove ends all of
// the resource. After it returns, no notification is sent.
func (s *subscriptions) remove(ctx context.Context, uri string) {
	what := watched{s.caller(ctx), uri}
	s.mu.Lock()
	_, isOwn := s.all[what]
	var stops []func()
	for other, sub := range s.all {
		if other == what || other.uri == uri && !isOwn {
			stops = append(stops, sub.end())
			delete(s.all, other)
		}
	}
	s.mu.Unlock()
	for _, stop := range stops {
		stop()
	}
	s.telling.Lock() // wait for a notification being sent
	defer s.telling.Unlock()
}

// end marks a subscription as unsubscribed, and returns the function that stops
// its watch, to be called without mu. The caller holds mu.
func (s *subscription) end() (stop func()) {
	s.over = true
	if s.stop == nil {
		return func() {}
	}
	return s.stop
}

// tell notifies the client of changes until close.
func (s *subscriptions) tell() {
	for {
		select {
		case <-s.ended:
			return
		case <-s.news.wake:
		}
		for _, sub := range s.news.take() {
			s.tellOf(sub)
		}
	}
}

// tellOf notifies the client of a change, unless it has unsubscribed.
func (s *subscriptions) tellOf(sub *subscription) {
	s.telling.Lock()
	defer s.telling.Unlock()
	s.mu.Lock()
	isCurrent := s.all[sub.what] == sub
	s.mu.Unlock()
	if isCurrent {
		s.write(Response{JSON: updated(sub.what.uri, nil)})
	}
}

// close ends all subscriptions.
func (s *subscriptions) close() {
	s.mu.Lock()
	var stops []func()
	for _, sub := range s.all {
		stops = append(stops, sub.end())
	}
	clear(s.all)
	close(s.ended)
	s.mu.Unlock()
	for _, stop := range stops {
		stop()
	}
}

// changeSubscription registers or removes a subscription, in order of arrival.
// The handler that it returns does the rest, which may block.
func (s *Session) changeSubscription(ctx context.Context, m *Message) handler {
	done := func(_ context.Context, m *Message) Response { return emptyResult(m.ID) }
	if m.Method == string(mcp.MethodResourcesUnsubscribe) {
		s.subscriptions.remove(ctx, m.Target())
		return done
	}
	wait, err := s.subscriptions.add(ctx, m.Target())
	return func(ctx context.Context, m *Message) Response {
		if err == nil {
			err = wait(ctx)
		}
		if err != nil {
			Fail(ctx, err)
			return errorResponse(m.ID, detailsOf(err, false))
		}
		return done(ctx, m)
	}
}

// maxListens limits the open subscriptions/listen of a session.
const maxListens = 64

var errTooManyListens = mcp.NewJSONRPCErrorDetails(mcp.INVALID_PARAMS,
	fmt.Sprintf("a connection can have at most %d subscriptions/listen open: cancel others first", maxListens), nil)

// listen counts a valid subscriptions/listen against maxListens, and returns the
// handler that serves it.
func (s *Session) listen(m *Message) handler {
	if s.listens.Add(1) > maxListens {
		s.listens.Add(-1)
		return fails(errTooManyListens)
	}
	uris, _ := parseListen(m.Params.Notifications)
	return func(ctx context.Context, m *Message) Response {
		defer s.listens.Add(-1)
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(s.ending, cancel)()
		return s.dispatcher.listen(ctx, m.ID, uris, func(message []byte) error {
			s.out.write(Response{JSON: message})
			return nil
		})
	}
}
