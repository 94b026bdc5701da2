package rpc

import (
	"context"
	"fmt"
	"sync"

	"github.com/mark3labs/mcp-go/mcp"
)

// subscriptions are the resources that a client watches by
// resources/subscribe, of the protocols up to 2025-11-25.
type subscriptions struct {
	watch  Watch
	caller func(context.Context) string
	write  func(Response)
	news   *updates[*subscription]
	ended  chan struct{}

	telling sync.Mutex // held while the client is told of a change

	mu   sync.Mutex
	all  map[watched]*subscription
	told bool // somebody tells the client of changes
}

// watched is what a subscription is of: a resource may be another thing for
// another caller.
type watched struct{ caller, uri string }

// subscription is one of them. It is there from the arrival of its request, so
// that those that follow find it.
type subscription struct {
	what   watched
	ctx    context.Context // of its beginning: it ends when no request waits for that
	cancel context.CancelFunc
	begun  chan struct{} // closed when it watches, or does not
	err    error         // why it does not; to be read after begun

	// What follows is guarded by the subscriptions' mu.
	waiting int    // requests that have not stopped waiting for it
	stop    func() // nil before it watches
	over    bool   // it is to watch no more
}

func newSubscriptions(watch Watch, caller func(context.Context) string, write func(Response)) *subscriptions {
	return &subscriptions{
		watch: watch, caller: caller, write: write,
		news: newUpdates[*subscription](), ended: make(chan struct{}), all: map[watched]*subscription{},
	}
}

var errTooManyWatched = NewError(mcp.INVALID_PARAMS,
	fmt.Sprintf("a client can subscribe to at most %d resources: unsubscribe from others first", maxWatched))

// add takes in that a resource is to be watched, and returns what waits until it
// is. Of all who wait, the first begins to watch it, for as long as anybody
// waits.
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

// begin begins to watch.
func (s *subscriptions) begin(ctx context.Context, sub *subscription) {
	var stop func()
	err := errFailed // where it panics
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

// forget has a subscription be none of the client's any more, if it is one. mu
// is held.
func (s *subscriptions) forget(sub *subscription) {
	if s.all[sub.what] == sub {
		delete(s.all, sub.what)
	}
}

// leave takes in that a request waits no more. A subscription for which nobody
// waits any more is none, for those that follow too.
func (s *subscriptions) leave(sub *subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sub.waiting--; sub.waiting > 0 || sub.stop != nil {
		return
	}
	sub.cancel()
	s.forget(sub)
}

// remove ends a caller's subscription, whether it has begun or not: all of that
// resource, where the caller has none, as one that has another key since. When
// it returns, the client is told no more of it.
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
	s.telling.Lock() // it may be being told just now
	defer s.telling.Unlock()
}

// end says that a subscription is over, and returns what is left to do for it.
// mu is held.
func (s *subscription) end() (stop func()) {
	s.over = true
	if s.stop == nil {
		return func() {}
	}
	return s.stop
}

// tell tells the client of changes.
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

// tellOf tells the client of a change, if the subscription is still its.
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

// changeSubscription takes in a request to subscribe or to unsubscribe, in the
// order of their arrival. What it returns does the rest, which may take its time.
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

// maxListens is how many subscriptions/listen a session may have open.
const maxListens = 64

var errTooManyListens = mcp.NewJSONRPCErrorDetails(mcp.INVALID_PARAMS,
	fmt.Sprintf("a connection can have at most %d subscriptions/listen open: cancel others first", maxListens), nil)

// listen takes in a subscriptions/listen that is in order, and returns what
// serves it until it ends.
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
