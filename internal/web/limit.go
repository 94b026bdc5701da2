package web

import (
	"maps"
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
	Callers        int     // callers that are remembered; 0 means 100,000
}

const (
	// connectFactor is the ratio of the rates of connecting messages and calls.
	connectFactor = 10
	// leastConnectRate is the minimum limit of connecting messages per second.
	leastConnectRate = 50

	defaultCallers = 100_000
	sweepInterval  = time.Minute
	inFlightWait   = time.Second // Retry-After for a caller with too many calls in flight
)

// limiter enforces the limits. It forgets callers that are idle and have their whole
// allowance, as if they had never come. If there are too many others, it forgets all
// that are idle.
type limiter struct {
	limits Limits

	mu      sync.Mutex
	total   lanes
	callers map[string]*lanes
	swept   time.Time
}

// lanes are the counters of one caller, or of all together.
type lanes struct{ calls, connects lane }

type lane struct {
	rate     *rate.Limiter
	inFlight int
}

func newLimiter(l Limits) *limiter {
	if l.Callers <= 0 {
		l.Callers = defaultCallers
	}
	return &limiter{limits: l, total: newLanes(l.TotalRate), callers: map[string]*lanes{}}
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

// caller returns the lanes of a caller.
func (l *limiter) caller(id string, now time.Time) *lanes {
	if len(l.callers) >= l.limits.Callers || now.Sub(l.swept) > sweepInterval {
		l.swept = now
		l.forget(func(c *lanes) bool { return c.isIdle() && c.calls.isFull(now) && c.connects.isFull(now) })
		if len(l.callers) >= l.limits.Callers {
			l.forget((*lanes).isIdle)
		}
	}
	c := l.callers[id]
	if c == nil {
		lanes := newLanes(l.limits.CallerRate)
		c = &lanes
		l.callers[id] = c
	}
	return c
}

func (l *limiter) forget(which func(*lanes) bool) {
	maps.DeleteFunc(l.callers, func(_ string, c *lanes) bool { return which(c) })
}

func (l *lanes) isIdle() bool { return l.calls.inFlight+l.connects.inFlight == 0 }

// isFull reports whether nothing of the allowance is used up.
func (l *lane) isFull(now time.Time) bool {
	return l.rate.Limit() == rate.Inf || l.rate.TokensAt(now) >= float64(l.rate.Burst())
}
