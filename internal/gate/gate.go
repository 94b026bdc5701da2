// Package gate keeps callers that nobody knows from taking all of the platform's
// time: anybody can make up a thousand keys, and have each ask for much.
package gate

import (
	"context"
	"net/http"
	"sync"
	"time"
)

const (
	// Most is how many requests of unknown callers are with the platform at a time.
	Most = 16
	// maxWait is how long a request waits for its turn, and retryAfter when its
	// caller is told to come again.
	maxWait    = 10 * time.Second
	retryAfter = 2 * time.Second
)

// An Error says that a request was not sent, as its turn has not come.
type Error struct{}

func (*Error) Error() string {
	return "too many callers whose keys POLT has not accepted yet are waiting for it: nothing was sent"
}

// RetryAfter returns when to try again.
func (*Error) RetryAfter() time.Duration { return retryAfter }

// A Caller is who makes a request.
type Caller struct {
	// ID tells callers apart; nobody's requests, such as the server's own, pass.
	ID string
	// Known says that the platform knows the caller.
	Known bool
}

// A Gate lets the requests of unknown callers through to the platform, a few at a
// time: one of each caller in turn. Those of known callers pass.
type Gate struct {
	caller func(context.Context) Caller

	mu    sync.Mutex
	free  int
	turns []*turn // the callers that wait, the next first
}

// turn is what waits of a caller.
type turn struct {
	caller string
	queue  []chan struct{} // each closed when its request may pass
}

// New returns a gate. caller tells who makes the request that a context belongs
// to.
func New(caller func(context.Context) Caller) *Gate { return &Gate{caller: caller, free: Most} }

// Transport returns a transport whose requests go through the gate.
func (g *Gate) Transport(next http.RoundTripper) http.RoundTripper { return &transport{next, g} }

type transport struct {
	next http.RoundTripper
	gate *Gate
}

// RoundTrip waits for its turn. The platform has done its work when the response
// begins.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	c := t.gate.caller(r.Context())
	if c.ID == "" || c.Known {
		return t.next.RoundTrip(r)
	}
	if err := t.gate.enter(r.Context(), c.ID); err != nil {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, err
	}
	defer t.gate.leave()
	return t.next.RoundTrip(r)
}

// CloseIdleConnections lets a client close what the transport below keeps open.
func (t *transport) CloseIdleConnections() {
	if c, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

func (g *Gate) enter(ctx context.Context, caller string) error {
	g.mu.Lock()
	if g.free > 0 {
		g.free--
		g.mu.Unlock()
		return nil
	}
	pass := make(chan struct{})
	g.wait(caller, pass)
	g.mu.Unlock()
	timer := time.NewTimer(maxWait)
	defer timer.Stop()
	err := error(&Error{})
	select {
	case <-pass:
		return nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-timer.C:
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-pass: // just now
		g.next()
	default:
		g.forget(caller, pass)
	}
	return err
}

// wait adds a request to those that wait. mu is held.
func (g *Gate) wait(caller string, pass chan struct{}) {
	for _, t := range g.turns {
		if t.caller == caller {
			t.queue = append(t.queue, pass)
			return
		}
	}
	g.turns = append(g.turns, &turn{caller, []chan struct{}{pass}})
}

// forget removes a request that waits no more. mu is held.
func (g *Gate) forget(caller string, pass chan struct{}) {
	for i, t := range g.turns {
		if t.caller != caller {
			continue
		}
		for j, each := range t.queue {
			if each == pass {
				t.queue = append(t.queue[:j], t.queue[j+1:]...)
				break
			}
		}
		if len(t.queue) == 0 {
			g.turns = append(g.turns[:i], g.turns[i+1:]...)
		}
		return
	}
}

func (g *Gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.next()
}

// next lets the next one pass, or has a place free. mu is held.
func (g *Gate) next() {
	if len(g.turns) == 0 {
		g.free++
		return
	}
	t := g.turns[0]
	g.turns = g.turns[1:]
	close(t.queue[0])
	if t.queue = t.queue[1:]; len(t.queue) > 0 {
		g.turns = append(g.turns, t) // after the others
	}
}
