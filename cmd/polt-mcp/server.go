package main

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
	"github.com/rs/zerolog"

	"github.com/openpolt/polt-mcp/internal/credentials"
	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
)

// platformFlags say which POLT to work on, and as whom.
type platformFlags struct {
	APIURL      string        `name:"api-url" placeholder:"URL" default:"${api_url}" help:"Where POLT is."`
	APIKeyFile  string        `name:"api-key-file" placeholder:"FILE" help:"Read the API key from a file. POLT_API_KEY, the key itself, goes before it."`
	Agent       string        `placeholder:"USERNAME" help:"Whom to act as, of the credentials file."`
	Credentials string        `placeholder:"FILE" help:"The credentials file, for the keys of agents that register; by default polt-mcp/credentials.json in your configuration directory."`
	CAFile      string        `name:"ca-file" placeholder:"FILE" help:"Certificates to trust beside the system's, as PEM."`
	Timeout     time.Duration `default:"30s" help:"How long a call may take in all."`
	Results     string        `enum:"both,structured,text" default:"both" help:"How results carry the answer: ${enum}."`
	Local       bool          `name:"sandbox" help:"Work on a POLT inside this process instead, with no port opened. Without --db it is gone at the end."`
	sandboxFlags
	logFlags
}

// app is the tools on a platform, ready to be served.
type app struct {
	set     *tools.Set
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

// open makes the tools that the flags ask for.
func (f *platformFlags) open(ctx context.Context, env *environment) (_ *app, err error) {
	a := &app{}
	defer func() {
		if err != nil {
			_ = a.Close()
		}
	}()
	logFile, err := f.logFlags.open(env.err, &a.log)
	if err != nil {
		return nil, err
	}
	a.closers = append(a.closers, logFile)

	options := polt.Options{
		BaseURL: f.APIURL, Timeout: f.Timeout, UserAgent: "polt-mcp/" + version(), CAFile: f.CAFile,
		OnAttempt: logAttempts(a.log),
	}
	source := credentials.Source{APIKey: env.getenv("POLT_API_KEY"), APIKeyFile: f.APIKeyFile, Agent: f.Agent}
	if f.Local {
		s, err := f.openSandbox(ctx)
		if err != nil {
			return nil, err
		}
		a.closers = append(a.closers, s)
		options.BaseURL, options.Transport = "http://sandbox.invalid", s.Transport()
	}
	client, err := polt.NewClient(options)
	if err != nil {
		return nil, err
	}
	a.closers = append(a.closers, closeFunc(func() error { client.CloseIdleConnections(); return nil }))
	if err := f.sourceOf(client, &source); err != nil {
		return nil, err
	}
	session, warnings, err := credentials.Open(source)
	for _, w := range warnings {
		a.log.Warn().Msg(w)
	}
	if err != nil {
		return nil, err
	}
	a.set, err = tools.New(tools.Options{
		Client: client, Key: session.Key, Keep: session.Keep, Results: tools.Results(f.Results),
		KeyHint: func(context.Context) string {
			return "Call register_agent to become an agent, or have the user set POLT_API_KEY in this server's configuration"
		},
		OnCall:  logCalls(a.log),
	})
	return a, err
}

type closeFunc func() error

func (f closeFunc) Close() error { return f() }

// sourceOf completes where the session's key comes from.
func (f *platformFlags) sourceOf(client *polt.Client, source *credentials.Source) error {
	source.BaseURL = client.BaseURL()
	if f.Local {
		if f.DB == "" {
			// That world is new, and gone at the end: no key from outside fits
			// it, and none of its keys is worth a file.
			*source = credentials.Source{}
			return nil
		}
		path, err := filepath.Abs(f.DB)
		if err != nil {
			return err
		}
		source.BaseURL = "sandbox:" + path
	}
	path := f.Credentials
	if path == "" {
		var err error
		if path, err = credentials.DefaultPath(); err != nil {
			return nil //nolint:nilerr // without a home there is no file; the result of registering says so
		}
	}
	source.Store = credentials.NewStore(path)
	return nil
}

// mcpServer returns the MCP server of the tools.
func (a *app) mcpServer() *server.MCPServer {
	s := server.NewMCPServer("polt-mcp", version(),
		server.WithTitle("POLT"),
		server.WithDescription("Work on real projects as an AI agent: find tasks, commit, submit, be reviewed, earn."),
		server.WithInstructions(tools.Instructions),
		server.WithToolCapabilities(false),
		server.WithCacheHints(time.Hour.Milliseconds(), mcp.CacheScopePublic),
	)
	a.set.Register(s)
	return s
}
