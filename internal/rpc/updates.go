package rpc

import (
	"encoding/json"
	"slices"
	"sync"

	"github.com/mark3labs/mcp-go/mcp"
)

// updates are the watches of what has changed, of which the client has not been
// told yet. Changes that come faster than they can be told are told once.
type updates[W comparable] struct {
	mu      sync.Mutex
	watches []W
	wake    chan struct{} // holds something while there are watches
}

func newUpdates[W comparable]() *updates[W] { return &updates[W]{wake: make(chan struct{}, 1)} }

// add adds a watch of what has changed. It does not block.
func (u *updates[W]) add(watch W) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if slices.Contains(u.watches, watch) {
		return
	}
	u.watches = append(u.watches, watch)
	select {
	case u.wake <- struct{}{}:
	default:
	}
}

// take returns the watches, and forgets them.
func (u *updates[W]) take() []W {
	u.mu.Lock()
	defer u.mu.Unlock()
	watches := u.watches
	u.watches = nil
	return watches
}

// updated returns the notification that a resource has changed; a nil
// subscription is left out.
func updated(uri string, subscription json.RawMessage) []byte {
	return notification(mcp.MethodNotificationResourceUpdated, subscription, "uri", uri)
}

// notification returns a notification with one member.
func notification(method string, subscription json.RawMessage, name string, value any) []byte {
	params := map[string]any{name: value}
	if subscription != nil {
		params["_meta"] = map[string]json.RawMessage{mcp.MetaKeySubscriptionID: subscription}
	}
	b, _ := json.Marshal(map[string]any{"jsonrpc": mcp.JSONRPC_VERSION, "method": method, "params": params}) // plain values always encode
	return b
}
