package watch

import (
	"reflect"
	"runtime"
	"sync"
)

// watcher is one watch of a thing.
type watcher struct {
	changed func()
	calls   sync.WaitGroup // one while changed is running

	mu      sync.Mutex
	stopped bool
}

// tell calls changed, unless the watcher has stopped, and returns what it
// panicked with.
func (w *watcher) tell() error {
	w.mu.Lock()
	if w.stopped {
		w.mu.Unlock()
		return nil
	}
	w.calls.Add(1)
	w.mu.Unlock()
	defer w.calls.Done()
	return protect("telling of its change", w.changed)
}

// stop lets no call of changed begin any more.
func (w *watcher) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
}

// wait waits for the call of changed that was running at stop, unless the call
// waits for us.
func (w *watcher) wait() {
	if !telling() {
		w.calls.Wait()
	}
}

var tellName = runtime.FuncForPC(reflect.ValueOf((*watcher).tell).Pointer()).Name()

// telling reports whether this goroutine is within a changed. Only its stack
// knows: what changed calls has nothing from us by which we could tell.
func telling() bool {
	callers := make([]uintptr, 64)
	n := runtime.Callers(1, callers)
	for n == len(callers) {
		callers = make([]uintptr, 2*n)
		n = runtime.Callers(1, callers)
	}
	frames := runtime.CallersFrames(callers[:n])
	for {
		frame, more := frames.Next()
		if frame.Function == tellName {
			return true
		}
		if !more {
			return false
		}
	}
}
