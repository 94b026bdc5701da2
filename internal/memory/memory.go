// Package memory limits the bytes that a server buffers for its callers: requests
// being read, the platform's responses, and responses not yet written.
package memory

import (
	"container/list"
	"sync"
	"time"
)

// A Budget is a number of bytes shared by requests, each of which reserves its
// part through an [Account]. A nil budget is unlimited.
//
// No caller can use it all: a caller may have one request of any size, and further
// ones within its share. A quarter is reserved for known callers. When the budget
// is exhausted, the requests that have waited longest for their clients, to send
// the rest of a request or to read a response, are evicted.
type Budget struct {
	mu      sync.Mutex
	pools   [pools]pool
	callers map[string]*holding
	waiting list.List // of *Account waiting for their clients; longest first
	queue   []*waiter // for room, in the order of service
}

// The budget is divided into pools, so that large requests do not block small
// ones.
type part int

const (
	calls   part = iota // every call
	bodies              // large requests
	answers             // large answers
	pools   int  = iota
)

// pool is the state of a part of a budget, in bytes.
type pool struct{ size, held, byUnknown int64 }

// room returns how many bytes of the pool are available to known or unknown
// callers.
func (p *pool) room(known bool) int64 {
	if known {
		return p.size
	}
	return p.size - p.size/4
}

// shares are the divisors of a pool's room for one caller with several requests:
// 4 means a quarter.
var shares = [pools]int64{calls: 4, bodies: 2, answers: 2}

// holding is the number of bytes held of each pool.
type holding [pools]int64

// A Caller is the sender of a request.
type Caller struct {
	// ID identifies the caller, to limit it to its share. Requests with an empty ID
	// have no such limit.
	ID string
	// Known means that the platform has accepted the caller's key.
	Known bool
}

// NewBudget returns a budget for a process that may use limit bytes. It is half
// of what the process does not need itself: the rest is headroom for the garbage
// collector.
func NewBudget(limit int64) *Budget {
	unit := max(limit-base, least) / 2 / 12
	b := &Budget{callers: map[string]*holding{}}
	b.pools[calls].size, b.pools[bodies].size, b.pools[answers].size = 5*unit, 3*unit, 4*unit
	return b
}

// Size returns the size of the budget in bytes.
func (b *Budget) Size() (bytes int64) {
	for i := range b.pools {
		bytes += b.pools[i].size
	}
	return bytes
}

// Held returns the number of bytes that are reserved.
func (b *Budget) Held() (bytes int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.pools {
		bytes += b.pools[i].held
	}
	return bytes
}

// An Account is one request's reservation of a budget. Its methods may be called
// by any number of goroutines; a nil account is unlimited.
type Account struct {
	budget *Budget
	caller Caller

	// The rest is guarded by the budget's mu.
	held   holding
	closed bool
	gone   bool     // evicted
	whole  *Account // set by Join, or nil
	parts  map[*Account]struct{}
	place  *list.Element // in budget.waiting, or nil
	since  time.Time     // when it was added there
	cut    func()        // called on eviction
}

// Open opens an account. It must be closed.
func (b *Budget) Open(c Caller) *Account {
	if b == nil {
		return nil
	}
	return &Account{budget: b, caller: c}
}

// Take reserves n more bytes for the basic needs of a request, and reports whether
// there was room.
func (a *Account) Take(n int64) bool { return a.take(calls, n) }

// TakeBody reserves n more bytes for a large request, and reports whether there
// was room.
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

// Settle releases all but n bytes, the size of the response to be written, once
// the request has been answered.
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

// Close releases everything. It may be called more than once.
func (a *Account) Close() {
	if a == nil {
		return
	}
	a.budget.mu.Lock()
	defer a.budget.mu.Unlock()
	a.close()
	a.budget.grant()
}

// close is Close for callers that hold mu.
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

// Join makes an account be evicted together with another, such as that of the
// stream on which its response is written.
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

// fit says whether there is room, or why not.
type fit int

const (
	fits fit = iota
	full
	fullForUnknown // the rest is reserved for known callers
	overShare
)

// fits says whether an account can reserve n more bytes. The caller holds mu.
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

// most caps n so that an account's reservation does not exceed the pool's room: a
// larger request gets the whole pool. For answers only n is capped, as a request
// may read several. The caller holds mu.
func (b *Budget) most(a *Account, of part, n int64) int64 {
	room := b.pools[of].room(a.caller.Known)
	if of != answers {
		room -= a.held[of]
	}
	return min(n, room)
}

// add adds n bytes, which may be negative, to an account. The caller holds mu.
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
