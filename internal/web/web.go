// Package web serves MCP over HTTP: streamable HTTP, and SSE for older hosts.
//
// It keeps nothing between requests: each carries its caller's key, so any
// number of copies can serve behind a load balancer. The one exception is an
// SSE stream, whose messages must reach the copy that it is open to.
package web

import (
	"context"
	"crypto/rand"
	"errors"
	stdlog "log"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/openpolt/polt-mcp/internal/memory"
	"github.com/openpolt/polt-mcp/internal/rpc"
	"github.com/openpolt/polt-mcp/polt"
)

// Options configure a [Server]. Dispatcher, Ready and Metrics must be set.
type Options struct {
	// Dispatcher answers requests. Its callers should be told apart by [CallerID].
	Dispatcher *rpc.Dispatcher
	// Streamable and SSE say which transports are served: at /mcp, and at /sse
	// with /message.
	Streamable, SSE bool
	// Hosts are the Host headers that are taken; see [Hosts].
	Hosts Hosts
	// Proxies are believed when they say for whom they forward a request; the zero
	// value believes nobody.
	Proxies Proxies
	// CallerToken is what callers must present in X-Polt-Caller-Token; empty
	// asks for nothing.
	CallerToken string
	Limits      Limits
	// Memory is what requests, answers and streams are charged to; nil has no
	// bounds.
	Memory *memory.Budget
	// IsKnown reports whether the platform has accepted a key, so that its caller
	// gets memory before others; nil means that no key is known.
	IsKnown func(polt.Key) bool
	// MaxBody is how many bytes a message may have; 0 means 4 MiB.
	MaxBody int64
	// Drain is how long calls in flight may take at the end; 0 means 10 s.
	Drain time.Duration
	// ShutdownDelay is how long a server that is told to end goes on serving,
	// while it says that it is not ready: for load balancers to notice.
	ShutdownDelay time.Duration
	// Ready reports whether the platform responds, for /readyz?upstream. It is
	// asked once in 10 seconds at the most.
	Ready func(context.Context) error
	// Metrics serves /metrics.
	Metrics http.Handler
	// Separate keeps /metrics off the main handler: it is on [Server.Admin].
	Separate bool
	// Refused is told the reason when a request is refused; nil means nobody is.
	Refused func(reason string)
	Log     zerolog.Logger
}

const (
	defaultMaxBody = 4 << 20
	defaultDrain   = 10 * time.Second
	// headerTimeout and idleTimeout are for clients that hold a connection
	// without using it. There is no timeout for writing: it would cut streams.
	headerTimeout = 5 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 32 << 10
	// answerPatience is how long a call that was not cut off at the end may take to
	// be answered.
	answerPatience = time.Second
	// silentTimeout is how long a server that ends waits for the first byte on
	// a connection.
	silentTimeout = 250 * time.Millisecond
)

// A Server serves MCP over HTTP.
type Server struct {
	options Options
	limiter *limiter
	health  *health
	streams *streams

	refusedLog *refusedLog
	main       http.Handler
	admin      http.Handler

	idPrefix string // of the requests' ids; another for each server
	requests atomic.Uint64
	hinted   atomic.Bool // by hintAtProxy
}

// New returns a server.
func New(o Options) *Server {
	if o.MaxBody <= 0 {
		o.MaxBody = defaultMaxBody
	}
	if o.Drain <= 0 {
		o.Drain = defaultDrain
	}
	if o.IsKnown == nil {
		o.IsKnown = func(polt.Key) bool { return false }
	}
	if o.Refused == nil {
		o.Refused = func(string) {}
	}
	s := &Server{options: o, limiter: newLimiter(o.Limits), health: newHealth(o.Ready), refusedLog: newRefusedLog(o.Log), idPrefix: strings.ToLower(rand.Text()[:12])}
	s.streams = newStreams(s)

	admin := routes{
		"/healthz": {http.MethodGet, http.HandlerFunc(s.health.live)},
		"/readyz":  {http.MethodGet, http.HandlerFunc(s.health.ready)},
		"/metrics": {http.MethodGet, o.Metrics},
	}
	s.admin = admin
	main := routes{"/": {http.MethodGet, http.HandlerFunc(s.home)}}
	maps.Copy(main, admin) // load balancers look at what callers would
	// What callers do, and how much, is for those who may call at the most.
	main["/metrics"] = route{http.MethodGet, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.admits(w, r) {
			o.Metrics.ServeHTTP(w, r)
		}
	})}
	if o.Separate {
		delete(main, "/metrics")
	}
	if o.Streamable {
		main[StreamablePath] = route{http.MethodPost, s.messages(s.post, nil)}
	}
	if o.SSE {
		main[SSEPath] = route{http.MethodGet, http.HandlerFunc(s.streams.serve)}
		main[messagePath] = route{http.MethodPost, s.messages(s.streams.message, s.streams.refused)}
	}
	s.main = s.recovered(s.identified(s.guarded(main)))
	return s
}

// Handler returns what serves callers.
func (s *Server) Handler() http.Handler { return s.main }

// Admin returns what serves /healthz, /readyz and /metrics, without a guard:
// it is for an address of its own, which only operators reach.
func (s *Server) Admin() http.Handler { return s.admin }

// Serve serves callers on a listener until ctx is done, and then ends in good
// order: it says that it is not ready, serves on for the shutdown delay, takes
// no more connections, answers the calls in flight and closes the streams. It
// returns nil after that.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	hs := NewHTTPServer(s.main)
	hs.ErrorLog = stdlog.New(connectionErrors{s.options.Log}, "", 0)
	toldBy := ctx
	ctx, told := context.WithoutCancel(ctx), ctx.Done()
	calls, cancelCalls := context.WithCancel(ctx)
	defer cancelCalls()
	hs.BaseContext = func(net.Listener) context.Context { return calls }
	served := make(chan error, 1)
	go func() { served <- hs.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-told:
	}
	began := time.Now()
	s.options.Log.Info().AnErr("reason", context.Cause(toldBy)).Stringer("shutdown_delay", s.options.ShutdownDelay).Stringer("drain", s.options.Drain).Msg("stopping")
	defer func() {
		s.refusedLog.flush()
		s.options.Log.Info().Stringer("took", time.Since(began).Round(time.Millisecond)).Msg("stopped")
	}()
	s.health.end()
	if s.options.ShutdownDelay > 0 {
		select {
		case <-time.After(s.options.ShutdownDelay):
		case err := <-served:
			return err
		}
	}
	patience, cancel := context.WithTimeout(ctx, s.options.Drain)
	defer cancel()
	// Before the drain time is over, so that calls answer what they know, such
	// as that an outcome is unknown.
	defer time.AfterFunc(s.options.Drain-s.options.Drain/5, cancelCalls).Stop()
	go s.streams.close()
	err := hs.Shutdown(patience)
	if errors.Is(err, context.DeadlineExceeded) && s.options.Dispatcher.AwaitProtected() {
		patience, cancel := context.WithTimeout(ctx, answerPatience)
		defer cancel()
		err = hs.Shutdown(patience)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		s.options.Log.Warn().Stringer("drain", s.options.Drain).Msg("calls were still in flight after the drain time and were cancelled")
		err = hs.Close()
	}
	return err
}
