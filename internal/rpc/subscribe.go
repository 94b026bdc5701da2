package rpc

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/mark3labs/mcp-go/mcp"
)

// subscriptions are the resources that a client watches by
// resources/subscribe, of the protocols up to 2025-11-25.
type subscriptions struct {
	watch Watch
	write func([]byte)
	news  *updates
	ended chan struct{}

	mu    sync.Mutex
	byURI map[string]*subscription
	told  bool // somebody tells the client of changes
}

// subscription is one of them. It is there from the arrival of its request, so
// that those that follow find it.
type subscription struct {
	begun chan struct{} // closed when it watches, or does not
	err   error         // why it does not; to be read after begun
	stop  func()        // nil before it watches; guarded by the subscriptions' mu
	over  bool          // it is to watch no more; guarded so too
}

func newSubscriptions(watch Watch, write func([]byte)) *subscriptions {
	return &subscriptions{watch: watch, write: write, news: newUpdates(), ended: make(chan struct{}), byURI: map[string]*subscription{}}
}

var errTooManyWatched = detailed{mcp.NewJSONRPCErrorDetails(mcp.INVALID_PARAMS,
	fmt.Sprintf("at most %d resources can be watched at a time: unsubscribe from others first", maxWatched), nil)}

// add takes a resource in, and returns what begins to watch it, unless it is
// watched already.
func (s *subscriptions) add(uri string) (begin func(context.Context) error, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if other := s.byURI[uri]; other != nil {
		return other.await, nil
	}
	if len(s.byURI) >= maxWatched {
		return nil, errTooManyWatched
	}
	sub := &subscription{begun: make(chan struct{})}
	s.byURI[uri] = sub
	if !s.told {
		s.told = true
		go s.tell()
	}
	return func(ctx context.Context) error {
		defer close(sub.begun)
		stop, err := s.watch(ctx, uri, func() { s.news.add(uri) })
		s.mu.Lock()
		sub.err, sub.stop = err, stop
		if err != nil && s.byURI[uri] == sub {
			delete(s.byURI, uri)
		}
		over := sub.over && err == nil
		s.mu.Unlock()
		if over {
			stop()
		}
		return err
	}, nil
}

// await waits for the beginning of a subscription that another request began.
func (s *subscription) await(ctx context.Context) error {
	select {
	case <-s.begun:
		return s.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// remove ends a subscription, whether it has begun or not.
func (s *subscriptions) remove(uri string) {
	s.mu.Lock()
	sub := s.byURI[uri]
	delete(s.byURI, uri)
	stop := sub.end()
	s.mu.Unlock()
	stop()
}

// end says that a subscription is over, and returns what is left to do for it.
func (s *subscription) end() (stop func()) {
	stop = func() {}
	if s != nil {
		if s.over = true; s.stop != nil {
			stop = s.stop
		}
	}
	return stop
}

// tell tells the client of changes.
func (s *subscriptions) tell() {
	for {
		select {
		case <-s.ended:
			return
		case <-s.news.wake:
		}
		for _, uri := range s.news.take() {
			s.write(updated(uri, nil))
		}
	}
}

// close ends all subscriptions.
func (s *subscriptions) close() {
	s.mu.Lock()
	var stops []func()
	for _, sub := range s.byURI {
		stops = append(stops, sub.end())
	}
	clear(s.byURI)
	close(s.ended)
	s.mu.Unlock()
	for _, stop := range stops {
		stop()
	}
}

// changeSubscription takes in a request to subscribe or to unsubscribe, in the
// order of their arrival: mcp-go checks it, and answers where it finds a fault.
// What it returns does the rest, which may take its time, and makes the answer.
func (s *Session) changeSubscription(ctx context.Context, method string, id, raw json.RawMessage) func(context.Context) []byte {
	checked := s.srv.HandleMessage(ctx, raw)
	answer := func(context.Context) []byte { return appendResponse(newBuffer(), id, checked) }
	var request struct{ Params struct{ URI string } }
	if _, ok := checked.(mcp.JSONRPCResponse); !ok || json.Unmarshal(raw, &request) != nil {
		return answer
	}
	if method == string(mcp.MethodResourcesUnsubscribe) {
		s.subscriptions.remove(request.Params.URI)
		return answer
	}
	begin, err := s.subscriptions.add(request.Params.URI)
	return func(ctx context.Context) []byte {
		if err == nil {
			err = begin(ctx)
		}
		if err != nil {
			return appendDetails(newBuffer(), id, detailsOf(err, false))
		}
		return answer(ctx)
	}
}

// maxListens is how many subscriptions/listen a session may have open.
const maxListens = 64

var errTooManyListens = mcp.NewJSONRPCErrorDetails(mcp.INVALID_PARAMS,
	fmt.Sprintf("at most %d subscriptions can be open over one connection: cancel others first", maxListens), nil)

// listen takes in a subscriptions/listen, and returns what serves it until it
// ends, and makes the answer.
func (s *Session) listen(ctx context.Context, _ string, id, raw json.RawMessage) func(context.Context) []byte {
	// The session of the call is another, so that the acknowledgement of
	// nothing is not written.
	checked := s.srv.HandleMessage(s.srv.WithContext(ctx, newClient()), Unheard(raw))
	if _, ok := checked.(mcp.JSONRPCResponse); !ok {
		return func(context.Context) []byte { return appendResponse(newBuffer(), id, checked) }
	}
	uris, details := Listened(raw)
	if details == nil && s.listens.Add(1) > maxListens {
		s.listens.Add(-1)
		details = &errTooManyListens
	}
	if details != nil {
		return func(context.Context) []byte { return appendDetails(newBuffer(), id, *details) }
	}
	return func(ctx context.Context) []byte {
		defer s.listens.Add(-1)
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(s.ending, cancel)()
		return Listen(ctx, s.options.Watch, id, uris, func(message []byte) error {
			s.out.write(message)
			return nil
		})
	}
}

// detailed is an error that is the same in every version of the protocol.
type detailed struct{ details mcp.JSONRPCErrorDetails }

func (d detailed) Error() string                        { return d.details.Message }
func (d detailed) JSONRPC(bool) mcp.JSONRPCErrorDetails { return d.details }
