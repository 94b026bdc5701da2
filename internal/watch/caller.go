package watch

import (
	"context"
	"errors"
	"sync"
)

// A Caller is one of many who watch.
type Caller struct {
	// ID tells callers apart.
	ID string
	// IsKnown reports whether the platform knows the caller. It may take its time,
	// and is asked only where a caller watches much, or all together do.
	IsKnown func(context.Context) bool
}

// Errors of [Hub.WatchAs].
var (
	// ErrCallerTooMany is returned where a caller watches as many targets as it may.
	ErrCallerTooMany = errors.New("the caller watches as many targets as it may")
	// ErrUnknownTooMany is returned where a caller whom the platform does not know
	// would watch more than such callers may.
	ErrUnknownTooMany = errors.New("callers that are not known watch as many targets as they may")
)

const (
	defaultMaxOfCaller  = 200
	defaultMaxOfUnknown = 20
)

// callers counts what each caller watches, by target: however often, and under
// whatever name, one and the same target counts once.
type callers struct {
	maxOfCaller  int
	maxOfUnknown int // of each caller that is not known to be known
	maxUnknown   int // of all those together

	mu      sync.Mutex
	all     map[string]map[any]*share
	unknown int // targets that are watched without being asked whether the caller is known
}

// share is a caller's watches of a target.
type share struct {
	watches int
	unknown bool // it is one of those that count in unknown
}

func newCallers(o Options) *callers {
	return &callers{
		maxOfCaller: o.MaxOfCaller, maxOfUnknown: o.MaxOfUnknown, maxUnknown: o.MaxThings / 2,
		all: map[string]map[any]*share{},
	}
}

// take counts a watch, until it is given back, if the caller may have it.
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
			continue // the rest may have changed meanwhile
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

// WatchAs is [Hub.WatchState] for one of many callers, each of whom may watch only
// so much at a time.
func (h *Hub) WatchAs(ctx context.Context, caller Caller, t Target, changed func(state []byte)) (last []byte, stop func(), err error) {
	giveBack, err := h.callers.take(ctx, caller, t.ID)
	if err != nil {
		return nil, nil, err
	}
	isWatched := false
	defer func() { // also where it panics
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
