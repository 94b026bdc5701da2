package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"github.com/openpolt/polt-mcp/internal/credentials"
	"github.com/openpolt/polt-mcp/internal/rpc"
	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
	"github.com/openpolt/polt-mcp/tools/resources"
)

// platformFlags select the platform and the agent to act as.
type platformFlags struct {
	keyFlags
	Results string `enum:"auto,both,structured,text" default:"auto" help:"How results carry the answer: ${enum}. auto is both, and text for hosts that are known to give the model both."`
	Local   bool   `name:"sandbox" help:"Use a sandbox, a POLT inside this process, instead of the platform. No port is opened. Without --db it is lost at the end."`
	sandboxFlags
	logFlags
	choiceFlags
	writeFlags
}

// app is the tools of a platform, ready to serve.
type app struct {
	client    *polt.Client
	set       *tools.Set
	resources *resources.Resources
	watch     watchState // for subscriptions and waiting tools
	log       zerolog.Logger
	closers   closers
}

// Close releases what the app has started.
func (a *app) Close() error { return a.closers.Close() }

// closers are closed in reverse order.
type closers []io.Closer

func (c closers) Close() error {
	var errs []error
	for _, each := range slices.Backward(c) {
		errs = append(errs, each.Close())
	}
	return errors.Join(errs...)
}

type closeFunc func() error

func (f closeFunc) Close() error { return f() }

// noCloser closes nothing.
var noCloser = closeFunc(func() error { return nil })

// A host configures the tools for the command that serves them.
type host struct {
	// tools are the tools' options, except the client.
	tools tools.Options
	// keySetting names the setting in which a user sets the key.
	keySetting string
	// address returns a call's origin; nil means that all have the same.
	address func(context.Context) string
	// transport wraps the transport to the platform; nil does not.
	transport func(http.RoundTripper) http.RoundTripper
	// onAttempt, if not nil, is called after each request to the platform.
	onAttempt func(context.Context, polt.Attempt)
	// watchInterval is the poll interval of watched resources; nil means the
	// default.
	watchInterval *time.Duration
	// watcher identifies the caller that watches; nil means that there is only
	// one.
	watcher func(context.Context) string
	// isKnown reports whether the platform has accepted the key of a call lately, as
	// far as transport has seen. It is only needed with watcher.
	isKnown func(context.Context) bool
	// watchReads, if not nil, is called when a watch begins. What it returns is
	// called before each read of the watched resource, with the read's context, and
	// returns the context to read with and what to call after the read.
	watchReads func(watcher context.Context) func(read context.Context) (context.Context, func())
	// onWatch, if not nil, is called with the change in the number of watches.
	onWatch func(by int)
}

// newApp creates the tools that the flags select. owned is closed with the app,
// or at once if newApp fails.
func (f *platformFlags) newApp(ctx context.Context, log zerolog.Logger, h host, owned ...io.Closer) (made *app, err error) {
	all := closers(owned)
	defer func() {
		if err != nil {
			err = errors.Join(err, all.Close())
		}
	}()
	options := polt.Options{
		BaseURL: f.APIURL, Timeout: f.Timeout, UserAgent: "polt-mcp/" + version(), CAFile: f.CAFile, PlaintextProxy: f.PlaintextProxy,
		OnAttempt: logAttempts(log, h.onAttempt), Transport: networkOf(ctx).platform, WrapTransport: h.transport,
	}
	if f.Local {
		s, err := f.openSandbox(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
		faulty, err := f.faulty(s)
		if err != nil {
			return nil, err
		}
		options.BaseURL, options.Transport = sandboxURL, faulty.Transport()
	}
	client, err := polt.NewClient(options)
	if err != nil {
		return nil, err
	}
	all = append(all, closeFunc(func() error { client.CloseIdleConnections(); return nil }))
	h.tools.Client, h.tools.Results = client, tools.Results(f.Results)
	h.tools.Ending = rpc.Ending
	if h.tools.ClientName == nil {
		h.tools.ClientName = rpc.ClientName
	}
	h.tools.Watch = func(ctx context.Context, uri string, changed func(state []byte)) ([]byte, func(), error) {
		return made.watch(ctx, uri, changed)
	}
	f.choose(&h.tools)
	writes, err := f.newPolicy(client, log, h)
	if err != nil {
		return nil, err
	}
	if writes != nil {
		h.tools.OnWrite = writes.OnWrite
		// As a method value: an io.Closer would make the linker keep all
		// methods of the logger in it, 130 kB.
		all = append(all, closeFunc(writes.Close))
	}
	if h.tools.Key != nil {
		h.tools.OnWrite = protectRegistrations(h.tools.OnWrite)
	}
	set, err := tools.New(h.tools)
	if err != nil {
		return nil, err
	}
	hub := newHub(log, watchInterval(client, h, f.Local), h)
	all = append(all, closeFunc(func() error { hub.Close(); return nil }))
	a := &app{client: client, set: set, resources: resources.New(set), log: log, closers: all}
	a.watch = a.watching(hub, h)
	return a, nil
}

// open creates the tools for one session, over stdio or on the command line,
// with the user's key. observe sets the observers and returns what to close
// with the app.
func (f *platformFlags) open(ctx context.Context, env *environment, observe func(zerolog.Logger, *host) io.Closer) (*app, error) {
	log, file, err := f.logFlags.open(env.err)
	if err != nil {
		return nil, err
	}
	session, err := f.session(env, log)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	h := host{tools: tools.Options{
		Key: session.Key, StoreKey: session.StoreKey, Who: session.Who, Resume: session.Resume, KeySource: session.Source,
		KeyProblem: func(context.Context) string { return session.Problem() },
		Ephemeral:  f.Local && f.DB == "",
	}, keySetting: "POLT_API_KEY"}
	observer := observe(log, &h)
	return f.newApp(ctx, log, h, file, observer)
}

// protectRegistrations delays a server's shutdown until running registrations
// end; otherwise their keys would be lost. next may be nil.
func protectRegistrations(next func(context.Context, tools.Write) (func(tools.Outcome), error)) func(context.Context, tools.Write) (func(tools.Outcome), error) {
	return func(ctx context.Context, w tools.Write) (func(tools.Outcome), error) {
		var done func(tools.Outcome)
		if next != nil {
			var err error
			if done, err = next(ctx, w); err != nil {
				return nil, err
			}
		}
		if w.Registers == "" {
			return done, nil
		}
		release := rpc.Protect(ctx)
		return func(o tools.Outcome) {
			defer release()
			if done != nil {
				done(o)
			}
		}, nil
	}
}

// sandboxURL stands for the in-process sandbox. It does not resolve.
const sandboxURL = "http://sandbox.invalid"

// session returns the session's credentials.
func (f *platformFlags) session(env *environment, log zerolog.Logger) (*credentials.Session, error) {
	source, err := f.keySource(env)
	if err != nil {
		return nil, err
	}
	session, warnings, err := credentials.Open(source)
	for _, w := range warnings {
		log.Warn().Msg(w)
	}
	return session, err
}

// keySource returns where the session's key comes from.
func (f *platformFlags) keySource(env *environment) (credentials.Source, error) {
	if f.Local && f.DB == "" {
		// The sandbox is new and ends with the process: no existing key works,
		// and none of its keys is worth storing.
		return credentials.Source{Ephemeral: true}, nil
	}
	source := credentials.Source{APIKey: env.getenv("POLT_API_KEY"), APIKeyFile: f.APIKeyFile, Agent: f.Agent}
	if f.Local {
		path, err := filepath.Abs(f.DB)
		if err != nil {
			return source, err
		}
		source.BaseURL = "sandbox:" + path
	} else {
		client, err := polt.NewClient(polt.Options{BaseURL: f.APIURL})
		if err != nil {
			return source, err
		}
		source.BaseURL = client.BaseURL()
	}
	source.Store = f.store()
	return source, nil
}
