package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/rs/zerolog"

	"github.com/openpolt/polt-mcp/internal/watch"
	"github.com/openpolt/polt-mcp/internal/web"
	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
)

// watchFlags configure the watching of resources.
type watchFlags struct {
	WatchInterval *time.Duration `placeholder:"DURATION" help:"How often to poll a subscribed resource, once for all its subscribers. The default is 15s, and 1s if POLT is a sandbox or on this machine. Slows down while nothing changes."`
}

// localWatchInterval is the default where polling costs nobody anything.
const localWatchInterval = time.Second

func (f watchFlags) check() error {
	if f.WatchInterval != nil && *f.WatchInterval <= 0 {
		return errors.New("--watch-interval must be over 0")
	}
	return nil
}

// watchInterval returns the poll interval for a platform, of which 0 is the default.
func watchInterval(client *polt.Client, h host, isSandbox bool) time.Duration {
	base, err := url.Parse(client.BaseURL())
	switch {
	case h.watchInterval != nil:
		return *h.watchInterval
	case isSandbox || err == nil && web.IsLoopback(base.Host):
		return localWatchInterval
	}
	return 0
}

// newHub returns the hub that polls watched resources.
func newHub(log zerolog.Logger, interval time.Duration, h host) *watch.Hub {
	return watch.New(watch.Options{Interval: interval, OnWatch: h.onWatch, OnError: func(id any, err error) {
		log.Debug().Str("resource", fmt.Sprint(id)).Err(err).Msg("cannot read a subscribed resource")
	}})
}

// watchState watches a resource and calls changed with each new state, or with
// an empty one when the resource is gone, until stop is called. It returns the
// initial state.
type watchState func(ctx context.Context, uri string, changed func(state []byte)) (last []byte, stop func(), err error)

// watching returns a function that watches the app's resources through a hub.
func (a *app) watching(hub *watch.Hub, h host) watchState {
	isKnown := func(ctx context.Context) bool {
		if !h.isKnown(ctx) {
			a.verify(ctx) // isKnown learns from the answer
		}
		return h.isKnown(ctx)
	}
	return func(ctx context.Context, uri string, changed func([]byte)) (last []byte, stop func(), err error) {
		state, err := a.resources.State(ctx, uri)
		if err != nil {
			return nil, nil, err
		}
		target := watch.Target{ID: state.ID, Read: goneIfNotFound(state.Read)}
		if h.watchReads != nil {
			target.Read = readWithin(h.watchReads(ctx), target.Read)
		}
		if h.watcher == nil {
			last, stop, err = hub.WatchState(ctx, target, changed)
		} else {
			last, stop, err = hub.WatchAs(ctx, watch.Caller{ID: h.watcher(ctx), IsKnown: isKnown}, target, changed)
		}
		return last, stop, watchError(err)
	}
}

// changes is an [rpc.Watch].
func (w watchState) changes(ctx context.Context, uri string, changed func()) (stop func(), err error) {
	_, stop, err = w(ctx, uri, func([]byte) { changed() })
	return stop, err
}

// watchError converts a hub's error for a client.
func watchError(err error) error {
	switch {
	case errors.Is(err, watch.ErrTooMany):
		return tools.NewError(polt.CodeRateLimited, "uri", "This server watches as much as it can", "Try again in some minutes, or read it from time to time")
	case errors.Is(err, watch.ErrCallerTooMany):
		return tools.NewError(polt.CodeInvalidArgument, "uri", "You watch as many resources as one caller may", "End another watch first")
	case errors.Is(err, watch.ErrUnknownTooMany):
		return tools.NewError(polt.CodeRateLimited, "uri", "Callers without a key that POLT knows watch as much as they may", "Send your key, or read it from time to time")
	}
	return err
}

// verifyTimeout limits how long a watch waits for the verification of a key.
const verifyTimeout = 10 * time.Second

// verify asks the platform whether it accepts a call's key, if it has one.
func (a *app) verify(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, verifyTimeout)
	defer cancel()
	// Without the answer the key is as unknown as before.
	_, _ = polt.VerifyKey.Call(ctx, a.client.As(a.set.Key(ctx)), polt.VerifyKeyInput{})
}

// readWithin wraps a read in what begin returns for its context.
func readWithin(begin func(context.Context) (context.Context, func()), read func(context.Context) ([]byte, error)) func(context.Context) ([]byte, error) {
	return func(ctx context.Context) ([]byte, error) {
		ctx, end := begin(ctx)
		defer end()
		return read(ctx)
	}
}

// goneIfNotFound converts a not-found error to the hub's error for a resource
// that is gone.
func goneIfNotFound(read func(context.Context) ([]byte, error)) func(context.Context) ([]byte, error) {
	return func(ctx context.Context) ([]byte, error) {
		text, err := read(ctx)
		if e, ok := errors.AsType[*tools.Error](err); ok && e.Code() == polt.CodeNotFound {
			err = fmt.Errorf("%w: %w", watch.ErrGone, err)
		}
		return text, err
	}
}
