package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"go.uber.org/goleak"
)

// watched is main, and fails if a goroutine is left at the end.
func watched() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr)
	stop()
	if err == nil {
		err = goleak.Find()
	}
	os.Exit(exitCode(err, os.Stderr))
}
