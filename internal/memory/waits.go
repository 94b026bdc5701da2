package memory

import (
	"context"
	"slices"
	"time"
)

// RetryAfter is how long a client that was refused for lack of memory should
// wait before a retry.
const RetryAfter = 2 * time.Second

const (
	// patience is how long a request may wait for its client before it can be
	// evicted.
	patience = time.Second
	// maxWait is how long a large body waits for room.
	maxWait = 5 * time.Second
	// lookAgain is how often waiters check for clients that have become slow
	// meanwhile.
	lookAgain = 250 * time.Millisecond
)

// AwaitClient marks an account's request as waiting for its client, to send or to
// read. The request may be evicted from then on: cut is called, from any
// goroutine, and must end the request soon. Call AwaitClient again after each
// progress of the client, and [Account.Proceed] when the wait is over.
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

// Proceed ends the wait of [Account.AwaitClient].
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

// GaveWay reports whether the account was evicted.
func (a *Account) GaveWay() bool {
	if a == nil {
		return false
	}
	a.budget.mu.Lock()
	defer a.budget.mu.Unlock()
	return a.gone
}

// evict closes the account that has waited longest for its client, among those
// that hold memory of the needed part, and reports whether there was one. An
// unknown caller does not evict a known one. The caller holds mu.
func (b *Budget) evict(needs *Account, of part) bool {
	for e := b.waiting.Front(); e != nil; e = e.Next() {
		a := e.Value.(*Account)
		if time.Since(a.since) < patience {
			return false // the others have waited for less
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

// total returns what an account and its parts hold. The caller holds mu.
func (a *Account) total(of part) int64 {
	n := a.held[of]
	for each := range a.parts {
		n += each.held[of]
	}
	return n
}

// waiter is a request in the queue for room.
type waiter struct {
	account *Account
	of      part
	n       int64
	ready   chan struct{} // closed when the room is reserved
}

// AwaitBody is like TakeBody, but waits up to 5 s for room. Then it returns an
// [Error].
func (a *Account) AwaitBody(ctx context.Context, n int64) error {
	if a == nil {
		return nil
	}
	return a.await(ctx, bodies, n, maxWait)
}

// await reserves n bytes as soon as there is room. After limit, unless that is 0,
// it returns an [Error].
func (a *Account) await(ctx context.Context, of part, n int64, limit time.Duration) error {
	b := a.budget
	w := &waiter{account: a, of: of, n: n, ready: make(chan struct{})}
	b.mu.Lock()
	// Two requests that each hold some room and wait for more could deadlock.
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
		return nil // granted just now
	}
}

// refund releases what a response turned out not to need.
func (a *Account) refund(n int64) {
	b := a.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	if !a.closed {
		b.add(a, answers, -min(n, a.held[answers]))
		b.grant()
	}
}

// grant serves the queue, in order, as far as there is room. The caller holds mu.
func (b *Budget) grant() {
	var fullForAll, fullForOthers [pools]bool
	b.queue = slices.DeleteFunc(b.queue, func(w *waiter) bool {
		a := w.account
		if a.closed { // its request may live on, as a stream that reads now and then
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
				return false // until its caller releases some
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

// An Error means that there is no room.
type Error struct{}

func (*Error) Error() string {
	return "this server has no memory free for so much at the moment (--max-memory)"
}

// RetryAfter returns how long to wait before a retry.
func (*Error) RetryAfter() time.Duration { return RetryAfter }
