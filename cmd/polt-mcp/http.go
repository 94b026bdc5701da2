package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/rs/zerolog"

	"github.com/openpolt/polt-mcp/internal/agents"
	"github.com/openpolt/polt-mcp/internal/credentials"
	"github.com/openpolt/polt-mcp/internal/gate"
	"github.com/openpolt/polt-mcp/internal/memory"
	"github.com/openpolt/polt-mcp/internal/rpc"
	"github.com/openpolt/polt-mcp/internal/telemetry"
	"github.com/openpolt/polt-mcp/internal/web"
	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
)

// httpCommand serves many callers, each with its own key.
type httpCommand struct {
	webFlags
	SSE bool `default:"true" negatable:"" help:"Also serve SSE, at /sse and /message, for older hosts."`
}

// Run serves until ctx is done.
func (c *httpCommand) Run(ctx context.Context, env *environment) error {
	return c.serve(ctx, env, true, c.SSE)
}

// sseCommand is httpCommand for older hosts, with SSE only.
type sseCommand struct{ webFlags }

// Run serves until ctx is done.
func (c *sseCommand) Run(ctx context.Context, env *environment) error {
	return c.serve(ctx, env, false, true)
}

type webFlags struct {
	platformFlags
	watchFlags
	memoryFlags
	Addr           string        `default:"127.0.0.1:8080" help:"Address to listen on. Port 0 picks a free port."`
	AdminAddr      string        `placeholder:"ADDR" help:"Serve /metrics on this address instead, without TLS, and /healthz and /readyz there too."`
	TLSCert        string        `name:"tls-cert" placeholder:"FILE" help:"TLS certificate, as PEM. Reloaded when it changes."`
	TLSKey         string        `name:"tls-key" placeholder:"FILE" help:"Private key of the certificate, as PEM."`
	Insecure       bool          `help:"Allow an address that is not loopback without TLS, such as behind a load balancer that terminates it."`
	AllowedHost    []string      `placeholder:"HOST" help:"Additional Host headers to accept; * accepts any."`
	AllowedOrigin  []string      `placeholder:"ORIGIN" help:"Origins of web pages to accept; * accepts any."`
	TrustedProxy   []string      `placeholder:"CIDR" help:"Networks or addresses of the proxies in front, such as 10.0.0.0/8. Their Forwarded or X-Forwarded-For header says which address a caller has."`
	SharedKey      bool          `help:"Use this server's own key for callers that send no Authorization header. Only on loopback, or with --caller-token."`
	CallerToken    string        `placeholder:"SECRET" help:"Secret that callers must send in the X-Polt-Caller-Token header."`
	CallerRate     float64       `default:"50" help:"Maximum calls per second of one caller; 0 is no limit."`
	CallerInFlight int           `default:"64" help:"Maximum calls in flight of one caller; 0 is no limit."`
	TotalRate      float64       `default:"0" help:"Maximum calls per second in total; 0 is no limit."`
	TotalInFlight  int           `default:"1024" help:"Maximum calls in flight in total; 0 is no limit."`
	Drain          time.Duration `default:"10s" help:"How long to wait for calls in flight at shutdown."`
	ShutdownDelay  time.Duration `default:"0s" help:"How long to keep serving, not ready, before shutdown, so that a load balancer notices."`
}

// check rejects settings that would put callers or the key at risk.
func (f *webFlags) check() error {
	if err := checkAddr("addr", f.Addr); err != nil {
		return err
	}
	if f.AdminAddr != "" {
		if err := checkLocalAddr("admin-addr", f.AdminAddr); err != nil {
			return err
		}
	}
	for flag, limit := range map[string]float64{
		"caller-rate": f.CallerRate, "caller-in-flight": float64(f.CallerInFlight),
		"total-rate": f.TotalRate, "total-in-flight": float64(f.TotalInFlight),
	} {
		if !(limit >= 0) || math.IsInf(limit, 1) { // also rejects NaN
			return fmt.Errorf("--%s %v is not a limit: use a number over 0, or 0 for no limit", flag, limit)
		}
	}
	loopback := web.IsLoopback(f.Addr)
	switch {
	case (f.TLSCert == "") != (f.TLSKey == ""):
		return errors.New("--tls-cert and --tls-key go together: set both, or none")
	case !loopback && f.TLSCert == "" && !f.Insecure:
		open := everyInterface("addr", f.Addr)
		if open == "" {
			open = fmt.Sprintf("--addr %s can be reached from other machines. For this machine only, use 127.0.0.1", f.Addr)
		}
		return errors.New(open + ". To serve others, protect their keys by TLS: set --tls-cert and --tls-key or, behind a proxy that terminates TLS, --insecure")
	case f.SharedKey && !loopback && f.CallerToken == "":
		return errors.New("--shared-key lets everyone who reaches this address act with your key: set --caller-token too")
	case f.CallerToken != "" && len(f.CallerToken) < 16:
		return errors.New("--caller-token is shorter than 16 characters: use a longer, random one")
	}
	return f.watchFlags.check()
}

func (f *webFlags) serve(ctx context.Context, env *environment, streamable, sse bool) error {
	if err := f.check(); err != nil {
		return err
	}
	budget, undo, err := f.newBudget(ctx)
	if err != nil {
		return err
	}
	defer undo()
	proxies, err := web.ParseProxies(f.TrustedProxy)
	if err != nil {
		return fmt.Errorf("--trusted-proxy: %w", err)
	}
	log, file, err := f.logFlags.open(env.err)
	if err != nil {
		return err
	}
	tel, telCloser, err := newTelemetry(ctx, log)
	if err != nil {
		return errors.Join(err, file.Close())
	}
	owned := closers{file, telCloser}
	certificate, err := f.certificate(log, tel)
	if err != nil {
		return errors.Join(err, owned.Close())
	}
	defer reloadOnHangup(ctx, file, certificate, log)()
	key, err := f.keyOf(env, log)
	if err != nil {
		return errors.Join(err, owned.Close())
	}
	cache := &agents.Cache{}
	// A caller with the token is trusted.
	isKnownKey := func(key polt.Key) bool { return f.CallerToken != "" || cache.Accepts(key) }
	isKnown := func(ctx context.Context) bool { return isKnownKey(key(ctx)) }
	gated := gate.New(func(ctx context.Context) gate.Caller {
		return gate.Caller{ID: web.CallerID(ctx), Known: isKnown(ctx)}
	})
	// The first watcher of a resource answers for its reads, but they are not made
	// with its key: other callers get what they return.
	watchReads := func(watcher context.Context) func(context.Context) (context.Context, func()) {
		id, key := web.CallerID(watcher), key(watcher)
		return func(ctx context.Context) (context.Context, func()) {
			known := isKnownKey(key)
			account := budget.Open(memory.Caller{ID: id, Known: known})
			return memory.With(gate.WithCaller(ctx, gate.Caller{ID: id, Known: known}), account), account.Close
		}
	}
	identify := func(ctx context.Context, event *zerolog.Event) {
		event.Str("request_id", web.RequestID(ctx)).Str("client", web.CallerID(ctx)).Str("address", web.CallerAddress(ctx))
		identifyAgent(event, cache.Name(key(ctx)))
		identifyTrace(ctx, event)
	}
	app, err := f.newApp(ctx, log, host{
		tools: tools.Options{
			Key: key, KeyHint: web.KeyHint, KeyProblem: web.KeyProblem, RequestID: web.RequestID, Caller: web.CallerSession,
			KeySource: web.KeySource, ClientName: web.ClientName,
			OnCall: reportCalls(log, identify),
		},
		keySetting: f.keySetting(),
		address:    web.CallerNetwork,
		transport: func(base http.RoundTripper) http.RoundTripper {
			return gated.Transport(tel.Transport(cache.Transport(memory.Transport(base))))
		},
		onAttempt: tel.Attempt,

		watchInterval: f.WatchInterval, watcher: web.CallerID, isKnown: isKnown, watchReads: watchReads, onWatch: tel.Watches,
	}, owned...)
	if err != nil {
		return err
	}
	d := app.dispatcher(rpc.Options{
		Watch: app.watch.changes, Caller: web.CallerID,
		OnRequest: rpc.Observers(tel.Observe, logRequests(log, zerolog.InfoLevel, identify)),
	})
	s := web.New(web.Options{
		Dispatcher: d, Streamable: streamable, SSE: sse,
		Hosts:       web.Hosts{Loopback: web.IsLoopback(f.Addr), Allowed: f.AllowedHost, Origins: f.AllowedOrigin},
		Proxies:     proxies,
		CallerToken: f.CallerToken,
		Limits: web.Limits{
			CallerRate: f.CallerRate, CallerInFlight: f.CallerInFlight, TotalRate: f.TotalRate, TotalInFlight: f.TotalInFlight,
		},
		Memory: budget, IsKnown: isKnown,
		Drain: f.Drain, ShutdownDelay: f.ShutdownDelay,
		Ready: ready(app.client), Metrics: tel.Metrics(), Separate: f.AdminAddr != "", Refused: tel.Refused, Log: log,
	})
	f.logStart(log, app)
	err = f.listen(ctx, log, s, certificate, func(addr net.Addr) {
		url := &url.URL{Scheme: "http", Host: f.reachedAt(addr), Path: web.StreamablePath}
		if f.TLSCert != "" {
			url.Scheme = "https"
		}
		if !streamable {
			url.Path = web.SSEPath
		}
		_, _ = fmt.Fprintln(env.out, "polt-mcp on", url)
	})
	return errors.Join(err, app.Close())
}

// reachedAt returns the host and port at which callers reach an address: an
// unspecified address cannot be connected to.
func (f *webFlags) reachedAt(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return addr.String()
	}
	name := "localhost"
	if i := slices.IndexFunc(f.AllowedHost, func(host string) bool { return host != "*" }); i >= 0 {
		name = f.AllowedHost[i]
		if host, _, err := net.SplitHostPort(name); err == nil {
			name = host
		}
	}
	return net.JoinHostPort(name, strconv.Itoa(tcp.Port))
}

// keyOf returns a function that returns a call's key: the caller's or, if
// enabled, the server's own for callers without a key header.
func (f *webFlags) keyOf(env *environment, log zerolog.Logger) (func(context.Context) polt.Key, error) {
	if !f.SharedKey {
		return web.Key, nil
	}
	session, err := f.session(env, log)
	if err != nil {
		return nil, err
	}
	return sharedKeyFallback(session), nil
}

// sharedKeyFallback returns the server's own key for callers without a key
// header.
func sharedKeyFallback(session *credentials.Session) func(context.Context) polt.Key {
	return func(ctx context.Context) polt.Key {
		if web.Anonymous(ctx) {
			return session.Key(ctx)
		}
		return web.Key(ctx)
	}
}

// ready makes the smallest possible request to the platform. Any response
// counts: the platform's health is not for this server's load balancer to
// judge.
func ready(client *polt.Client) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := polt.GetLeaderboard.Call(ctx, client, polt.GetLeaderboardInput{Limit: 1})
		var e *polt.Error
		if errors.As(err, &e) && (e.Code == polt.CodeUpstreamUnreachable || e.Code == polt.CodeTimeout || e.HTTPStatus >= 500 || e.HTTPStatus == 0) {
			return err
		}
		return nil
	}
}

// certificate loads the TLS certificate, or returns nil if none is configured.
func (f *webFlags) certificate(log zerolog.Logger, tel *telemetry.Telemetry) (*web.Certificate, error) {
	if f.TLSCert == "" {
		return nil, nil
	}
	certificate, err := web.LoadCertificate(f.TLSCert, f.TLSKey, log, tel.Certificate)
	if err != nil {
		return nil, fmt.Errorf("--tls-cert %s, --tls-key %s: %w", f.TLSCert, f.TLSKey, err)
	}
	return certificate, nil
}

// listen serves callers, and operators if they have a separate address, until
// ctx is done. It calls listening with the callers' address.
func (f *webFlags) listen(ctx context.Context, log zerolog.Logger, s *web.Server, certificate *web.Certificate, listening func(net.Addr)) error {
	listener, err := networkOf(ctx).listen(ctx, f.Addr)
	if err != nil {
		return err
	}
	log.Info().Str("addr", listener.Addr().String()).Msg("listening")
	if certificate != nil {
		listener = tls.NewListener(listener, certificate.Config())
	}
	if f.AdminAddr == "" {
		listening(listener.Addr())
		return s.Serve(ctx, listener)
	}
	adminListener, err := networkOf(ctx).listen(ctx, f.AdminAddr)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	log.Info().Str("addr", adminListener.Addr().String()).Msg("listening for operators")
	listening(listener.Addr())
	admin := web.NewHTTPServer(s.Admin())
	ended := make(chan error, 1)
	go func() { ended <- admin.Serve(adminListener) }()
	err = s.Serve(ctx, listener)
	// The admin server ends last, so that operators can observe the shutdown.
	err = errors.Join(err, admin.Close())
	if adminErr := <-ended; !errors.Is(adminErr, http.ErrServerClosed) {
		err = errors.Join(err, adminErr)
	}
	return err
}
