// Package memory bounds how many bytes of others a server holds at a time:
// requests that are being read, the platform's answers, and answers that are not
// written yet.
package memory

import (
	"container/list"
	"sync"
	"time"
)

// A Budget is a number of bytes that requests share. What a request holds is
// noted on its [Account]. A nil budget has no bounds.
//
// No caller gets it all. A caller may have one request, however large, and more
// of them only within its share. A part is kept for callers that are known. Where
// there is no room, those give way that have waited longest for their clients:
// to send the rest of a request, or to take an answer.
type Budget struct {
	mu      sync.Mutex
	pools   [pools]pool
	callers map[string]*holding
	waiting list.List // of *Account, for their clients; the longest first
	queue   []*waiter // for room, in the order in which they get room
}

// The budget is in parts, so that what is large is not in the way of what is
// usual.
type part int

const (
	calls   part = iota // what every call takes
	bodies              // large requests
	answers             // large answers
	pools   int  = iota
)

// pool is a part of a budget.
type pool struct{ size, held, byUnknown int64 }

// room returns how much of the pool a caller may have.
func (p *pool) room(known bool) int64 {
	if known {
		return p.size
	}
	return p.size - p.size/4
}

// shares is which part of a pool's room one caller may hold in several requests.
var shares = [pools]int64{calls: 4, bodies: 2, answers: 2}

// holding is what is held of each pool.
type holding [pools]int64

// A Caller is who makes requests.
type Caller struct {
	// ID tells callers apart. Requests without one are nobody's, and share with
	// nobody.
	ID string
	// Known says that the platform knows the caller, who has not just made up a
	// key.
	Known bool
}

// NewBudget returns a budget for a process that may use limit bytes. Half of
// what the process does not need itself is given out: the garbage collector
// needs room for what is not collected yet.
func NewBudget(limit int64) *Budget {
	unit := max(limit-base, least) / 2 / 12
	b := &Budget{callers: map[string]*holding{}}
	b.pools[calls].size, b.pools[bodies].size, b.pools[answers].size = 5*unit, 3*unit, 4*unit
	return b
}

// Size returns how many bytes the budget has.
func (b *Budget) Size() (bytes int64) {
	for i := range b.pools {
		bytes += b.pools[i].size
	}
	return bytes
}

// Held returns how many bytes are held.
func (b *Budget) Held() (bytes int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.pools {
		bytes += b.pools[i].held
	}
	return bytes
}

// An Account is what one request holds of a budget. Its methods may be called
// by any number of goroutines; a nil account holds nothing and refuses nothing.
type Account struct {
	budget *Budget
	caller Caller

	// What follows is guarded by the budget's mu.
	held   holding
	closed bool
	gone   bool     // it gave way to others
	whole  *Account // what it is a part of, or nil
	parts  map[*Account]struct{}
	place  *list.Element // among those that wait for their clients
	since  time.Time     // for how long
	cut    func()        // ends that
}

// Open opens an account. It must be closed.
func (b *Budget) Open(c Caller) *Account {
	if b == nil {
		return nil
	}
	return &Account{budget: b, caller: c}
}

// Take takes n more bytes for what every request needs, and reports whether there
// was room.
func (a *Account) Take(n int64) bool { return a.take(calls, n) }

// TakeBody takes n more bytes for a large request, and reports whether there was
// room.
func (a *Account) TakeBody(n int64) bool { return a.take(bodies, n) }

func (a *Account) take(of part, n int64) bool {
	if a == nil {
		return true
	}
	b := a.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		switch b.fits(a, of, n) {
		case fits:
			b.add(a, of, n)
			return true
		case overShare:
			return false
		}
		if a.closed || !b.evict(a, of) {
			return false
		}
	}
}

// Settle gives back what an account does not hold any more when its request has
// been answered, and the answer has n bytes that are still to be written.
func (a *Account) Settle(n int64) {
	if a == nil {
		return
	}
	b := a.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	b.add(a, bodies, -a.held[bodies])
	b.add(a, answers, -max(a.held[answers]-n, 0))
	if a.held[answers] == 0 {
		b.add(a, calls, -max(a.held[calls]-n, 0))
	}
	b.grant()
}

// Close gives everything back. It may be called more than once.
func (a *Account) Close() {
	if a == nil {
		return
	}
	a.budget.mu.Lock()
	defer a.budget.mu.Unlock()
	a.close()
	a.budget.grant()
}

// close is Close that holds mu.
func (a *Account) close() {
	a.closed = true
	for of, n := range a.held {
		a.budget.add(a, part(of), -n)
	}
	a.proceed()
	if a.whole != nil {
		delete(a.whole.parts, a)
	}
}

// Join has an account give way together with another, such as that of a stream
// on which its answers are written.
func (a *Account) Join(whole *Account) {
	if a == nil || whole == nil {
		return
	}
	a.budget.mu.Lock()
	defer a.budget.mu.Unlock()
	if a.closed {
		return
	}
	if whole.parts == nil {
		whole.parts = map[*Account]struct{}{}
	}
	a.whole, whole.parts[a] = whole, struct{}{}
}

// fit says whether bytes can be had.
type fit int

const (
	fits fit = iota
	full
	fullForUnknown // the rest is for those that are known
	overShare
)

// fits says whether an account can have n more bytes. mu is held.
func (b *Budget) fits(a *Account, of part, n int64) fit {
	p := &b.pools[of]
	n = b.most(a, of, n)
	if c := b.callers[a.caller.ID]; c != nil && a.caller.ID != "" && c[of] > a.held[of] && c[of]+n > p.room(a.caller.Known)/shares[of] {
		return overShare
	}
	switch {
	case a.closed:
		return full
	case p.held+n > p.size:
		return full
	case !a.caller.Known && p.byUnknown+n > p.room(false):
		return fullForUnknown
	}
	return fits
}

// most returns how much of n bytes an account gets: for the largest request as
// much as there ever is. Of answers, it may have several. mu is held.
func (b *Budget) most(a *Account, of part, n int64) int64 {
	room := b.pools[of].room(a.caller.Known)
	if of != answers {
		room -= a.held[of]
	}
	return min(n, room)
}

// add adds to what an account holds. mu is held.
func (b *Budget) add(a *Account, of part, n int64) {
	p := &b.pools[of]
	n = b.most(a, of, n)
	a.held[of] += n
	p.held += n
	if !a.caller.Known {
		p.byUnknown += n
	}
	if a.caller.ID == "" {
		return
	}
	c := b.callers[a.caller.ID]
	if c == nil {
		c = &holding{}
		b.callers[a.caller.ID] = c
	}
	if c[of] += n; *c == (holding{}) {
		delete(b.callers, a.caller.ID)
	}
}
