package memory

import (
	"context"
	"slices"
	"time"
)

const (
	// patience is how long a client is waited for before its request may have to
	// give way to others.
	patience = time.Second
	// maxWait is how long a large answer waits for room, and retryAfter when its
	// caller is told to come again.
	maxWait    = 5 * time.Second
	retryAfter = 2 * time.Second
	// lookAgain is how often those that wait look for clients that have become
	// slow meanwhile.
	lookAgain = 250 * time.Millisecond
)

// AwaitClient says that the request of an account waits for its client from now
// on: to send something, or to take something. Where others need the room, cut
// is called, which must end the request soon; it may be called by any goroutine.
// It is to be called again whenever the client has taken something.
func (a *Account) AwaitClient(cut func()) {
	if a == nil {
		return
	}
	a.budget.mu.Lock()
	defer a.budget.mu.Unlock()
	a.proceed()
	if !a.closed {
		a.since, a.cut = time.Now(), cut
		a.place = a.budget.waiting.PushBack(a)
	}
}

// Proceed says that the request waits for its client no more.
func (a *Account) Proceed() {
	if a == nil {
		return
	}
	a.budget.mu.Lock()
	defer a.budget.mu.Unlock()
	a.proceed()
}

func (a *Account) proceed() {
	if a.place != nil {
		a.budget.waiting.Remove(a.place)
		a.place = nil
	}
}

// GaveWay reports whether the account was closed because others needed its room.
func (a *Account) GaveWay() bool {
	if a == nil {
		return false
	}
	a.budget.mu.Lock()
	defer a.budget.mu.Unlock()
	return a.gone
}

// evict closes an account that holds what another one needs and has waited
// longest for its client, and reports whether there was one. mu is held.
func (b *Budget) evict(needs *Account, of part) bool {
	for e := b.waiting.Front(); e != nil; e = e.Next() {
		a := e.Value.(*Account)
		if time.Since(a.since) < patience {
			return false // as all after it
		}
		if a == needs || a == needs.whole || a.total(of) == 0 || a.caller.Known && !needs.caller.Known {
			continue
		}
		for each := range a.parts {
			each.gone = true
			each.close()
		}
		a.gone = true
		a.close()
		go a.cut()
		return true
	}
	return false
}

// total returns what an account holds with its parts. mu is held.
func (a *Account) total(of part) int64 {
	n := a.held[of]
	for each := range a.parts {
		n += each.held[of]
	}
	return n
}

// waiter is what waits for room.
type waiter struct {
	account *Account
	of      part
	n       int64
	ready   chan struct{} // closed when it has got it
}

// AwaitBody is TakeBody that waits until there is room, but not for long: then it
// returns an [Error].
func (a *Account) AwaitBody(ctx context.Context, n int64) error {
	if a == nil {
		return nil
	}
	return a.await(ctx, bodies, n, maxWait)
}

// await takes n bytes as soon as there is room. It waits no longer than a limit,
// 0 for none: then it returns an [Error].
func (a *Account) await(ctx context.Context, of part, n int64, limit time.Duration) error {
	b := a.budget
	w := &waiter{account: a, of: of, n: n, ready: make(chan struct{})}
	b.mu.Lock()
	// Of two that have some room and wait for more, neither would ever get it.
	if of == answers && limit > 0 && a.held[answers] > 0 && slices.ContainsFunc(b.queue, func(w *waiter) bool { return w.account.held[answers] > 0 }) {
		b.mu.Unlock()
		return &Error{}
	}
	at := len(b.queue)
	if a.caller.Known {
		at = slices.IndexFunc(b.queue, func(w *waiter) bool { return !w.account.caller.Known })
		if at < 0 {
			at = len(b.queue)
		}
	}
	b.queue = slices.Insert(b.queue, at, w)
	b.grant()
	b.mu.Unlock()
	var timeout <-chan time.Time
	if limit > 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		timeout = timer.C
	}
	again := time.NewTicker(lookAgain)
	defer again.Stop()
	for {
		var err error
		select {
		case <-w.ready:
			return nil
		case <-again.C:
			b.mu.Lock()
			b.grant()
			b.mu.Unlock()
			continue
		case <-timeout:
			err = &Error{}
		case <-ctx.Done():
			err = ctx.Err()
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		if i := slices.Index(b.queue, w); i >= 0 {
			b.queue = slices.Delete(b.queue, i, i+1)
			return err
		}
		return nil // just now
	}
}

// refund gives back what an answer does not need after all.
func (a *Account) refund(n int64) {
	b := a.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	if !a.closed {
		b.add(a, answers, -min(n, a.held[answers]))
		b.grant()
	}
}

// grant gives room to those that wait for it, in turn. mu is held.
func (b *Budget) grant() {
	var fullForAll, fullForOthers [pools]bool
	b.queue = slices.DeleteFunc(b.queue, func(w *waiter) bool {
		a := w.account
		if a.closed { // the request lives on, as a stream that reads once in a while
			close(w.ready)
			return true
		}
		if fullForAll[w.of] || fullForOthers[w.of] && !a.caller.Known {
			return false
		}
		for {
			switch b.fits(a, w.of, w.n) {
			case fits:
				b.add(a, w.of, w.n)
				close(w.ready)
				return true
			case overShare:
				return false // its caller's turn is later
			case full:
				if !b.evict(a, w.of) {
					fullForAll[w.of] = true
					return false
				}
			case fullForUnknown:
				if !b.evict(a, w.of) {
					fullForOthers[w.of] = true
					return false
				}
			}
		}
	})
}

// An Error says that there is no room.
type Error struct{}

func (*Error) Error() string {
	return "this server has no memory free for so much at the moment (--max-memory)"
}

// RetryAfter returns when to try again.
func (*Error) RetryAfter() time.Duration { return retryAfter }
