package watch

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// poll reads one target for all of its watchers.
type poll struct {
	hub    *Hub
	target Target
	ctx    context.Context // of each read; cancelled at the end of the poll
	cancel context.CancelFunc
	joined chan struct{} // readable if a watcher has joined

	once  sync.Once
	begun chan struct{} // closed when the first read is done, or the poll has ended
	err   error         // why the poll did not start; read it only after begun

	last     []byte                // the latest state; guarded by hub.mu
	watchers map[*watcher]struct{} // including those waiting for the first read; guarded by hub.mu
}

func newPoll(h *Hub, t Target) *poll {
	p := &poll{
		hub: h, target: t,
		joined:   make(chan struct{}, 1),
		begun:    make(chan struct{}),
		watchers: map[*watcher]struct{}{},
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p
}

// begin releases the watchers that wait for the first read. Only the first call
// has an effect.
func (p *poll) begin(err error) {
	p.once.Do(func() {
		p.err = err
		close(p.begun)
	})
}

// run polls the target until the poll ends.
func (p *poll) run() {
	var known state
	first, err := p.read()
	known.set(first)
	p.store(first)
	p.hub.begin(p, err)
	next := newPace(p.hub.options.Interval)
	for next.wait(p.ctx, p.joined) {
		b, err := p.read()
		changed := false
		switch {
		case errors.Is(err, ErrGone):
			changed = known.setGone()
			p.store(nil)
		case err == nil:
			changed = known.set(b)
			p.store(b)
		}
		if changed {
			next.fastest()
		} else {
			next.slower()
		}
		next.plan(backoffFrom(err))
		if changed {
			p.tell()
		}
	}
}

// read reads the target, and reports a failure to OnError.
func (p *poll) read() (b []byte, err error) {
	panicked := protect("reading it", func() { b, err = p.target.Read(p.ctx) })
	if panicked != nil {
		b, err = nil, panicked
	}
	if err != nil && !errors.Is(err, ErrGone) && p.ctx.Err() == nil {
		p.hub.options.OnError(p.target.ID, err)
	}
	return b, err
}

// store stores the latest state.
func (p *poll) store(state []byte) {
	p.hub.mu.Lock()
	defer p.hub.mu.Unlock()
	p.last = state
}

// tell notifies all watchers of a change, unless the poll has ended. Watchers that
// join later start with the new state.
func (p *poll) tell() {
	p.hub.mu.Lock()
	watchers, state := slices.Collect(maps.Keys(p.watchers)), p.last
	p.hub.mu.Unlock()
	for _, w := range watchers {
		if p.ctx.Err() != nil {
			return
		}
		if err := w.tell(state); err != nil {
			p.hub.options.OnError(p.target.ID, err)
		}
	}
}

// backoffFrom returns an error's retry-after, or 0.
func backoffFrom(err error) time.Duration {
	type waiter interface {
		error
		RetryAfterDuration() time.Duration
	}
	if w, ok := errors.AsType[waiter](err); ok {
		return w.RetryAfterDuration()
	}
	return 0
}

// protect calls f and returns its panic as an error.
func protect(what string, f func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s panicked: %v", what, p)
		}
	}()
	f()
	return nil
}
