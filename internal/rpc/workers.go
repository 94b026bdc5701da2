package rpc

import (
	"sync"
	"time"
)

// idleWorker is how long a worker waits for more to do.
const idleWorker = 10 * time.Second

// workers run calls, so many at a time, in the order in which they came. Each
// runs many: its stack has grown to what a call needs, which is costly to do for
// each anew. But it does not stay for ever, as thousands of sessions may be open.
type workers struct {
	most int
	give chan func() // to a worker that is idle
	done chan struct{}

	mu    sync.Mutex
	n     int
	idle  int // that wait, and are not given anything yet
	queue []func()
}

func newWorkers(most int) *workers {
	return &workers{most: most, give: make(chan func()), done: make(chan struct{})}
}

// run has a worker run a call, as soon as there is one.
func (w *workers) run(call func()) {
	w.mu.Lock()
	switch {
	case w.idle > 0:
		w.idle--
		w.mu.Unlock()
		w.give <- call
		return
	case w.n < w.most:
		w.n++
		go w.work(call)
	default:
		w.queue = append(w.queue, call)
	}
	w.mu.Unlock()
}

func (w *workers) work(call func()) {
	timer := time.NewTimer(idleWorker)
	defer timer.Stop()
	for call != nil {
		call()
		call = w.next(timer)
	}
}

// next returns what a worker does next, or nil where it is to end.
func (w *workers) next(timer *time.Timer) (call func()) {
	w.mu.Lock()
	if len(w.queue) > 0 {
		call, w.queue[0] = w.queue[0], nil
		w.queue = w.queue[1:]
		w.mu.Unlock()
		return call
	}
	w.idle++
	w.mu.Unlock()
	timer.Reset(idleWorker)
	select {
	case call = <-w.give:
		return call
	case <-timer.C:
	case <-w.done:
	}
	w.mu.Lock()
	if w.idle == 0 { // it is being given something just now
		w.mu.Unlock()
		return <-w.give
	}
	w.idle--
	w.n--
	w.mu.Unlock()
	return nil
}

// stop has the workers end when they are idle. It is to be called once, and run
// not after it.
func (w *workers) stop() { close(w.done) }
