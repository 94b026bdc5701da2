package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/openpolt/polt-mcp/internal/rpc"
	"github.com/openpolt/polt-mcp/internal/watch"
	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
)

// watchFlags say how resources are watched.
type watchFlags struct {
	WatchInterval time.Duration `default:"15s" help:"How often to poll a subscribed resource, once for all its subscribers. Slows down while nothing changes."`
}

func (f watchFlags) check() error {
	if f.WatchInterval <= 0 {
		return errors.New("--watch-interval must be over 0")
	}
	return nil
}

// watchState watches a resource, and calls changed with each new state, which is
// empty where it has gone, until stop is called. It returns the state that it
// begins with.
type watchState func(ctx context.Context, uri string, changed func(state []byte)) (last []byte, stop func(), err error)

// watcher returns what watches the resources of the app, and tells counted how
// many watches begin or, with a negative number, end. It must be ended before the
// app is closed.
func (f watchFlags) watcher(a *app, counted func(by int)) (_ rpc.Watch, end func()) {
	hub := watch.New(watch.Options{Interval: f.WatchInterval, OnError: func(id any, err error) {
		a.log.Debug().Str("resource", fmt.Sprint(id)).Err(err).Msg("what is watched could not be read")
	}})
	a.watch = func(ctx context.Context, uri string, changed func([]byte)) (last []byte, stop func(), err error) {
		state, err := a.resources.State(ctx, uri)
		if err != nil {
			return nil, nil, err
		}
		last, end, err := hub.WatchState(ctx, watch.Thing{ID: state.ID, Read: goneIfNotFound(state.Read)}, changed)
		if errors.Is(err, watch.ErrTooMany) {
			err = tools.NewError(polt.CodeRateLimited, "uri", "This server watches as much as it can", "Try again in some minutes, or read it from time to time")
		}
		if err != nil {
			return nil, nil, err
		}
		counted(1)
		return last, sync.OnceFunc(func() { end(); counted(-1) }), nil
	}
	return func(ctx context.Context, uri string, changed func()) (stop func(), err error) {
		_, stop, err = a.watch(ctx, uri, func([]byte) { changed() })
		return stop, err
	}, hub.Close
}

// goneIfNotFound has the error for what is not there say so to a hub.
func goneIfNotFound(read func(context.Context) ([]byte, error)) func(context.Context) ([]byte, error) {
	return func(ctx context.Context) ([]byte, error) {
		text, err := read(ctx)
		if e, ok := errors.AsType[*tools.Error](err); ok && e.Code() == polt.CodeNotFound {
			err = fmt.Errorf("%w: %w", watch.ErrGone, err)
		}
		return text, err
	}
}
