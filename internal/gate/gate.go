// Package gate limits the concurrent platform requests of callers whose keys the
// platform has not accepted yet, as anybody can make up thousands of keys.
package gate

import (
	"context"
	"net/http"
	"sync"
	"time"
)

const (
	// Most limits the concurrent requests of all unknown callers together.
	Most = 16
	// maxWait is how long a request waits for its turn, and retryAfter what its
	// caller is told after that.
	maxWait    = 10 * time.Second
	retryAfter = 2 * time.Second
)

// An Error means that a request was not sent, because its turn did not come in
// time.
type Error struct{}

func (*Error) Error() string {
	return "too many callers whose keys POLT has not accepted yet are waiting for it: nothing was sent"
}

// RetryAfter returns how long to wait before a retry.
func (*Error) RetryAfter() time.Duration { return retryAfter }

// A Caller is the sender of a request.
type Caller struct {
	// ID identifies the caller. It is "" for requests without one, such as the
	// server's own, which are not limited.
	ID string
	// Known means that the platform has accepted the caller's key.
	Known bool
}

// A Gate limits the concurrent requests of unknown callers to [Most]. Those that
// wait are served round-robin by caller. Known callers are not limited.
type Gate struct {
	caller func(context.Context) Caller

	mu    sync.Mutex
	free  int
	turns []*turn // the callers with waiting requests; next first
}

// turn is the queue of a caller's waiting requests.
type turn struct {
	caller string
	queue  []chan struct{} // each closed when its request may proceed
}

// New returns a gate. caller returns the caller of the request that a context
// belongs to.
func New(caller func(context.Context) Caller) *Gate { return &Gate{caller: caller, free: Most} }

type callerKey struct{}

// WithCaller returns a context whose requests are the caller's, whatever the
// function passed to [New] returns for it.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// Transport returns a transport whose requests wait at the gate.
func (g *Gate) Transport(next http.RoundTripper) http.RoundTripper { return &transport{next, g} }

type transport struct {
	next http.RoundTripper
	gate *Gate
}

// RoundTrip waits for its turn, which ends with the response's header: by then the
// platform has done its work.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	c, ok := r.Context().Value(callerKey{}).(Caller)
	if !ok {
		c = t.gate.caller(r.Context())
	}
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

// CloseIdleConnections forwards to the wrapped transport.
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
	case <-pass: // granted just now
		g.next()
	default:
		g.forget(caller, pass)
	}
	return err
}

// wait queues a request. The caller holds mu.
func (g *Gate) wait(caller string, pass chan struct{}) {
	for _, t := range g.turns {
		if t.caller == caller {
			t.queue = append(t.queue, pass)
			return
		}
	}
	g.turns = append(g.turns, &turn{caller, []chan struct{}{pass}})
}

// forget removes a request from its queue. The caller holds mu.
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

// next passes a slot to the next request, or frees it. The caller holds mu.
func (g *Gate) next() {
	if len(g.turns) == 0 {
		g.free++
		return
	}
	t := g.turns[0]
	g.turns = g.turns[1:]
	close(t.queue[0])
	if t.queue = t.queue[1:]; len(t.queue) > 0 {
		g.turns = append(g.turns, t) // round-robin
	}
}
