package rpc

import (
	"sync"
	"time"
)

// idleWorker is how long an idle worker waits before it exits.
const idleWorker = 10 * time.Second

// workers is a pool of at most most goroutines that run calls in order of
// arrival. Workers are reused because growing a new goroutine's stack for each
// call is costly, and exit when idle because thousands of sessions may be open.
type workers struct {
	most int
	give chan func() // to an idle worker
	done chan struct{}

	mu    sync.Mutex
	n     int // running, including idle ones
	idle  int // waiting, and not yet chosen for a call
	queue []func()
}

func newWorkers(most int) *workers {
	return &workers{most: most, give: make(chan func()), done: make(chan struct{})}
}

// run runs a call in a worker, or queues it if all are busy.
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

// next returns a worker's next call, or nil if the worker must exit.
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
	if w.idle == 0 { // run has chosen this worker and is sending it a call
		w.mu.Unlock()
		return <-w.give
	}
	w.idle--
	w.n--
	w.mu.Unlock()
	return nil
}

// stop makes idle workers exit. It must be called only once, and run not after
// it.
func (w *workers) stop() { close(w.done) }
