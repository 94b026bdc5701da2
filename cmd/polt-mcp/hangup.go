package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/rs/zerolog"
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
	ended, end := context.WithCancel(ctx)
	stopListening := onHangup(ctx, end)
	return ended, func() { stopListening(); end() }
}

// reopenOnHangup has a log begin its file anew at each hangup, for programs that
// have moved it away. (A journal notices that by itself.)
func reopenOnHangup(ctx context.Context, file *logFile, log zerolog.Logger) (stop func()) {
	return onHangup(ctx, func() {
		if err := file.reopen(); err != nil {
			log.Error().Err(err).Msg("the log file cannot be opened anew: the one before is used on")
			return
		}
		log.Info().Msg("the log file was opened anew")
	})
}
