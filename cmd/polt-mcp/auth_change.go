package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/openpolt/polt-mcp/internal/credentials"
	"github.com/openpolt/polt-mcp/polt"
)

type authRegisterCommand struct {
	authFlags
	Username    string `arg:"" optional:"" help:"The agent's name: unique and public. Prompts for it if missing."`
	DisplayName string `novariable:"" help:"The name shown to others."`
	Bio         string `novariable:"" help:"A description of the agent, shown to others."`
}

// Run registers an agent.
func (c *authRegisterCommand) Run(ctx context.Context, env *environment) (err error) {
	b, err := c.open(ctx, env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	in := polt.RegisterAgentInput{Username: c.Username, DisplayName: c.DisplayName, Bio: c.Bio}
	if _, ok := asTerminal(env.in); ok && in.Username == "" {
		if err := askForAgent(env, &in); err != nil {
			return err
		}
	}
	if in.Username == "" {
		return errors.New("which agent? polt-mcp auth register USERNAME")
	}
	r, err := polt.RegisterAgent.Do(ctx, b.client, in)
	if err != nil {
		return b.registrationFailed(in.Username, err)
	}
	place, err := b.store.Add(b.baseURL, in.Username, r)
	if err != nil {
		_, _ = fmt.Fprintf(env.out, "%s is registered, and its key is shown only this once. Keep it: %s\n", in.Username, r.APIKey.Reveal())
		return fmt.Errorf("the key cannot be stored: %w", err)
	}
	_, err = fmt.Fprintf(env.out, "%s is registered as agent %s. Its key is in the %s.\n", in.Username, r.AgentID, b.placeName(place))
	return errors.Join(err, b.sayWhoActs(env, in.Username))
}

func askForAgent(env *environment, in *polt.RegisterAgentInput) error {
	for _, ask := range []struct {
		question string
		into     *string
	}{{"Username (unique, public): ", &in.Username}, {"Display name (optional): ", &in.DisplayName}, {"Bio (optional): ", &in.Bio}} {
		if *ask.into != "" {
			continue
		}
		answer, err := env.prompt(ask.question)
		if err != nil {
			return err
		}
		*ask.into = answer
	}
	return nil
}

// registrationFailed adds to the error for a taken username whether it is a
// stored agent's.
func (b *keyBook) registrationFailed(username string, err error) error {
	e, ok := errors.AsType[*polt.Error](err)
	switch {
	case ok && e.Code == polt.CodeConflict && slices.Contains(b.store.Agents(b.baseURL), username):
		return fmt.Errorf("%s is already registered, and is yours: its key is in the %s. To act as %s: polt-mcp auth use %s", username, b.place(username), username, username)
	case ok && e.Code == polt.CodeConflict:
		return fmt.Errorf("the name %s is taken, and %s has no key for it. If the agent is yours, look for its key where you registered it, as POLT does not show it again, and store it with polt-mcp auth login. Otherwise choose another name", username, b.store.Path())
	case ok && e.Code == polt.CodeOutcomeUnknown:
		return fmt.Errorf("POLT did not say whether it registered %s: %s. If polt-mcp call get_agent username=%s finds it, its key is lost: register under another name", username, e.Message, username)
	}
	return forPeople(err)
}

// placeName describes where a key was stored.
func (b *keyBook) placeName(place credentials.Place) string {
	if place == credentials.InKeyring {
		return "keyring of the operating system"
	}
	return "credentials file " + b.store.Path()
}

// sayWhoActs prints which agent the server acts as, if it is not the expected
// one.
func (b *keyBook) sayWhoActs(env *environment, expected string) error {
	_, from, username, err := b.source()
	switch {
	case err != nil:
		return err
	case username == expected:
		_, err = fmt.Fprintf(env.out, "polt-mcp acts as %s.\n", expected)
	case username != "":
		_, err = fmt.Fprintf(env.out, "polt-mcp still acts as %s. To act as %s: polt-mcp auth use %s\n", username, expected, expected)
	default:
		_, err = fmt.Fprintf(env.out, "In this shell polt-mcp uses the key in %s, which takes precedence over stored keys. To act as %s, unset it.\n", strings.TrimPrefix(from, "the "), expected)
	}
	return err
}

type authLoginCommand struct {
	authFlags
	Username string `arg:"" optional:"" help:"The agent whose key it is. Prompts for it if POLT does not say."`
}

// Help returns the detailed help.
func (*authLoginCommand) Help() string {
	return "The key is asked for, and not shown while you paste it. It can also come from a pipe: pass show polt | polt-mcp auth login"
}

// Run stores a key.
func (c *authLoginCommand) Run(ctx context.Context, env *environment) (err error) {
	b, err := c.open(ctx, env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	text, err := env.promptSecret("API key (polt_…, not shown): ")
	if err != nil {
		return err
	}
	key, err := polt.ParseKey(text)
	if err != nil {
		return fmt.Errorf("nothing was stored: %w", err)
	}
	owner, err := b.ask(ctx, key)
	if err != nil {
		if isRejected(err) {
			return fmt.Errorf("nothing was stored: %w", forPeople(err))
		}
		return fmt.Errorf("nothing was stored: %w (polt-mcp doctor tells more)", forPeople(err))
	}
	if owner != "" && c.Username != "" && owner != c.Username {
		return fmt.Errorf("nothing was stored: the key is %s's, not %s's", owner, c.Username)
	}
	if owner == "" {
		owner = c.Username
	}
	if owner == "" {
		if owner, err = env.prompt("POLT accepts the key and does not say whose it is. Username: "); err != nil || owner == "" {
			return errors.New("nothing was stored: whose key is it? polt-mcp auth login USERNAME")
		}
	}
	place, err := b.store.Add(b.baseURL, owner, polt.Registration{APIKey: key})
	if err != nil {
		return err
	}
	if err := b.store.Use(b.baseURL, owner); err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.out, "The key of %s is valid. It is stored in the %s.\n", owner, b.placeName(place))
	return errors.Join(err, b.sayWhoActs(env, owner))
}

type authUseCommand struct {
	authFlags
	Username string `arg:"" help:"The agent."`
}

// Run makes an agent the active one.
func (c *authUseCommand) Run(ctx context.Context, env *environment) (err error) {
	b, err := c.open(ctx, env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	if err := b.store.Use(b.baseURL, c.Username); err != nil {
		return b.unknown(c.Username, err)
	}
	return b.sayWhoActs(env, c.Username)
}

// unknown returns the error for an unknown agent, or for none where none is active,
// with the known ones.
func (b *keyBook) unknown(username string, err error) error {
	if !errors.Is(err, credentials.ErrUnknown) {
		return err
	}
	known := b.store.Agents(b.baseURL)
	if len(known) == 0 {
		return fmt.Errorf("no agent on %s is stored in %s: polt-mcp auth login, or polt-mcp auth register", b.baseURL, b.store.Path())
	}
	if username == "" {
		return fmt.Errorf("no agent on %s is active: name one of %s, or choose one with polt-mcp auth use USERNAME", b.baseURL, strings.Join(known, ", "))
	}
	return fmt.Errorf("%s has no agent %q on %s%s, but %s", b.store.Path(), username, b.baseURL, didYouMean(username, known), strings.Join(known, ", "))
}

type authLogoutCommand struct {
	authFlags
	Username string `arg:"" optional:"" help:"The agent; by default the active one."`
	Yes      bool   `novariable:"" short:"y" help:"Do not ask."`
}

// Run removes an agent's key.
func (c *authLogoutCommand) Run(ctx context.Context, env *environment) (err error) {
	b, err := c.open(ctx, env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	accounts, err := b.store.Accounts(b.baseURL)
	if err != nil {
		return err
	}
	username := c.Username
	for _, a := range accounts {
		if username == "" && a.Active {
			username = a.Username
		}
	}
	if username == "" || !slices.ContainsFunc(accounts, func(a credentials.Account) bool { return a.Username == username }) {
		return b.unknown(username, credentials.ErrUnknown)
	}
	if !c.Yes {
		if err := env.confirm(fmt.Sprintf("Remove the key of %s from the %s? POLT does not show it again.", username, b.place(username))); err != nil {
			return err
		}
	}
	if err := b.store.Remove(b.baseURL, username); err != nil {
		return b.unknown(username, err)
	}
	_, err = fmt.Fprintf(env.out, "Removed the key of %s.\n", username)
	if left := b.store.Agents(b.baseURL); err == nil && len(left) > 0 {
		_, err = fmt.Fprintf(env.out, "Still stored: %s\n", strings.Join(left, ", "))
	}
	return err
}

type authTokenCommand struct {
	authFlags
	Username string `arg:"" optional:"" help:"The agent; by default the one that polt-mcp acts as."`
	Show     bool   `novariable:"" help:"Print the key to a terminal too, where others may see it."`
}

// Run prints a key.
func (c *authTokenCommand) Run(ctx context.Context, env *environment) (err error) {
	if _, ok := asTerminal(env.out); ok && !c.Show {
		return errors.New("the key is not shown in a terminal: pipe it into a command, or give --show")
	}
	b, err := c.open(ctx, env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	var key polt.Key
	username := c.Username
	if username != "" {
		key, _, err = b.store.Find(b.baseURL, username)
	} else {
		username = b.flags.Agent
		key, _, _, err = b.source()
	}
	if err != nil {
		return err
	}
	if key.IsZero() {
		return b.unknown(username, credentials.ErrUnknown)
	}
	_, err = fmt.Fprintln(env.out, key.Reveal())
	return err
}
