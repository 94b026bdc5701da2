package main

import (
	"context"
	"errors"
	"io"
	"runtime/debug"
	"time"

	"github.com/rs/zerolog"

	"github.com/openpolt/polt-mcp/internal/rpc"
	"github.com/openpolt/polt-mcp/internal/stdio"
	"github.com/openpolt/polt-mcp/internal/telemetry"
)

// collectLess has the garbage collector run less often, until the function
// that it returns is called: the heap is some MB, nearly all of it short-lived,
// so that this costs little memory and saves a quarter of the CPU time.
func collectLess(env *environment) (undo func()) {
	if env.getenv("GOGC") != "" {
		return func() {}
	}
	before := debug.SetGCPercent(400)
	return func() { debug.SetGCPercent(before) }
}

type stdioCommand struct {
	platformFlags
	watchFlags
	Drain time.Duration `default:"10s" help:"How long calls in flight may take after the end of input."`
}

// Run serves one session.
func (c *stdioCommand) Run(ctx context.Context, env *environment) error {
	if err := c.watchFlags.check(); err != nil {
		return err
	}
	defer collectLess(env)()
	var traces rpc.Observer
	app, err := c.open(ctx, env, func(log zerolog.Logger, h *host) io.Closer {
		h.tools.OnCall = reportCalls(log, identifyTrace)
		// There is nobody here to scrape metrics.
		if !telemetry.TracesWanted() {
			return noCloser
		}
		tel, closer, err := newTelemetry(ctx, log)
		if err != nil {
			log.Warn().Err(err).Msg("nothing is traced")
			return noCloser
		}
		traces, h.transport, h.onAttempt = tel.Observe, tel.Transport, tel.Attempt
		return closer
	})
	if err != nil {
		return err
	}
	watch, endWatches := c.watcher(app, func(int) {})
	d := app.dispatcher(rpc.Options{
		Watch:     watch,
		OnRequest: rpc.Observers(traces, logRequests(app.log, zerolog.DebugLevel, identifyTrace)),
	})
	err = stdio.Serve(ctx, d, env.in, env.out, stdio.Options{Drain: c.Drain})
	endWatches()
	return errors.Join(err, app.Close())
}
