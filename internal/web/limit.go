package web

import (
	"math"
	"strconv"
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
	tooManyInFlight = refusal{refusedInFlight, "you, or all callers, have too many calls in flight", inFlightWait}
	tooManyStreams  = refusal{refusedInFlight, "you, or all callers, have too many streams open", inFlightWait}
)

func (r *refusal) retryAfter() string {
	return strconv.Itoa(max(1, int(math.Ceil(r.wait.Seconds()))))
}

// take lets a call in, until release is called, or refuses it. spare is how many
// more than the limits say may be in flight.
func (l *limiter) take(id string, spare int) (release func(), _ *refusal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	c := l.caller(id, now)
	switch {
	case l.limits.CallerInFlight > 0 && c.inFlight >= l.limits.CallerInFlight+spare:
		return nil, &refusal{refusedInFlight, "you have too many calls in flight", inFlightWait}
	case l.limits.TotalInFlight > 0 && l.inFlight >= l.limits.TotalInFlight+spare:
		return nil, &refusal{refusedInFlight, "the server has too many calls in flight", inFlightWait}
	}
	// The caller's allowance comes first: what it is refused for takes nothing
	// from the others.
	if wait := reserve(c.rate, now); wait > 0 {
		return nil, &refusal{refusedRate, "you make too many calls", wait}
	}
	if wait := reserve(l.total, now); wait > 0 {
		return nil, &refusal{refusedRate, "the server gets too many calls", wait}
	}
	c.inFlight++
	l.inFlight++
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		c.inFlight--
		l.inFlight--
	}, nil
}

// isOver reports whether a caller has more calls in flight than it may, or all
// have, as only a spare place lets them.
func (l *limiter) isOver(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.callers[id]
	return c != nil && l.limits.CallerInFlight > 0 && c.inFlight > l.limits.CallerInFlight ||
		l.limits.TotalInFlight > 0 && l.inFlight > l.limits.TotalInFlight
}

// reserve takes one call from an allowance, or returns how long to wait.
func reserve(r *rate.Limiter, now time.Time) time.Duration {
	reservation := r.ReserveN(now, 1)
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
