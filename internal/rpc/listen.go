package rpc

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/mark3labs/mcp-go/mcp"
)

// A Watch watches a resource: it calls changed, which does not block, after
// each change of it, until stop is called. The context is for its beginning,
// and says who watches.
type Watch func(ctx context.Context, uri string, changed func()) (stop func(), err error)

// maxWatched is how many resources a client may watch over one stream.
const maxWatched = 100

// Listen serves a subscriptions/listen, of the protocol of 2026-07-28, that is
// otherwise in order: see [Unheard]. It writes the acknowledgement and, until
// ctx is done, a notification after each change. Then it returns the answer.
//
// mcp-go's own loses notifications, and tells one subscription what another
// one watches (v1.2.1).
func Listen(ctx context.Context, watch Watch, id, message json.RawMessage, write func([]byte) error) []byte {
	var request struct {
		Params struct {
			Notifications struct {
				Resources []string `json:"resourceSubscriptions"`
			} `json:"notifications"`
		} `json:"params"`
	}
	if err := json.Unmarshal(message, &request); err != nil {
		return appendError(nil, id, mcp.INVALID_PARAMS, "notifications.resourceSubscriptions is not a list of URIs")
	}
	uris := slices.Compact(slices.Sorted(slices.Values(request.Params.Notifications.Resources)))
	if watch == nil {
		uris = nil // what is not watched is not agreed to
	}
	if len(uris) > maxWatched {
		return appendError(nil, id, mcp.INVALID_PARAMS, fmt.Sprintf("at most %d resources can be watched over one stream", maxWatched))
	}
	news := newUpdates()
	watched := []string{}
	var failed error
	for _, uri := range uris {
		stop, err := watch(ctx, uri, func() { news.add(uri) })
		if err != nil {
			failed = err
			continue
		}
		defer stop()
		watched = append(watched, uri)
	}
	if ctx.Err() != nil {
		return appendError(nil, id, mcp.INTERNAL_ERROR, "the session ended before the subscription began")
	}
	if failed != nil && len(watched) == 0 {
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
