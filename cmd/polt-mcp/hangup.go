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

// hangups receives SIGHUP, unless it was ignored when the process started, as
// under nohup.
func hangups() <-chan os.Signal {
	signals := make(chan os.Signal, 1)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
	return signals
}

type hangupKey struct{}

// withHangups returns a context with the process's hangup signals.
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

// endOnHangup returns a context that ends at a hangup, such as when the
// terminal closes, so that calls in flight still get an outcome.
func endOnHangup(ctx context.Context) (_ context.Context, stop func()) {
	ended, end := context.WithCancelCause(ctx)
	stopListening := onHangup(ctx, func() { end(errHangup) })
	return ended, func() { stopListening(); end(nil) }
}

var errHangup = errors.New("hangup signal received")

// reloadOnHangup makes a server reopen its log file, for log rotation, and
// reload its certificate, if any, at each hangup. (A journal detects rotation
// by itself.)
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
