package web

import (
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits bound what callers may ask for. A zero is no limit.
//
// Messages that hosts send to connect (see [isConnecting]) do not use up what is
// meant for calls. They have limits of their own: as many in flight, and
// connectFactor times as many a second, but never so few that a host could not
// connect.
type Limits struct {
	CallerRate     float64 // calls a second of one caller; twice that may come at once
	CallerInFlight int     // calls of one caller that run at a time
	TotalRate      float64 // calls a second in all
	TotalInFlight  int     // calls that run at a time in all
}

const (
	// connectFactor is how many messages of connecting weigh as much as a call.
	connectFactor = 10
	// leastConnectRate is how many of them a second are always allowed.
	leastConnectRate = 50

	maxCallers   = 100_000
	rememberFor  = time.Minute // by then a caller's allowance is whole again
	inFlightWait = time.Second // what a caller with too many calls is told to wait
)

// limiter keeps callers within the limits. It remembers a caller for as long
// as that matters, and no more callers than maxCallers.
type limiter struct {
	limits Limits

	mu      sync.Mutex
	total   lanes
	callers map[string]*callerState
	swept   time.Time
}

// lanes are what is counted of a caller, or of all.
type lanes struct{ calls, connects lane }

type lane struct {
	rate     *rate.Limiter
	inFlight int
}

type callerState struct {
	lanes
	seen time.Time
}

func newLimiter(l Limits) *limiter {
	return &limiter{limits: l, total: newLanes(l.TotalRate), callers: map[string]*callerState{}}
}

func newLanes(callRate float64) lanes {
	return lanes{calls: lane{rate: newRate(callRate)}, connects: lane{rate: newRate(connectRate(callRate))}}
}

func connectRate(callRate float64) float64 {
	if callRate <= 0 {
		return 0
	}
	return max(connectFactor*callRate, leastConnectRate)
}

func newRate(perSecond float64) *rate.Limiter {
	if perSecond <= 0 {
		return rate.NewLimiter(rate.Inf, 0)
	}
	return rate.NewLimiter(rate.Limit(perSecond), int(math.Ceil(2*perSecond)))
}

// take lets what a caller has sent at once in, until release is called, or
// refuses it all.
func (l *limiter) take(id string, n charge) (release func(), _ *refusal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	c := l.caller(id, now)
	// The caller's limits come first: what it is refused for takes nothing from
	// the others.
	all := [...]struct {
		lane  *lane
		n     int
		limit limit
	}{
		{&c.calls, n.calls, limit{ofCaller, calls, l.limits.CallerRate, l.limits.CallerInFlight}},
		{&c.connects, n.connects, limit{ofCaller, connects, connectRate(l.limits.CallerRate), l.limits.CallerInFlight}},
		{&l.total.calls, n.calls, limit{ofAll, calls, l.limits.TotalRate, l.limits.TotalInFlight}},
		{&l.total.connects, n.connects, limit{ofAll, connects, connectRate(l.limits.TotalRate), l.limits.TotalInFlight}},
	}
	for i := range all {
		if each := &all[i]; each.n > 0 && each.limit.inFlight > 0 && each.lane.inFlight+each.n > each.limit.inFlight {
			return nil, each.limit.inFlightRefusal(each.n)
		}
	}
	var reserved [len(all)]*rate.Reservation
	for i := range all {
		each := &all[i]
		if each.n == 0 || each.limit.rate <= 0 {
			continue
		}
		reserved[i] = each.lane.rate.ReserveN(now, each.n)
		wait := reserved[i].DelayFrom(now)
		if wait == 0 {
			continue
		}
		for _, r := range reserved {
			if r != nil {
				r.CancelAt(now)
			}
		}
		return nil, each.limit.rateRefusal(wait)
	}
	c.add(n, 1)
	l.total.add(n, 1)
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		c.add(n, -1)
		l.total.add(n, -1)
	}, nil
}

// add counts what has begun (by 1) or ended (by -1).
func (l *lanes) add(n charge, by int) {
	l.calls.inFlight += by * n.calls
	l.connects.inFlight += by * n.connects
}

// caller returns what is known of a caller, and forgets others.
func (l *limiter) caller(id string, now time.Time) *callerState {
	if len(l.callers) >= maxCallers || now.Sub(l.swept) > rememberFor {
		l.swept = now
		for other, c := range l.callers {
			if c.calls.inFlight+c.connects.inFlight == 0 && (now.Sub(c.seen) > rememberFor || len(l.callers) >= maxCallers) {
				delete(l.callers, other)
			}
		}
	}
	c := l.callers[id]
	if c == nil {
		c = &callerState{lanes: newLanes(l.limits.CallerRate)}
		l.callers[id] = c
	}
	c.seen = now
	return c
}
