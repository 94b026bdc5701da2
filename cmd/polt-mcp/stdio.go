package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/rs/zerolog"

	"github.com/openpolt/polt-mcp/internal/agents"
	"github.com/openpolt/polt-mcp/internal/memory"
	"github.com/openpolt/polt-mcp/internal/rpc"
	"github.com/openpolt/polt-mcp/internal/stdio"
	"github.com/openpolt/polt-mcp/internal/telemetry"
)

var errEndOfInput = errors.New("end of input")

type stdioCommand struct {
	platformFlags
	watchFlags
	memoryFlags
	Drain time.Duration `default:"10s" help:"How long to wait for calls in flight after the end of input."`
}

// Run serves one session.
func (c *stdioCommand) Run(ctx context.Context, env *environment) error {
	if err := c.watchFlags.check(); err != nil {
		return failStart(env, err)
	}
	greet(env)
	budget, undo, err := c.newBudget(ctx)
	if err != nil {
		return failStart(env, err)
	}
	defer undo()
	var traces rpc.Observer
	var identify func(context.Context, *zerolog.Event)
	app, err := c.open(ctx, env, func(log zerolog.Logger, h *host) io.Closer {
		h.watchInterval = c.WatchInterval
		h.watchReads = func(context.Context) func(context.Context) (context.Context, func()) {
			return func(ctx context.Context) (context.Context, func()) {
				account := budget.Open(memory.Caller{Known: true})
				return memory.With(ctx, account), account.Close
			}
		}
		cache, key := &agents.Cache{}, h.tools.Key
		identify = func(ctx context.Context, event *zerolog.Event) {
			identifyAgent(event, cache.Name(key(ctx)))
			identifyTrace(ctx, event)
		}
		h.tools.OnCall = reportCalls(log, identify)
		h.transport = func(base http.RoundTripper) http.RoundTripper { return cache.Transport(memory.Transport(base)) }
		// Nothing scrapes metrics over stdio.
		if !telemetry.TracesWanted() {
			return noCloser
		}
		tel, closer, err := newTelemetry(ctx, log)
		if err != nil {
			log.Warn().Err(err).Msg("cannot set up tracing: going on without it")
			return noCloser
		}
		traces, h.onAttempt = tel.Observe, tel.Attempt
		h.transport = func(base http.RoundTripper) http.RoundTripper {
			return tel.Transport(cache.Transport(memory.Transport(base)))
		}
		return closer
	})
	if err != nil {
		return failStart(env, err)
	}
	d := app.dispatcher(rpc.Options{
		Watch:     app.watch.changes,
		OnRequest: rpc.Observers(traces, logRequests(app.log, zerolog.DebugLevel, identify)),
	})
	c.logStart(app.log, app)
	err = stdio.Serve(ctx, d, env.in, env.out, stdio.Options{Drain: c.Drain, Memory: budget})
	reason := err
	switch {
	case ctx.Err() != nil:
		reason = context.Cause(ctx)
	case err == nil:
		reason = errEndOfInput
	}
	app.log.Info().AnErr("reason", reason).Msg("stopped")
	return errors.Join(err, app.Close())
}
