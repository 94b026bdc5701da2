package watch

import (
	"context"
	"errors"
	"sync"
)

// A Caller is one of many callers that watch.
type Caller struct {
	// ID identifies the caller.
	ID string
	// IsKnown reports whether the platform has accepted the caller's key; nil means
	// that it has. It may block, and is only called once a limit for unknown callers
	// is reached.
	IsKnown func(context.Context) bool
}

// Errors of [Hub.WatchAs].
var (
	// ErrCallerTooMany is returned if a caller has reached Options.MaxOfCaller.
	ErrCallerTooMany = errors.New("the caller watches as many targets as it may")
	// ErrUnknownTooMany is returned if an unknown caller would exceed
	// Options.MaxOfUnknown, or all of them together half of Options.MaxTargets.
	ErrUnknownTooMany = errors.New("callers that are not known watch as many targets as they may")
)

const (
	defaultMaxOfCaller  = 200
	defaultMaxOfUnknown = 20
)

// callers counts the targets that each caller watches. A target counts once per
// caller, however many watches it has.
type callers struct {
	maxOfCaller  int
	maxOfUnknown int // per caller, before IsKnown is called
	maxUnknown   int // of all callers together, before IsKnown is called

	mu      sync.Mutex
	all     map[string]map[any]*share
	unknown int // targets counted without a call of IsKnown
}

// share is a caller's watches of a target.
type share struct {
	watches int
	unknown bool // counted in callers.unknown
}

func newCallers(o Options) *callers {
	return &callers{
		maxOfCaller: o.MaxOfCaller, maxOfUnknown: o.MaxOfUnknown, maxUnknown: o.MaxTargets / 2,
		all: map[string]map[any]*share{},
	}
}

// take counts a caller's watch until giveBack is called, or returns an error if it
// exceeds a limit.
func (c *callers) take(ctx context.Context, caller Caller, id any) (giveBack func(), err error) {
	isKnown := false
	for {
		c.mu.Lock()
		targets := c.all[caller.ID]
		s := targets[id]
		switch {
		case s != nil:
		case len(targets) >= c.maxOfCaller:
			c.mu.Unlock()
			return nil, ErrCallerTooMany
		case isKnown:
			s = &share{}
		case len(targets) < c.maxOfUnknown && c.unknown < c.maxUnknown:
			s = &share{unknown: true}
			c.unknown++
		default:
			c.mu.Unlock()
			if caller.IsKnown != nil && !caller.IsKnown(ctx) {
				return nil, ErrUnknownTooMany
			}
			isKnown = true
			continue // the counts may have changed meanwhile
		}
		if targets == nil {
			targets = map[any]*share{}
			c.all[caller.ID] = targets
		}
		targets[id] = s
		s.watches++
		c.mu.Unlock()
		return sync.OnceFunc(func() { c.leave(caller.ID, id) }), nil
	}
}

func (c *callers) leave(caller string, id any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	targets := c.all[caller]
	s := targets[id]
	if s.watches--; s.watches > 0 {
		return
	}
	if s.unknown {
		c.unknown--
	}
	if delete(targets, id); len(targets) == 0 {
		delete(c.all, caller)
	}
}

// WatchAs is [Hub.WatchState] with limits for each caller.
func (h *Hub) WatchAs(ctx context.Context, caller Caller, t Target, changed func(state []byte)) (last []byte, stop func(), err error) {
	giveBack, err := h.callers.take(ctx, caller, t.ID)
	if err != nil {
		return nil, nil, err
	}
	isWatched := false
	defer func() { // also on a panic
		if !isWatched {
			giveBack()
		}
	}()
	last, end, err := h.WatchState(ctx, t, changed)
	if err != nil {
		return nil, nil, err
	}
	isWatched = true
	return last, func() {
		end()
		giveBack()
	}, nil
}
