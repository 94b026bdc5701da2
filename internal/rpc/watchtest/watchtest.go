// Package watchtest has a watcher for tests, whose resources change when the
// test says so.
package watchtest

import (
	"context"
	"sync"
	"testing"
	"time"
)

// A Watcher watches any resource. The zero value is ready.
type Watcher struct {
	// Err is returned for a resource that cannot be watched; nil means that
	// all can.
	Err func(uri string) error
	// Hold, where it is not nil, has each watch wait for its beginning until
	// something can be received, or the context ends.
	Hold chan struct{}

	mu       sync.Mutex
	next     int
	watching map[string]map[int]func()
	held     int
	signal   chan struct{} // closed at the next beginning or end of a watch
}

// Watch watches a resource.
func (w *Watcher) Watch(ctx context.Context, uri string, changed func()) (stop func(), err error) {
	if w.Hold != nil {
		w.hold(1)
		defer w.hold(-1)
		select {
		case <-w.Hold:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if w.Err != nil {
		if err := w.Err(uri); err != nil {
			return nil, err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.watching == nil {
		w.watching = map[string]map[int]func(){}
	}
	if w.watching[uri] == nil {
		w.watching[uri] = map[int]func(){}
	}
	w.next++
	n := w.next
	w.watching[uri][n] = changed
	w.tell()
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.watching[uri], n)
		w.tell()
	}, nil
}

// tell tells who awaits a number of watches that it may have changed.
func (w *Watcher) tell() {
	if w.signal != nil {
		close(w.signal)
		w.signal = nil
	}
}

func (w *Watcher) hold(by int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held += by
	w.tell()
}

// AwaitHeld waits until so many watches wait for their beginning.
func (w *Watcher) AwaitHeld(t *testing.T, n int) {
	t.Helper()
	w.await(t, "those that wait to begin", n, func() int { return w.held })
}

// Change tells all who watch a resource that it has changed.
func (w *Watcher) Change(uri string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, changed := range w.watching[uri] {
		changed()
	}
}

// Await waits until a resource has so many watches.
func (w *Watcher) Await(t *testing.T, uri string, n int) {
	t.Helper()
	w.await(t, uri, n, func() int { return len(w.watching[uri]) })
}

func (w *Watcher) await(t *testing.T, what string, n int, count func() int) {
	t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		w.mu.Lock()
		got := count()
		if w.signal == nil {
			w.signal = make(chan struct{})
		}
		signal := w.signal
		w.mu.Unlock()
		if got == n {
			return
		}
		select {
		case <-signal:
		case <-timeout:
			t.Fatalf("%s: %d, not %d", what, got, n)
		}
	}
}
