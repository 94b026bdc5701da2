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

	mu    sync.Mutex
	stops map[string]func() // by URI
	news  *updates          // nil before the first
	ended chan struct{}
}

func newSubscriptions(watch Watch, write func([]byte)) *subscriptions {
	return &subscriptions{watch: watch, write: write, stops: map[string]func(){}, ended: make(chan struct{})}
}

var errTooManyWatched = detailed{mcp.NewJSONRPCErrorDetails(mcp.INVALID_PARAMS,
	fmt.Sprintf("at most %d resources can be watched at a time: unsubscribe from others first", maxWatched), nil)}

// add watches a resource, unless it is watched already.
func (s *subscriptions) add(ctx context.Context, uri string) error {
	s.mu.Lock()
	if s.news == nil {
		s.news = newUpdates()
		go s.tell(s.news)
	}
	news := s.news
	_, there := s.stops[uri]
	full := len(s.stops) >= maxWatched
	s.mu.Unlock()
	if there {
		return nil
	}
	if full {
		return errTooManyWatched
	}
	stop, err := s.watch(ctx, uri, func() { news.add(uri) })
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.ended:
		stop()
		return nil
	default:
	}
	if _, there := s.stops[uri]; there { // twice at once
		stop()
	} else {
		s.stops[uri] = stop
	}
	return nil
}

func (s *subscriptions) remove(uri string) {
	s.mu.Lock()
	stop := s.stops[uri]
	delete(s.stops, uri)
	s.mu.Unlock()
	if stop != nil {
		stop()
	}
}

// tell tells the client of changes.
func (s *subscriptions) tell(news *updates) {
	for {
		select {
		case <-s.ended:
			return
		case <-news.wake:
		}
		for _, uri := range news.take() {
			s.write(updated(uri, nil))
		}
	}
}

// close ends all watches.
func (s *subscriptions) close() {
	s.mu.Lock()
	stops := s.stops
	s.stops = map[string]func(){}
	close(s.ended)
	s.mu.Unlock()
	for _, stop := range stops {
		stop()
	}
}

// watching serves what is about watching resources. mcp-go checks the request
// first, and answers where it finds a fault.
func (s *Session) watching(ctx context.Context, method string, id, raw json.RawMessage) []byte {
	if method == string(mcp.MethodSubscriptionsListen) {
		// The session of the call is another, so that the acknowledgement of
		// nothing is not written.
		checked := s.srv.HandleMessage(s.srv.WithContext(ctx, newClient()), Unheard(raw))
		if _, ok := checked.(mcp.JSONRPCResponse); !ok {
			return appendResponse(newBuffer(), id, checked)
		}
		listening, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(s.ending, cancel)()
		return Listen(listening, s.options.Watch, id, raw, func(message []byte) error {
			s.out.write(message)
			return ctx.Err()
		})
	}
	answer := s.srv.HandleMessage(ctx, raw)
	if _, ok := answer.(mcp.JSONRPCResponse); !ok {
		return appendResponse(newBuffer(), id, answer)
	}
	var request struct{ Params struct{ URI string } }
	if json.Unmarshal(raw, &request) == nil { // as mcp-go has found
		if method == string(mcp.MethodResourcesUnsubscribe) {
			s.subscriptions.remove(request.Params.URI)
		} else if err := s.subscriptions.add(ctx, request.Params.URI); err != nil {
			return appendDetails(newBuffer(), id, detailsOf(err, false))
		}
	}
	return appendResponse(newBuffer(), id, answer)
}

// detailed is an error that is the same in every version of the protocol.
type detailed struct{ details mcp.JSONRPCErrorDetails }

func (d detailed) Error() string                        { return d.details.Message }
func (d detailed) JSONRPC(bool) mcp.JSONRPCErrorDetails { return d.details }
