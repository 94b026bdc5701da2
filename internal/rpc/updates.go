package rpc

import (
	"encoding/json"
	"slices"
	"sync"

	"github.com/mark3labs/mcp-go/mcp"
)

// updates is a queue of changes to notify the client of. Changes of one watch are
// merged while they wait.
type updates[W comparable] struct {
	mu      sync.Mutex
	watches []W
	wake    chan struct{} // readable after add
}

func newUpdates[W comparable]() *updates[W] { return &updates[W]{wake: make(chan struct{}, 1)} }

// add queues a change of a watch. It does not block.
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

// take empties the queue and returns what it held.
func (u *updates[W]) take() []W {
	u.mu.Lock()
	defer u.mu.Unlock()
	watches := u.watches
	u.watches = nil
	return watches
}

// updated returns a notifications/resources/updated; a nil subscription is
// omitted.
func updated(uri string, subscription json.RawMessage) []byte {
	return notification(mcp.MethodNotificationResourceUpdated, subscription, "uri", uri)
}

// notification returns a notification whose params have one member.
func notification(method string, subscription json.RawMessage, name string, value any) []byte {
	params := map[string]any{name: value}
	if subscription != nil {
		params["_meta"] = map[string]json.RawMessage{mcp.MetaKeySubscriptionID: subscription}
	}
	b, _ := json.Marshal(map[string]any{"jsonrpc": mcp.JSONRPC_VERSION, "method": method, "params": params}) // plain values always encode
	return b
}
