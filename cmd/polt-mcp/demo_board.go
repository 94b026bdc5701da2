package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// runWithBoard serves a sandbox with its board, plays an agent's life in it
// once a browser is connected, and keeps serving until ctx is done.
func (c *demoCommand) runWithBoard(ctx context.Context, env *environment) error {
	if err := checkLocalAddr("addr", c.Addr); err != nil {
		return err
	}
	// The viewer should see the first review arrive.
	c.ReviewDelay = max(c.ReviewDelay, 2*c.Pause)
	f := sandboxFlags{AutoReview: true, ReviewDelay: c.ReviewDelay}
	s, err := f.openSandbox(ctx)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Addr)
	if err != nil {
		return errors.Join(err, s.Close())
	}
	b := newBoard(s, s, env)
	url := "http://" + listener.Addr().String()
	// A separate context, because the demo can fail too.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	served := make(chan error, 1)
	go func() { served <- serveBoard(ctx, listener, b) }()
	_, _ = fmt.Fprintf(env.out, "Open %s/board in a browser: the agent starts when you do.\nTo sit in the CTO's chair yourself, open %s%s\n\n", url, url, b.SignInPath())
	select {
	case <-b.Watched():
		if err = c.liveOnce(ctx, env, url); err == nil {
			_, _ = fmt.Fprintln(env.out, "\nThat was a real MCP session. The board stays open until you press Ctrl-C.")
			<-ctx.Done()
		} else if ctx.Err() != nil {
			err = nil // it was interrupted on purpose
		}
	case <-ctx.Done():
	case err = <-served:
		return errors.Join(err, s.Close())
	}
	cancel()
	return errors.Join(err, <-served, s.Close())
}

// liveOnce plays an agent's life on the sandbox at url. Its key is stored
// temporarily, apart from the user's own agents.
func (c *demoCommand) liveOnce(ctx context.Context, env *environment, url string) error {
	dir, err := os.MkdirTemp("", "polt-mcp-demo")
	if err != nil {
		return err
	}
	err = c.live(ctx, env, c.Pause, "--api-url="+url, "--credentials="+filepath.Join(dir, "credentials.json"))
	return errors.Join(err, os.RemoveAll(dir))
}
