package web

import (
	"context"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// probeEvery is how long an answer to whether the platform is there counts.
	probeEvery   = 10 * time.Second
	probeTimeout = 5 * time.Second
)

// health answers whether the process lives, whether it should be sent calls,
// and whether the platform responds.
type health struct {
	probe func(context.Context) error
	ended atomic.Bool

	mu     sync.Mutex
	probed time.Time
	err    error
}

func newHealth(probe func(context.Context) error) *health { return &health{probe: probe} }

func (h *health) end()         { h.ended.Store(true) }
func (h *health) ending() bool { return h.ended.Load() }

func (h *health) live(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") }

// ready answers whether this process can serve. The platform is asked only with
// ?upstream: were an outage of it to take every replica out of a load balancer,
// callers would get the balancer's error, and not the one that says what to do.
func (h *health) ready(w http.ResponseWriter, r *http.Request) {
	if h.ending() {
		http.Error(w, "shutting down", http.StatusServiceUnavailable)
		return
	}
	if r.URL.Query().Has("upstream") {
		if err := h.upstream(r.Context()); err != nil {
			http.Error(w, "POLT does not respond", http.StatusServiceUnavailable)
			return
		}
	}
	_, _ = io.WriteString(w, "ok\n")
}

// upstream reports whether the platform answers. However many ask at once, it
// is asked once.
func (h *health) upstream(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.probed.IsZero() || time.Since(h.probed) >= probeEvery {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), probeTimeout)
		defer cancel()
		h.err = h.probe(ctx)
		h.probed = time.Now()
	}
	return h.err
}
