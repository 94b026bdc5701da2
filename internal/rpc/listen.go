package rpc

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/mark3labs/mcp-go/mcp"
)

// A Watch watches a resource: it calls changed, which does not block, after
// each change of it, until stop is called. The context is for its beginning,
// and says who watches.
type Watch func(ctx context.Context, uri string, changed func()) (stop func(), err error)

// maxWatched is how many resources a client may watch over one stream.
const maxWatched = 100

// Listened returns the resources that a subscriptions/listen asks to be told
// of, each once, or what is wrong with that.
func Listened(message json.RawMessage) (uris []string, _ *mcp.JSONRPCErrorDetails) {
	var request struct {
		Params struct {
			Notifications struct {
				Resources []string `json:"resourceSubscriptions"`
			} `json:"notifications"`
		} `json:"params"`
	}
	problem := ""
	if json.Unmarshal(message, &request) != nil {
		problem = "notifications.resourceSubscriptions is not a list of URIs"
	}
	uris = slices.Compact(slices.Sorted(slices.Values(request.Params.Notifications.Resources)))
	if len(uris) > maxWatched {
		problem = fmt.Sprintf("at most %d resources can be watched over one stream", maxWatched)
	}
	if problem != "" {
		details := mcp.NewJSONRPCErrorDetails(mcp.INVALID_PARAMS, problem, nil)
		return nil, &details
	}
	return uris, nil
}

// Listen serves a subscriptions/listen, of the protocol of 2026-07-28, that is
// otherwise in order: see [Unheard] and [Listened]. It writes the
// acknowledgement and, until ctx is done, a notification after each change.
// Then it returns the answer.
//
// mcp-go's own loses notifications, and tells one subscription what another
// one watches (v1.2.1).
func Listen(ctx context.Context, watch Watch, id json.RawMessage, uris []string, write func([]byte) error) []byte {
	news := newUpdates[string]()
	watched, stop, failed := watchAll(ctx, watch, uris, news)
	defer stop()
	switch {
	case ctx.Err() != nil:
		return appendError(nil, id, mcp.INTERNAL_ERROR, "the session ended before the subscription began")
	case failed != nil && len(watched) == 0:
		return appendDetails(nil, id, detailsOf(failed, true))
	}
	agreed := map[string][]string{}
	if len(watched) > 0 {
		agreed["resourceSubscriptions"] = watched
	}
	if write(notification(mcp.MethodNotificationSubscriptionsAcknowledged, id, "notifications", agreed)) != nil {
		return nil
	}
	for len(watched) > 0 {
		select {
		case <-ctx.Done():
			return listened(id)
		case <-news.wake:
		}
		for _, uri := range news.take() {
			if write(updated(uri, id)) != nil {
				return nil
			}
		}
	}
	return listened(id) // nothing that was asked for ever changes
}

// atOnce is how many watches of one subscription begin at a time: each may have
// to read the resource first.
const atOnce = 16

// watchAll begins to watch resources. It returns those that are watched, what
// ends that, and why one is not.
func watchAll(ctx context.Context, watch Watch, uris []string, news *updates[string]) (watched []string, stop func(), failed error) {
	if watch == nil {
		uris = nil // what is not watched is not agreed to
	}
	stops := make([]func(), len(uris))
	errs := make([]error, len(uris))
	places := make(chan struct{}, atOnce)
	panics := make([]any, len(uris))
	var all sync.WaitGroup
	for i, uri := range uris {
		places <- struct{}{}
		all.Go(func() {
			defer func() { panics[i] = recover(); <-places }()
			stops[i], errs[i] = watch(ctx, uri, func() { news.add(uri) })
		})
	}
	all.Wait()
	stop = func() {
		for _, stop := range stops {
			if stop != nil {
				stop()
			}
		}
	}
	for i, uri := range uris {
		switch {
		case panics[i] != nil: // for who answers the request to recover from
			stop()
			panic(panics[i])
		case errs[i] == nil:
			watched = append(watched, uri)
		case failed == nil:
			failed = errs[i]
		}
	}
	return watched, stop, failed
}

// listened returns the answer to a subscription that has ended in good order.
func listened(id json.RawMessage) []byte {
	return append(fmt.Appendf(appendHead(nil, id), `"result":{"resultType":%q,"_meta":{%q:%s}}`,
		mcp.ResultTypeComplete, mcp.MetaKeySubscriptionID, id), '}')
}

// Unheard returns a subscriptions/listen that asks for nothing and is the same
// otherwise: mcp-go checks it, and answers at once. Of the message only what it
// must have is taken, and that as it is written: mcp-go would find more in it,
// as in "Notifications", and wait for that.
func Unheard(message json.RawMessage) json.RawMessage {
	var request, params map[string]json.RawMessage
	_ = json.Unmarshal(message, &request)          // what is not there
	_ = json.Unmarshal(request["params"], &params) // mcp-go misses
	unheard := map[string]any{"params": map[string]any{"notifications": struct{}{}, "_meta": params["_meta"]}}
	for _, name := range []string{"jsonrpc", "id", "method"} {
		unheard[name] = request[name]
	}
	b, _ := json.Marshal(unheard) // what was JSON is
	return b
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
