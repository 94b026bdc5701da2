package rpc

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/openpolt/polt-mcp/internal/buffers"
)

// A Watch watches a resource: it calls changed, which does not block, after each
// change until stop is called. ctx identifies the caller, and cancels only the
// start.
type Watch func(ctx context.Context, uri string, changed func()) (stop func(), err error)

// maxWatched limits the resources that a client may watch over one stream.
const maxWatched = 100

// parseListen returns the distinct resources that a subscriptions/listen
// subscribes to, or what is wrong with its notifications.
func parseListen(notifications json.RawMessage) (uris []string, problem string) {
	if !isObject(notifications) {
		return nil, "notifications is required and must be an object"
	}
	var requested struct {
		Resources *[]string `json:"resourceSubscriptions"`
		Tools     *bool     `json:"toolsListChanged"`
		Prompts   *bool     `json:"promptsListChanged"`
		Lists     *bool     `json:"resourcesListChanged"`
	}
	if json.Unmarshal(notifications, &requested) != nil {
		return nil, "in notifications, resourceSubscriptions must be a list of URIs, and the other members must be booleans"
	}
	if requested.Resources != nil {
		uris = slices.Compact(slices.Sorted(slices.Values(*requested.Resources)))
	}
	if len(uris) > maxWatched {
		return nil, fmt.Sprintf("one subscriptions/listen can watch at most %d resources", maxWatched)
	}
	return uris, ""
}

// Listen serves a subscriptions/listen of protocol version 2026-07-28. It writes
// the acknowledgement and, until ctx is done, a notification after each change.
// Then it returns the response, which is empty if write has failed.
//
// mcp-go's own implementation loses notifications, and sends one subscription
// those of another (v1.2.1).
func (d *Dispatcher) Listen(ctx context.Context, m *Message, write func([]byte) error) Response {
	return d.observe(ctx, m, func(ctx context.Context, m *Message) Response {
		if !m.IsModern() {
			return d.dispatch(ctx, m)
		}
		if details := m.check(); details != nil {
			return errorResponse(m.ID, *details)
		}
		uris, _ := parseListen(m.Params.Notifications)
		return d.listen(ctx, m.ID, uris, write)
	})
}

func (d *Dispatcher) listen(ctx context.Context, id json.RawMessage, uris []string, write func([]byte) error) Response {
	news := newUpdates[string]()
	watched, stop, failed := watchAll(ctx, d.options.Watch, uris, news)
	defer stop()
	switch {
	case ctx.Err() != nil:
		return errorResponse(id, mcp.NewJSONRPCErrorDetails(mcp.INTERNAL_ERROR, "the session ended before the subscription began", nil))
	case failed != nil && len(watched) == 0:
		Fail(ctx, failed)
		return errorResponse(id, detailsOf(failed, true))
	}
	agreed := map[string][]string{}
	if len(watched) > 0 {
		agreed["resourceSubscriptions"] = watched
	}
	if write(notification(mcp.MethodNotificationSubscriptionsAcknowledged, id, "notifications", agreed)) != nil {
		return Response{}
	}
	for len(watched) > 0 { // end at once if there is nothing to watch
		select {
		case <-ctx.Done():
			watched = nil
		case <-news.wake:
			for _, uri := range news.take() {
				if write(updated(uri, id)) != nil {
					return Response{}
				}
			}
		}
	}
	return Response{JSON: append(d.appendModern(append(appendHead(buffers.Get(0), id), `"result":{`...), id), "}}"...)}
}

// atOnce limits how many watches of one subscription start concurrently: each
// may have to read the resource first.
const atOnce = 16

// watchAll starts to watch resources. It returns those that it watches, a
// function that stops that, and the first error of the others.
func watchAll(ctx context.Context, watch Watch, uris []string, news *updates[string]) (watched []string, stop func(), failed error) {
	if watch == nil {
		uris = nil // so that none is acknowledged
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
		case panics[i] != nil: // observe recovers it
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
