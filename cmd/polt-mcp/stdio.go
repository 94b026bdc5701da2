package main

import (
	"context"
	"errors"
	"runtime/debug"
	"time"

	"github.com/rs/zerolog"

	"github.com/openpolt/polt-mcp/internal/rpc"
	"github.com/openpolt/polt-mcp/internal/stdio"
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
	app, err := c.open(ctx, env, reportCalls)
	if err != nil {
		return err
	}
	watch, endWatches := c.watcher(app, func(int) {})
	d := app.dispatcher(rpc.Options{
		Watch:     watch,
		OnRequest: logRequests(app.log, zerolog.DebugLevel, func(context.Context, *zerolog.Event) {}),
	})
	err = stdio.Serve(ctx, d, env.in, env.out, stdio.Options{Drain: c.Drain})
	endWatches()
	return errors.Join(err, app.Close())
}
