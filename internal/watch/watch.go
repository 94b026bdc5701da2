// Package watch polls targets that have watchers, once for all watchers of the
// same target, and notifies them only of changes.
package watch

import (
	"context"
	"errors"
	"sync"
	"time"
)

// A Target is something that can be watched.
type Target struct {
	// ID identifies the target. It must be comparable, and equal for all targets
	// whose Read returns the same state: only the first one's Read is called.
	ID any
	// Read returns the target's state, as JSON of any length. It may block, as no
	// other target waits for it, but should return when its context is done. The
	// context has no values, as it belongs to no single watcher. The result is kept
	// until the next read, and must not be modified.
	//
	// An error leaves the state as it is, unless it wraps [ErrGone], for a target
	// that does not exist. Errors must not contain secrets. If an error has or wraps
	// a method RetryAfterDuration() time.Duration, the target is not read again
	// before that, capped at the longest pause or 5 minutes, whichever is longer. A
	// panic counts as an error.
	Read func(context.Context) ([]byte, error)
}

// Errors of [Hub.Watch]. ErrGone is also for a Target's Read to return.
var (
	// ErrGone is wrapped by the error of a Read whose target does not exist.
	ErrGone = errors.New("it is not there")
	// ErrTooMany is returned if Options.MaxTargets targets are being watched.
	ErrTooMany = errors.New("too many targets are being watched")
	// ErrClosed is returned once the hub is closed.
	ErrClosed = errors.New("nothing is watched any more")
)

// Options configure a [Hub]. The zero value is ready to use.
type Options struct {
	// Interval is the pause between two reads of a target, at most a year; 0 means
	// 15 s. From the fourth consecutive read without a change on, each such read
	// makes the pause half as long again, up to 20 intervals. All pauses have a
	// jitter of 10%, so that replicas do not poll in step.
	Interval time.Duration
	// MaxTargets limits the targets watched at a time, each by any number of
	// watchers; 0 means 1000.
	MaxTargets int
	// MaxOfCaller limits the targets that one caller may watch; 0 means 200.
	MaxOfCaller int
	// MaxOfUnknown limits those of a caller whose key the platform has not accepted;
	// 0 means 20. All such callers together may watch half of MaxTargets.
	MaxOfUnknown int
	// OnWatch is called with 1 when a watch starts, and with -1 when it ends;
	// optional.
	OnWatch func(by int)
	// OnError is called with each failure of a Read other than ErrGone, and each
	// panic of a changed; optional. It is called by many goroutines, and blocks the
	// polling of its target.
	OnError func(id any, err error)
}

const (
	defaultInterval   = 15 * time.Second
	defaultMaxTargets = 1000
)

// A Hub polls the watched targets. Its methods may be called by any number of
// goroutines.
type Hub struct {
	options Options
	callers *callers
	polling sync.WaitGroup // running polls

	mu     sync.Mutex // guards the rest, and the state and watchers of each poll
	polls  map[any]*poll
	closed bool
}

// New returns a hub, which is idle until a target is watched. It must be closed.
func New(o Options) *Hub {
	if o.Interval <= 0 {
		o.Interval = defaultInterval
	}
	o.Interval = min(o.Interval, farthest)
	if o.MaxTargets <= 0 {
		o.MaxTargets = defaultMaxTargets
	}
	if o.MaxOfCaller <= 0 {
		o.MaxOfCaller = defaultMaxOfCaller
	}
	if o.MaxOfUnknown <= 0 {
		o.MaxOfUnknown = defaultMaxOfUnknown
	}
	if o.OnWatch == nil {
		o.OnWatch = func(int) {}
	}
	if o.OnError == nil {
		o.OnError = func(any, error) {}
	}
	return &Hub{options: o, callers: newCallers(o), polls: map[any]*poll{}}
}

// Watch calls changed after each change of a target that a read detects, until
// stop is called. The target's deletion is a change, and its return is another.
// Two states are equal if they are the same JSON value: the order of members does
// not matter, but the spelling of numbers does. States that are not JSON are
// compared byte by byte.
//
// A target without watchers is read before Watch returns, once for all that start
// to watch it meanwhile; if that read fails, they all get its error. Otherwise
// the watch starts with the state of the latest read, even if the target was gone,
// and the next read follows within the interval, unless one is in progress or an
// error asked to wait. So no change after Watch has returned is missed, unless it
// is reverted before the next read. When ctx is done, Watch returns its error; it
// does not affect a watch that has started, nor a read that others wait for.
//
// The goroutine that polls the target calls changed, never concurrently, but
// perhaps before Watch has returned. changed must not block, as the target's other
// watchers wait for it.
//
// After stop has returned, changed is not running and is not called again. So stop
// must not be called from within changed, nor with a lock that changed acquires.
// It may be called any number of times, by any number of goroutines.
func (h *Hub) Watch(ctx context.Context, t Target, changed func()) (stop func(), err error) {
	_, stop, err = h.WatchState(ctx, t, func([]byte) { changed() })
	return stop, err
}

// WatchState is Watch with the states: it returns the one that the watch starts
// with, and changed gets each later one. A state is nil if the target is gone.
func (h *Hub) WatchState(ctx context.Context, t Target, changed func(state []byte)) (last []byte, stop func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	w := newWatcher(changed)
	p, err := h.join(t, w)
	if err != nil {
		return nil, nil, err
	}
	end := func() {
		h.leave(p, w)
		w.stop()
	}
	select {
	case <-p.begun:
		if p.err != nil {
			return nil, nil, p.err
		}
		h.options.OnWatch(1)
		counted := sync.OnceFunc(func() { h.options.OnWatch(-1) })
		h.mu.Lock()
		defer h.mu.Unlock()
		return p.last, func() {
			end()
			counted()
		}, nil
	case <-ctx.Done():
		end()
		return nil, nil, ctx.Err()
	}
}

// Close ends all watches, including those being started, and waits for the reads
// and calls of changed in progress. It must not be called from within a Read, a
// changed or OnError, which would deadlock.
func (h *Hub) Close() {
	h.mu.Lock()
	h.closed = true
	for _, p := range h.polls {
		h.end(p, ErrClosed)
	}
	h.mu.Unlock()
	h.polling.Wait()
}

// join adds a watcher to the poll of a target, and starts the poll if there is
// none.
func (h *Hub) join(t Target, w *watcher) (*poll, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, ErrClosed
	}
	p := h.polls[t.ID]
	if p != nil {
		p.watchers[w] = struct{}{}
		select {
		case p.joined <- struct{}{}:
		default: // already signalled
		}
		return p, nil
	}
	if len(h.polls) >= h.options.MaxTargets {
		return nil, ErrTooMany
	}
	p = newPoll(h, t)
	p.watchers[w] = struct{}{}
	h.polls[t.ID] = p
	h.polling.Go(p.run)
	return p, nil
}

// leave removes a watcher. The last one ends the poll.
func (h *Hub) leave(p *poll, w *watcher) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(p.watchers, w)
	if len(p.watchers) == 0 {
		h.end(p, context.Canceled)
	}
}

// begin releases the watchers that wait for the first read of a poll. If the read
// failed, it also ends the poll.
func (h *Hub) begin(p *poll, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil {
		h.end(p, err)
		return
	}
	p.begin(nil)
}

// end ends a poll, if it has not ended yet. Watchers that wait for its first read
// get err. The caller holds mu.
func (h *Hub) end(p *poll, err error) {
	if h.polls[p.target.ID] == p { // not a newer poll of the same target
		delete(h.polls, p.target.ID)
	}
	p.begin(err)
	p.cancel()
}
