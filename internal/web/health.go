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
	// probeEvery is how long the result of a probe of the platform is cached.
	probeEvery   = 10 * time.Second
	probeTimeout = 5 * time.Second
)

// health serves liveness and readiness, and probes the platform.
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

// ready serves readiness. It probes the platform only with ?upstream: otherwise
// an outage of the platform would take every replica out of a load balancer, and
// callers would get the balancer's error instead of ours, which says what to do.
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

// upstream probes the platform, at most once per probeEvery, and returns the
// latest result.
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
