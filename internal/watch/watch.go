// Package watch polls targets that somebody watches, once for all who watch the
// same target, and tells them when it has changed, and only then.
package watch

import (
	"context"
	"errors"
	"sync"
	"time"
)

// A Target is what can be watched.
type Target struct {
	// ID tells targets apart. It is comparable, and equal for all targets whose
	// Read gives the same: of those, the Read that came first is called for all.
	ID any
	// Read returns the target's state, as JSON of any length. It may take as long
	// as it likes, as no other target waits for it, but it should end with its
	// context, which has no values: it is nobody's of those who watch. What it
	// returns is kept until the next read, and not to be changed.
	//
	// An error says nothing about the state, except that of a target that is not
	// there, which wraps [ErrGone]. It holds no secrets. One that has a method
	// RetryAfterDuration() time.Duration, or wraps one, says for how long the
	// target is not to be read again, which is heeded up to the longest pause, or
	// 5 minutes if that is shorter. A panic is taken as an error.
	Read func(context.Context) ([]byte, error)
}

// Errors of [Hub.Watch]. ErrGone is for a Target's Read to return, too.
var (
	// ErrGone is wrapped by the error of a Read whose target is not there, or not
	// any more.
	ErrGone = errors.New("it is not there")
	// ErrTooMany is returned where as many targets are watched as may be.
	ErrTooMany = errors.New("too many targets are being watched")
	// ErrClosed is returned once the hub is closed.
	ErrClosed = errors.New("nothing is watched any more")
)

// Options configure a [Hub]. The zero value is good.
type Options struct {
	// Interval is how long the pause between two reads of a target is, at most a
	// year; 0 means 15 s. Where four reads have shown no change, each that shows none makes the
	// pause half as long again, up to 20 intervals. All pauses vary by a tenth,
	// so that copies of this program do not read in step.
	Interval time.Duration
	// MaxThings is how many targets may be watched at a time, each by any number
	// of watchers; 0 means 1000.
	MaxThings int
	// MaxOfCaller is how many targets a caller may watch at a time; 0 means 200.
	MaxOfCaller int
	// MaxOfUnknown is how many a caller may watch whom the platform does not know;
	// 0 means 20. All of those together may watch half of MaxThings.
	MaxOfUnknown int
	// OnWatch is told of each watch that begins, with 1, or ends, with -1; nil means
	// nobody is.
	OnWatch func(by int)
	// OnError is told of each read that failed, and of each changed that
	// panicked; nil means nobody is. That a target is gone is no failure. It is
	// called by many goroutines, and the polling of the target waits for it.
	OnError func(id any, err error)
}

const (
	defaultInterval  = 15 * time.Second
	defaultMaxThings = 1000
)

// A Hub polls what is watched. Its methods may be called by any number of
// goroutines.
type Hub struct {
	options Options
	callers *callers
	polling sync.WaitGroup // one a poll that has not ended

	mu     sync.Mutex // guards what follows, and the watchers of each poll
	polls  map[any]*poll
	closed bool
}

// New returns a hub, which does nothing until something is watched. It must be
// closed.
func New(o Options) *Hub {
	if o.Interval <= 0 {
		o.Interval = defaultInterval
	}
	o.Interval = min(o.Interval, farthest)
	if o.MaxThings <= 0 {
		o.MaxThings = defaultMaxThings
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

// Watch calls changed after each change of a target that a read shows, until
// stop is called. That a target has gone is a change, and that it is back is
// another. A state is the same if it is the same JSON value, in which the order
// of members does not matter, but the way a number is written does; what is not
// JSON is the same if its bytes are.
//
// A target that nobody watches yet is read before Watch returns, once for all
// who begin to watch it meanwhile; if that read fails they all get its error,
// and watch nothing. Otherwise the state is what the last read of it showed,
// even if that is that it has gone, and the next read comes within the interval,
// unless one is under way or an error asked to wait. So no change after Watch
// has returned is missed, unless it is undone before the next read. The end of
// ctx ends Watch, but neither the watch nor a read for which others wait.
//
// The goroutine that polls the target calls changed, one call after the other,
// perhaps already before Watch has returned. It must not block: the target's
// other watchers wait for it.
//
// Once stop has returned, changed is not running and will not be called again.
// So it must not be called within a changed, nor by who holds what changed waits
// for. It may be called any number of times, by any number of goroutines.
func (h *Hub) Watch(ctx context.Context, t Target, changed func()) (stop func(), err error) {
	_, stop, err = h.WatchState(ctx, t, func([]byte) { changed() })
	return stop, err
}

// WatchState is Watch for who wants to know the states, too: it returns the one
// that the watch begins with, and changed gets each that follows. A state is
// nil where the target has gone.
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

// Close ends all watches and all that waits for one to begin, and waits until
// no read is under way and no changed is running or will be called. It must not
// be called within a Read, a changed or OnError, for which it would wait.
func (h *Hub) Close() {
	h.mu.Lock()
	h.closed = true
	for _, p := range h.polls {
		h.end(p, ErrClosed)
	}
	h.mu.Unlock()
	h.polling.Wait()
}

// join adds a watcher to the poll of a target, which it begins if there is none.
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
		default: // it will hear of one
		}
		return p, nil
	}
	if len(h.polls) >= h.options.MaxThings {
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

// begin ends the waiting for the first read of a poll, and the poll with it if
// the read failed.
func (h *Hub) begin(p *poll, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil {
		h.end(p, err)
		return
	}
	p.begin(nil)
}

// end ends a poll, and with err whoever waits for its first read. It may have
// ended already. h.mu is held.
func (h *Hub) end(p *poll, err error) {
	if h.polls[p.target.ID] == p { // and not one of the same target that came later
		delete(h.polls, p.target.ID)
	}
	p.begin(err)
	p.cancel()
}
