package rpc

import (
	"context"
	"sync"
	"time"
)

// Protect keeps the end of the server from cutting the request off that ctx
// belongs to, until release is called: what it learns is lost where it is not
// answered. The request must have a limit of its own.
func Protect(ctx context.Context) (release func()) {
	s, ok := ctx.Value(stateKey{}).(*state)
	if !ok {
		return func() {}
	}
	s.protected.begin()
	return sync.OnceFunc(s.protected.end)
}

// protection counts requests that must not be cut off.
type protection struct {
	mu   sync.Mutex
	n    int
	idle chan struct{} // closed when there is none any more
}

func (p *protection) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.n++; p.n == 1 {
		p.idle = make(chan struct{})
	}
}

func (p *protection) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.n--; p.n == 0 {
		close(p.idle)
	}
}

// maxProtected is how long the end waits for such requests. They have limits of
// their own, which are shorter by default.
const maxProtected = 2 * time.Minute

// wait waits until there are none, and reports whether there were any.
func (p *protection) wait() bool {
	p.mu.Lock()
	n, idle := p.n, p.idle
	p.mu.Unlock()
	if n == 0 {
		return false
	}
	timer := time.NewTimer(maxProtected)
	defer timer.Stop()
	select {
	case <-idle:
	case <-timer.C:
	}
	return true
}

// AwaitProtected waits for the requests without a session that [Protect] keeps
// from being cut off, and reports whether there were any.
func (d *Dispatcher) AwaitProtected() bool { return d.protected.wait() }
