// Package web serves MCP over HTTP: streamable HTTP, and SSE for older hosts.
//
// It is stateless: each request carries its caller's key, so any number of
// replicas can serve behind a load balancer. The one exception is an SSE stream,
// whose messages must reach the replica that serves it.
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
)

// Options configure a [Server]. Dispatcher, Ready and Metrics must be set.
type Options struct {
	// Dispatcher answers requests. Its Caller option should be [CallerID].
	Dispatcher *rpc.Dispatcher
	// Streamable and SSE enable the transports: /mcp, and /sse with /message.
	Streamable, SSE bool
	// Hosts are the allowed Host and Origin headers.
	Hosts Hosts
	// Proxies are the trusted proxies; the zero value trusts none.
	Proxies Proxies
	// CallerToken must be sent by callers in X-Polt-Caller-Token; "" requires
	// nothing.
	CallerToken string
	Limits      Limits
	// Memory is the budget for requests, responses and streams; nil is unlimited.
	Memory *memory.Budget
	// IsKnown reports whether the caller of a request is known, such as by a key that
	// the platform has accepted, which gives it priority for memory; nil means that no
	// caller is.
	IsKnown func(context.Context) bool
	// MaxBody limits a request body, in bytes; 0 means 4 MiB.
	MaxBody int64
	// Drain is how long a shutdown waits for calls in flight; 0 means 10 s.
	Drain time.Duration
	// ShutdownDelay is how long a shutdown keeps serving while /readyz fails, for
	// load balancers to notice.
	ShutdownDelay time.Duration
	// Ready probes the platform, for /readyz?upstream. It is called at most every
	// 10 seconds.
	Ready func(context.Context) error
	// Metrics serves /metrics.
	Metrics http.Handler
	// Separate serves /metrics only on [Server.Admin].
	Separate bool
	// Refused is called with the reason for each rejected request; optional.
	Refused func(reason string)
	Log     zerolog.Logger
}

const (
	defaultMaxBody = 4 << 20
	defaultDrain   = 10 * time.Second
	// headerTimeout and idleTimeout close unused connections. There is no global
	// write timeout, which would cut streams: see writeTimeout.
	headerTimeout = 5 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 32 << 10
	// answerPatience is how long a shutdown waits for the responses of protected
	// calls (see [rpc.Protect]).
	answerPatience = time.Second
	// silentTimeout is how long a shutdown waits for the first byte on a
	// connection.
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

	idPrefix string // of request ids; random for each server
	requests atomic.Uint64
	hinted   atomic.Bool // hintAtProxy has logged

	hintedAtDisagreement atomic.Bool
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
		o.IsKnown = func(context.Context) bool { return false }
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
	maps.Copy(main, admin) // load balancers probe the address that callers use
	// Metrics show what callers do, so they require the caller token.
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

// Handler returns the handler for callers.
func (s *Server) Handler() http.Handler { return s.main }

// Admin returns the handler of /healthz, /readyz and /metrics without any checks,
// for a separate address that only operators can reach.
func (s *Server) Admin() http.Handler { return s.admin }

// Serve serves callers on a listener until ctx is done, and then shuts down
// gracefully: /readyz fails, Serve keeps serving for the shutdown delay, accepts
// no more connections, waits for the calls in flight and closes the streams. Then
// it returns nil.
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
	// Cancel before the drain time is over, so that calls still answer what they
	// know, such as outcome_unknown.
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
