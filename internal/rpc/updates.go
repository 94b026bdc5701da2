package rpc

import (
	"encoding/json"
	"slices"
	"sync"

	"github.com/mark3labs/mcp-go/mcp"
)

// updates are the resources that have changed and whose watcher has not been
// told so yet. Changes that come faster than they can be told are told once.
type updates struct {
	mu   sync.Mutex
	uris []string
	wake chan struct{} // holds something while there are uris
}

func newUpdates() *updates { return &updates{wake: make(chan struct{}, 1)} }

// add adds a resource that has changed. It does not block.
func (u *updates) add(uri string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if slices.Contains(u.uris, uri) {
		return
	}
	u.uris = append(u.uris, uri)
	select {
	case u.wake <- struct{}{}:
	default:
	}
}

// take returns the resources that have changed, and forgets them.
func (u *updates) take() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	uris := u.uris
	u.uris = nil
	return uris
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
