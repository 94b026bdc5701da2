package rpc

import (
	"context"
	"fmt"
	"sync"

	"github.com/mark3labs/mcp-go/mcp"
)

// maxCallerWatches is how many resources a caller may watch at a time, over all
// its streams. Each costs the platform requests for as long as it is watched.
const maxCallerWatches = 200

// watches keeps callers within that.
type watches struct {
	watch  Watch
	caller func(context.Context) string

	mu      sync.Mutex
	callers map[string]map[string]int // how often a caller watches a resource
}

// limited returns a watch that keeps callers within maxCallerWatches.
func limited(watch Watch, caller func(context.Context) string) Watch {
	if watch == nil {
		return nil
	}
	return (&watches{watch: watch, caller: caller, callers: map[string]map[string]int{}}).begin
}

func (w *watches) begin(ctx context.Context, uri string, changed func()) (stop func(), err error) {
	caller := w.caller(ctx)
	if !w.count(caller, uri) {
		return nil, errTooManyWatches
	}
	isWatched := false
	defer func() { // also where it panics
		if !isWatched {
			w.leave(caller, uri)
		}
	}()
	end, err := w.watch(ctx, uri, changed)
	if err != nil {
		return nil, err
	}
	isWatched = true
	return sync.OnceFunc(func() {
		end()
		w.leave(caller, uri)
	}), nil
}

func (w *watches) count(caller, uri string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	uris := w.callers[caller]
	if uris[uri] == 0 && len(uris) >= maxCallerWatches {
		return false
	}
	if uris == nil {
		uris = map[string]int{}
		w.callers[caller] = uris
	}
	uris[uri]++
	return true
}

func (w *watches) leave(caller, uri string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	uris := w.callers[caller]
	if uris[uri]--; uris[uri] == 0 {
		delete(uris, uri)
	}
	if len(uris) == 0 {
		delete(w.callers, caller)
	}
}

var errTooManyWatches = NewError(mcp.INVALID_PARAMS,
	fmt.Sprintf("you watch %d resources, and may watch no more: end another watch first", maxCallerWatches))
