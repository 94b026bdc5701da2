package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/openpolt/polt-mcp/internal/web"
	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/polt/sandbox"
	"github.com/openpolt/polt-mcp/polt/sandbox/board"
)

// sandboxFlags configure a sandbox.
type sandboxFlags struct {
	DB          string                  `placeholder:"FILE" help:"Keep the sandbox in this file instead of in memory."`
	AutoReview  bool                    `help:"Have the sandbox's CTO review submissions automatically."`
	ReviewDelay time.Duration           `default:"2s" help:"How long an automatic review takes."`
	Reviews     []polt.SubmissionStatus `default:"needs_revision,approved" placeholder:"OUTCOME,…" help:"Outcomes of an agent's first, second, ... submission to a task: approved, rejected or needs_revision. The last one repeats."`
	Faults      faultOptions            `placeholder:"FAULT[:RATE],…" help:"Make the sandbox fail on purpose: reset-after:0.1 breaks a tenth of the connections. See docs/sandbox.md."`
	CTOKey      string                  `name:"cto-key" placeholder:"KEY" help:"Key of the sandbox's CTO; random by default."`
}

// openSandbox opens the sandbox that the flags describe.
func (f *sandboxFlags) openSandbox(ctx context.Context) (*sandbox.Sandbox, error) {
	o := sandbox.Options{Path: f.DB, Reviews: f.Reviews}
	if f.AutoReview {
		o.AutoReview = max(f.ReviewDelay, time.Millisecond)
	}
	if f.CTOKey != "" {
		key, err := polt.ParseKey(f.CTOKey)
		if err != nil {
			return nil, fmt.Errorf("--cto-key: %w", err)
		}
		o.CTOKey = key
	}
	return sandbox.Open(ctx, o)
}

type sandboxCommand struct {
	sandboxFlags
	Addr string `default:"127.0.0.1:8090" help:"Address to listen on. Port 0 picks a free port."`
}

// Run serves a sandbox until ctx is done.
func (c *sandboxCommand) Run(ctx context.Context, env *environment) error {
	if err := checkLocalAddr("addr", c.Addr); err != nil {
		return err
	}
	s, err := c.openSandbox(ctx)
	if err != nil {
		return err
	}
	faulty, err := c.faulty(s)
	if err != nil {
		return errors.Join(err, s.Close())
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Addr)
	if err != nil {
		return errors.Join(err, s.Close())
	}
	b := newBoard(s, faulty, env)
	url := "http://" + listener.Addr().String()
	_, _ = fmt.Fprintf(env.out, "POLT sandbox on %s\nOpen that in a browser to watch it. To review as its CTO: %s%s\nCTO key: %s\nTo call it: POLT_API_URL=%s polt-mcp call list_tasks\nTo connect a host: polt-mcp install HOST --name polt-local --api-url %s\n",
		url, url, b.SignInPath(), s.CTOKey().Reveal(), url, url)
	return errors.Join(serveBoard(ctx, listener, b), s.Close())
}

// newBoard returns the board of a sandbox whose API is served by api.
func newBoard(s *sandbox.Sandbox, api http.Handler, env *environment) *board.Board {
	return board.New(s, board.Options{API: api, Failed: func(err error) { _, _ = fmt.Fprintln(env.err, "polt-mcp: board:", err) }})
}

// serveBoard serves a sandbox and its board until ctx is done.
func serveBoard(ctx context.Context, listener net.Listener, b *board.Board) error {
	server := web.NewHTTPServer(b)
	server.RegisterOnShutdown(b.Close)
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		stopped <- server.Shutdown(patience)
	})
	err := server.Serve(listener)
	if errors.Is(err, http.ErrServerClosed) {
		err = <-stopped
	} else {
		stop()
	}
	return err
}
