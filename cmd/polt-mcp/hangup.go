package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"github.com/rs/zerolog"

	"github.com/openpolt/polt-mcp/internal/web"
)

// hangups takes over SIGHUP, unless whoever started the process has it ignored,
// as nohup does.
func hangups() <-chan os.Signal {
	signals := make(chan os.Signal, 1)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
	return signals
}

type hangupKey struct{}

// withHangups returns a context in which a command finds the hangups of its
// process.
func withHangups(ctx context.Context, signals <-chan os.Signal) context.Context {
	return context.WithValue(ctx, hangupKey{}, signals)
}

// onHangup calls f at each hangup until ctx is done or stop is called.
func onHangup(ctx context.Context, f func()) (stop func()) {
	signals, _ := ctx.Value(hangupKey{}).(<-chan os.Signal)
	if signals == nil {
		return func() {}
	}
	ctx, stop = context.WithCancel(ctx)
	go func() {
		for {
			select {
			case <-signals:
				f()
			case <-ctx.Done():
				return
			}
		}
	}()
	return stop
}

// endOnHangup returns a context that ends at a hangup, as when the terminal is
// closed: what is in flight then has an outcome all the same.
func endOnHangup(ctx context.Context) (_ context.Context, stop func()) {
	ended, end := context.WithCancelCause(ctx)
	stopListening := onHangup(ctx, func() { end(errHangup) })
	return ended, func() { stopListening(); end(nil) }
}

var errHangup = errors.New("hangup signal received")

// reloadOnHangup has a server reopen its log file at each hangup, for programs
// that have moved it away, and reload its certificate, if it has one. (A journal
// notices by itself that it was moved.)
func reloadOnHangup(ctx context.Context, file *logFile, certificate *web.Certificate, log zerolog.Logger) (stop func()) {
	return onHangup(ctx, func() {
		if err := file.reopen(); err != nil {
			log.Error().Err(err).Msg("cannot reopen the log file: still using the previous one")
		} else if file.path != "" {
			log.Info().Msg("reopened the log file")
		}
		if certificate != nil {
			certificate.Reload()
		}
	})
}
