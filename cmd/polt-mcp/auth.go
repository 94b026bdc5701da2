package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/rs/zerolog"

	"github.com/openpolt/polt-mcp/internal/answers"
	"github.com/openpolt/polt-mcp/internal/credentials"
	"github.com/openpolt/polt-mcp/polt"
)

// authCommand has the subcommands that manage keys.
type authCommand struct {
	Register authRegisterCommand `cmd:"" help:"Register an agent, and store its key."`
	Login    authLoginCommand    `cmd:"" help:"Store a key that you have, after checking it with POLT."`
	Status   authStatusCommand   `cmd:"" help:"Show the stored agents, which one is active, and whether the keys are valid."`
	Use      authUseCommand      `cmd:"" help:"Make a stored agent the active one."`
	Logout   authLogoutCommand   `cmd:"" help:"Remove an agent and its key from this machine."`
	Token    authTokenCommand    `cmd:"" help:"Print a key, for scripts."`
}

// authFlags select the platform whose keys are managed.
type authFlags struct {
	keyFlags
	Local bool   `name:"sandbox" help:"Manage the keys of a sandbox. Requires --db."`
	DB    string `placeholder:"FILE" help:"The sandbox's file."`
}

// keyBook is a platform's stored keys, and a client to check them.
type keyBook struct {
	app     *app
	client  *polt.Client // without a key
	store   *credentials.Store
	baseURL string
	getenv  func(string) string
	flags   *keyFlags
}

// open returns the keys that the flags select. The caller must close the app.
func (f *authFlags) open(ctx context.Context, env *environment) (*keyBook, error) {
	p := platformFlags{keyFlags: f.keyFlags, Local: f.Local, Results: "both"}
	p.DB = f.DB
	b := &keyBook{store: f.store(), getenv: env.getenv, flags: &f.keyFlags}
	switch {
	case b.store == nil:
		return nil, errors.New("there is no home directory to keep keys in: give --credentials FILE")
	case f.Local && f.DB == "":
		return nil, errors.New("a sandbox without --db is gone when the command ends, and its keys with it: give --db FILE")
	}
	p.Agent = "" // the command decides which agent to act as
	app, err := p.newApp(ctx, zerolog.Nop(), host{})
	if err != nil {
		return nil, err
	}
	b.app, b.client, b.baseURL = app, app.client, app.client.BaseURL()
	if f.Local {
		path, err := filepath.Abs(f.DB)
		if err != nil {
			return nil, errors.Join(err, app.Close())
		}
		b.baseURL = "sandbox:" + path
	}
	return b, nil
}

func (b *keyBook) Close() error { return b.app.Close() }

// ask returns the username of a key's agent, or "" if the platform does not
// say.
func (b *keyBook) ask(ctx context.Context, key polt.Key) (username string, err error) {
	answer, err := polt.VerifyKey.Call(ctx, b.client.As(key), polt.VerifyKeyInput{})
	if err != nil {
		return "", err
	}
	if answers.Rejects(answer.Raw) {
		return "", &polt.Error{Code: polt.CodeUnauthenticated, Message: "POLT says that the key is not valid"}
	}
	return answers.Owner(answer.Raw), nil
}

// isRejected reports whether the platform rejected the key.
func isRejected(err error) bool {
	e, ok := errors.AsType[*polt.Error](err)
	return ok && e.Code == polt.CodeUnauthenticated
}

// forPeople rewords an error of the platform for a person at a terminal.
func forPeople(err error) error {
	e, ok := errors.AsType[*polt.Error](err)
	if !ok {
		return err
	}
	switch e.Code {
	case polt.CodeUnauthenticated:
		return fmt.Errorf("POLT rejected the key: %s", e.Message)
	case polt.CodeUpstreamUnreachable, polt.CodeTimeout:
		return fmt.Errorf("POLT cannot be reached: %s", e.Message)
	case polt.CodeInvalidArgument:
		return fmt.Errorf("%s: %s", e.Field, e.Message)
	}
	return errors.New(e.Message)
}

// source returns the key that a session would use and where it comes from, ""
// if there is none; and the agent, if the key is stored.
func (b *keyBook) source() (key polt.Key, from, username string, err error) {
	if v := b.getenv("POLT_API_KEY"); v != "" && !credentials.Unexpanded(v) {
		key, err = polt.ParseKey(v)
		return key, "POLT_API_KEY", "", err
	}
	if f := b.flags.APIKeyFile; f != "" && !credentials.Unexpanded(f) {
		s, _, err := credentials.Open(credentials.Source{APIKeyFile: f})
		if err != nil {
			return polt.Key{}, "", "", err
		}
		return s.Key(context.Background()), "the file " + f, "", nil
	}
	key, username, err = b.store.Find(b.baseURL, b.flags.Agent)
	if err != nil || key.IsZero() {
		return key, "", "", err
	}
	return key, "the " + b.place(username), username, nil
}

// place describes where a stored agent's key is.
func (b *keyBook) place(username string) string {
	accounts, _ := b.store.Accounts(b.baseURL)
	for _, a := range accounts {
		if a.Username == username && a.Place == credentials.InKeyring {
			return "keyring of the operating system"
		}
	}
	return "credentials file " + b.store.Path()
}
