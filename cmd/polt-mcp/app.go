package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"time"

	"github.com/rs/zerolog"

	"github.com/openpolt/polt-mcp/internal/credentials"
	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
	"github.com/openpolt/polt-mcp/tools/resources"
)

// platformFlags say which POLT to work on, and as whom.
type platformFlags struct {
	APIURL         string        `name:"api-url" placeholder:"URL" default:"${api_url}" help:"Where POLT is."`
	APIKeyFile     string        `name:"api-key-file" placeholder:"FILE" help:"Read the API key from a file. POLT_API_KEY, the key itself, goes before it."`
	Agent          string        `placeholder:"USERNAME" help:"Whom to act as, of the credentials file. No write is sent with a key that is not theirs."`
	Credentials    string        `placeholder:"FILE" help:"The credentials file, for the keys of agents that register; by default polt-mcp/credentials.json in your configuration directory."`
	CAFile         string        `name:"ca-file" placeholder:"FILE" help:"Certificates to trust beside the system's, as PEM."`
	PlaintextProxy bool          `help:"Reach an http:// URL through the proxy of HTTP_PROXY, which then sees the API key."`
	Timeout        time.Duration `default:"30s" help:"How long a call may take in all."`
	Results        string        `enum:"both,structured,text" default:"both" help:"How results carry the answer: ${enum}."`
	Local          bool          `name:"sandbox" help:"Work on a POLT inside this process instead, with no port opened. Without --db it is gone at the end."`
	sandboxFlags
	logFlags
	choiceFlags
	writeFlags
}

// app is the tools on a platform, ready to be served.
type app struct {
	client    *polt.Client
	set       *tools.Set
	resources *resources.Resources
	// onCall is told of each call of a tool that has ended.
	onCall  func(context.Context, tools.Call)
	log     zerolog.Logger
	closers []io.Closer
}

// Close ends what open began.
func (a *app) Close() error {
	var errs []error
	for i := len(a.closers) - 1; i >= 0; i-- {
		errs = append(errs, a.closers[i].Close())
	}
	return errors.Join(errs...)
}

// A host is what serves the tools, as far as they depend on it.
type host struct {
	// tools are the options that the tools get, but for the client.
	tools tools.Options
	// keySetting names what a user sets the key in.
	keySetting string
	// address names where a call comes from; nil means that there is one place.
	address func(context.Context) string
	// transport wraps what reaches the platform; nil leaves it as it is.
	transport func(http.RoundTripper) http.RoundTripper
	// onAttempt is told of each request to the platform; nil means nobody is.
	onAttempt func(context.Context, polt.Attempt)
}

// openLog begins an app, with its log.
func (f *platformFlags) openLog(env *environment) (*app, error) {
	a := &app{}
	file, err := f.logFlags.open(env.err, &a.log)
	if err != nil {
		return nil, err
	}
	a.closers = append(a.closers, file)
	return a, nil
}

// open makes the tools that the flags ask for, for one session over stdio or
// on the command line. Its key is the user's.
func (f *platformFlags) open(ctx context.Context, env *environment) (_ *app, err error) {
	a, err := f.openLog(env)
	if err != nil {
		return nil, err
	}
	session, warnings, err := f.session(env)
	for _, w := range warnings {
		a.log.Warn().Msg(w)
	}
	if err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, f.openTools(ctx, a, host{tools: tools.Options{
		Key: session.Key, StoreKey: session.Keep,
		KeyHint: func(_ context.Context, canRegister bool) string {
			if !canRegister {
				return "Have the user set POLT_API_KEY in this server's configuration"
			}
			return "Call register_agent to become an agent, or have the user set POLT_API_KEY in this server's configuration"
		},
		OnCall: logCalls(a.log),
	}, keySetting: "POLT_API_KEY"})
}

// openTools gives an app its tools. Where it fails, the app is closed.
func (f *platformFlags) openTools(ctx context.Context, a *app, h host) (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	options := polt.Options{
		BaseURL: f.APIURL, Timeout: f.Timeout, UserAgent: "polt-mcp/" + version(), CAFile: f.CAFile, PlaintextProxy: f.PlaintextProxy,
		OnAttempt: logAttempts(a.log, h.onAttempt), WrapTransport: h.transport,
	}
	if f.Local {
		s, err := f.openSandbox(ctx)
		if err != nil {
			return err
		}
		a.closers = append(a.closers, s)
		faulty, err := f.faulty(s)
		if err != nil {
			return err
		}
		options.BaseURL, options.Transport = sandboxURL, faulty.Transport()
	}
	if h.tools.Client, err = polt.NewClient(options); err != nil {
		return err
	}
	a.client = h.tools.Client
	a.closers = append(a.closers, closeFunc(func() error { a.client.CloseIdleConnections(); return nil }))
	h.tools.Results = tools.Results(f.Results)
	if err = f.restrict(a, &h); err != nil {
		return err
	}
	if a.set, err = tools.New(h.tools); err != nil {
		return err
	}
	a.resources, a.onCall = resources.New(a.set), h.tools.OnCall
	return nil
}

// sandboxURL is where the sandbox in this process is. It is no address.
const sandboxURL = "http://sandbox.invalid"

type closeFunc func() error

func (f closeFunc) Close() error { return f() }

// session returns whom the session acts as.
func (f *platformFlags) session(env *environment) (*credentials.Session, credentials.Warnings, error) {
	if f.Local && f.DB == "" {
		// That world is new, and gone at the end: no key from outside fits it,
		// and none of its keys is worth a file.
		return credentials.Open(credentials.Source{Passing: true})
	}
	source := credentials.Source{APIKey: env.getenv("POLT_API_KEY"), APIKeyFile: f.APIKeyFile, Agent: f.Agent}
	if f.Local {
		path, err := filepath.Abs(f.DB)
		if err != nil {
			return nil, nil, err
		}
		source.BaseURL = "sandbox:" + path
	} else {
		client, err := polt.NewClient(polt.Options{BaseURL: f.APIURL})
		if err != nil {
			return nil, nil, err
		}
		source.BaseURL = client.BaseURL()
	}
	path := f.Credentials
	if path == "" {
		// Without a home there is no file: the result of registering says so, and
		// carries the key.
		path, _ = credentials.DefaultPath()
	}
	if path != "" {
		source.Store = credentials.NewStore(path)
	}
	return credentials.Open(source)
}
