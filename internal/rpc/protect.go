package rpc

import (
	"context"
	"sync"
	"time"
)

// Protect makes a shutdown wait for the request that ctx belongs to until release
// is called, for a response that must not be lost. The request must have its own
// timeout.
func Protect(ctx context.Context) (release func()) {
	s, ok := ctx.Value(stateKey{}).(*state)
	if !ok {
		return func() {}
	}
	s.protected.begin()
	return sync.OnceFunc(s.protected.end)
}

// protection counts the requests that a shutdown must wait for.
type protection struct {
	mu   sync.Mutex
	n    int
	idle chan struct{} // closed when n drops to 0
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

// maxProtected is how long a shutdown waits for them. Their own timeouts are
// shorter by default.
const maxProtected = 2 * time.Minute

// wait waits for the requests, and reports whether there were any.
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

// AwaitProtected waits for the requests without a session that are under
// [Protect], for at most two minutes. It reports whether there were any.
func (d *Dispatcher) AwaitProtected() bool { return d.protected.wait() }
