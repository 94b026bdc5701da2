package web

import (
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits bound what callers may ask for. A zero is no limit.
type Limits struct {
	CallerRate     float64 // calls a second of one caller; twice that may come at once
	CallerInFlight int     // calls of one caller that run at a time
	TotalRate      float64 // calls a second in all
	TotalInFlight  int     // calls that run at a time in all
}

// limiter keeps callers within the limits. It remembers a caller for as long
// as that matters, and no more callers than maxCallers.
type limiter struct {
	limits Limits
	total  *rate.Limiter

	mu       sync.Mutex
	inFlight int
	callers  map[string]*callerState
	swept    time.Time
}

type callerState struct {
	rate     *rate.Limiter
	inFlight int
	seen     time.Time
}

const (
	maxCallers   = 100_000
	rememberFor  = time.Minute // by then a caller's allowance is whole again
	inFlightWait = time.Second // what a caller with too many calls is told to wait
)

func newLimiter(l Limits) *limiter {
	return &limiter{limits: l, total: newRate(l.TotalRate), callers: map[string]*callerState{}}
}

func newRate(perSecond float64) *rate.Limiter {
	if perSecond <= 0 {
		return rate.NewLimiter(rate.Inf, 0)
	}
	return rate.NewLimiter(rate.Limit(perSecond), int(math.Ceil(2*perSecond)))
}

// refusal is why a call is not taken, and when to come again.
type refusal struct {
	reason string
	text   string
	wait   time.Duration
}

var (
	tooManyStreams = refusal{refusedInFlight, "you, or all callers, have too many streams open", inFlightWait}
	noMemory       = refusal{refusedMemory, "the server's memory is in use (--max-memory)", inFlightWait}
)

// retryAfter returns how many seconds to wait; 0 where no wait would help.
func (r *refusal) retryAfter() int {
	if r.wait == rate.InfDuration {
		return 0
	}
	return max(1, int(math.Ceil(r.wait.Seconds())))
}

// take lets n calls of a caller in, which came at once, until release is called,
// or refuses them. spare is how many more than the limits say may be in flight.
func (l *limiter) take(id string, n, spare int) (release func(), _ *refusal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	c := l.caller(id, now)
	switch {
	case l.limits.CallerInFlight > 0 && c.inFlight+n > l.limits.CallerInFlight+spare:
		return nil, &refusal{refusedInFlight, "you have too many calls in flight", inFlightWait}
	case l.limits.TotalInFlight > 0 && l.inFlight+n > l.limits.TotalInFlight+spare:
		return nil, &refusal{refusedInFlight, "the server has too many calls in flight", inFlightWait}
	}
	// The caller's allowance comes first: what it is refused for takes nothing
	// from the others.
	if wait := reserve(c.rate, n, now); wait > 0 {
		return nil, &refusal{refusedRate, "you make too many calls", wait}
	}
	if wait := reserve(l.total, n, now); wait > 0 {
		return nil, &refusal{refusedRate, "the server gets too many calls", wait}
	}
	c.inFlight += n
	l.inFlight += n
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		c.inFlight -= n
		l.inFlight -= n
	}, nil
}

// reserve takes n calls from an allowance, or returns how long to wait: for ever,
// if it never has as many.
func reserve(r *rate.Limiter, n int, now time.Time) time.Duration {
	reservation := r.ReserveN(now, n)
	wait := reservation.DelayFrom(now)
	if wait > 0 {
		reservation.CancelAt(now)
	}
	return wait
}

// caller returns what is known of a caller, and forgets others.
func (l *limiter) caller(id string, now time.Time) *callerState {
	if len(l.callers) >= maxCallers || now.Sub(l.swept) > rememberFor {
		l.swept = now
		for other, c := range l.callers {
			if c.inFlight == 0 && (now.Sub(c.seen) > rememberFor || len(l.callers) >= maxCallers) {
				delete(l.callers, other)
			}
		}
	}
	c := l.callers[id]
	if c == nil {
		c = &callerState{rate: newRate(l.limits.CallerRate)}
		l.callers[id] = c
	}
	c.seen = now
	return c
}
