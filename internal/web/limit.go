package web

import (
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits limit the calls of callers. Zero means no limit.
//
// Messages that hosts send to connect (see [isConnecting]) do not count as calls.
// They have limits of their own: as many in flight, and connectFactor times the
// rate, but at least leastConnectRate.
type Limits struct {
	CallerRate     float64 // calls per second of one caller; bursts may be twice that
	CallerInFlight int     // concurrent calls of one caller
	TotalRate      float64 // calls per second in total; bursts may be twice that
	TotalInFlight  int     // concurrent calls in total
}

const (
	// connectFactor is the ratio of the rates of connecting messages and calls.
	connectFactor = 10
	// leastConnectRate is the minimum limit of connecting messages per second.
	leastConnectRate = 50

	maxCallers   = 100_000
	rememberFor  = time.Minute // a caller's allowance has been refilled by then
	inFlightWait = time.Second // Retry-After for a caller with too many calls in flight
)

// limiter enforces the limits. It forgets callers that are idle for rememberFor,
// and all idle ones when there are maxCallers.
type limiter struct {
	limits Limits

	mu      sync.Mutex
	total   lanes
	callers map[string]*callerState
	swept   time.Time
}

// lanes are the counters of one caller, or of all together.
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

// take admits a caller's input as a whole, until release is called, or returns
// why not.
func (l *limiter) take(id string, n charge) (release func(), _ *refusal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	c := l.caller(id, now)
	// The caller's limits are checked first, so that its rejected messages do not
	// use up the total.
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

// add counts messages that start (by 1) or end (by -1).
func (l *lanes) add(n charge, by int) {
	l.calls.inFlight += by * n.calls
	l.connects.inFlight += by * n.connects
}

// caller returns the state of a caller, and removes those of idle ones.
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
