package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/openpolt/polt-mcp/internal/credentials"
	"github.com/openpolt/polt-mcp/polt"
)

type authStatusCommand struct {
	authFlags
	JSON bool `help:"Print the status as JSON."`
}

// authStatus is the status of a platform's keys.
type authStatus struct {
	Platform string `json:"platform"`
	// ActingAs is the agent that a session acts as, if known.
	ActingAs string `json:"acting_as,omitempty"`
	// Source says where the key in use comes from; empty if there is none.
	Source   string        `json:"source,omitempty"`
	State    keyState      `json:"state"`
	Detail   string        `json:"detail,omitempty"`
	File     string        `json:"credentials_file"`
	FileIs   string        `json:"credentials_file_is"` // present or missing
	Agents   []agentStatus `json:"agents"`
	Warnings []string      `json:"warnings,omitempty"`
}

type agentStatus struct {
	Username string   `json:"username"`
	Active   bool     `json:"active"`
	Place    string   `json:"place"`
	State    keyState `json:"state"`
	Detail   string   `json:"detail,omitempty"`
}

// A keyState is the platform's verdict on a key.
type keyState string

const (
	keyValid   keyState = "valid"
	keyInvalid keyState = "rejected"
	keyUnknown keyState = "not checked"
	keyNone    keyState = "no key"
)

// Run prints the status. It fails if no valid key is in use.
func (c *authStatusCommand) Run(ctx context.Context, env *environment) (err error) {
	b, err := c.open(ctx, env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	s := b.status(ctx)
	if c.JSON {
		enc := json.NewEncoder(env.out)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		err = enc.Encode(s)
	} else {
		err = s.print(env)
	}
	if err == nil && s.State != keyValid {
		err = errReported
	}
	return err
}

// status checks every key with the platform.
func (b *keyBook) status(ctx context.Context) authStatus {
	s := authStatus{Platform: b.baseURL, File: b.store.Path(), FileIs: "present", State: keyNone, Agents: []agentStatus{}}
	if _, err := os.Stat(s.File); errors.Is(err, fs.ErrNotExist) {
		s.FileIs = "missing"
	}
	key, from, stored, err := b.source()
	if err != nil {
		s.State, s.Detail = keyUnknown, err.Error()
	}
	s.Source, s.ActingAs = from, stored
	if !key.IsZero() {
		var owner string
		owner, s.State, s.Detail = b.check(ctx, key)
		if owner != "" {
			s.ActingAs = owner
		}
	}
	accounts, err := b.store.Accounts(b.baseURL)
	if err != nil {
		s.Warnings = append(s.Warnings, err.Error())
	}
	for _, a := range accounts {
		agent := agentStatus{Username: a.Username, Active: a.Active, Place: string(a.Place), State: keyUnknown, Detail: s.Detail}
		switch {
		case a.Username == stored:
			agent.State = s.State
		case s.State == keyUnknown: // nor would this key be checked
		default:
			agent.State, agent.Detail = b.checkStored(ctx, a.Username)
		}
		s.Agents = append(s.Agents, agent)
	}
	s.warn(stored, accounts)
	s.Warnings = append(s.Warnings, b.store.RemoveLeftovers()...)
	s.Warnings = append(s.Warnings, credentials.Exposed(b.store.Path())...)
	if b.flags.APIKeyFile != "" {
		s.Warnings = append(s.Warnings, credentials.Exposed(b.flags.APIKeyFile)...)
	}
	return s
}

// warn adds a warning if the key in use overrides a stored one.
func (s *authStatus) warn(stored string, accounts []credentials.Account) {
	for _, a := range accounts {
		if a.Active && stored == "" && s.Source != "" {
			s.Warnings = append(s.Warnings, fmt.Sprintf("the key in %s overrides the stored key of %s: unset it to act as %s", s.Source, a.Username, a.Username))
		}
	}
}

func (b *keyBook) checkStored(ctx context.Context, username string) (keyState, string) {
	key, _, err := b.store.Find(b.baseURL, username)
	if err != nil {
		return keyUnknown, err.Error()
	}
	_, state, detail := b.check(ctx, key)
	return state, detail
}

// check asks the platform whether a key is valid, and whose it is.
func (b *keyBook) check(ctx context.Context, key polt.Key) (owner string, _ keyState, detail string) {
	owner, err := b.ask(ctx, key)
	switch {
	case err == nil:
		return owner, keyValid, ""
	case isRejected(err):
		return "", keyInvalid, forPeople(err).Error()
	}
	return "", keyUnknown, forPeople(err).Error()
}

func (s *authStatus) print(env *environment) error {
	who := s.ActingAs
	switch {
	case s.Source == "":
		who = "nobody"
	case who == "":
		who = "an agent that POLT does not name"
	}
	state := string(s.State)
	if s.Detail != "" {
		state += ": " + s.Detail
	}
	screen := env.screen()
	var b strings.Builder
	for _, line := range [][2]string{
		{"Platform", s.Platform}, {"Acting as", who}, {"Key from", s.Source}, {"Key", state}, {"File", s.File + " (" + s.FileIs + ")"},
	} {
		if line[1] != "" {
			fmt.Fprintf(&b, "%s%s\n", screen.bold(fmt.Sprintf("%-11s", line[0])), screen.wrap(line[1], "           "))
		}
	}
	var rows [][]string
	for _, a := range s.Agents {
		active := ""
		if a.Active {
			active = "*"
		}
		rows = append(rows, []string{a.Username, active, a.Place, string(a.State)})
	}
	if len(rows) > 0 {
		b.WriteString("\n" + screen.table([]string{"AGENT", "ACTIVE", "KEY IN", "KEY"}, rows, nil))
	}
	if _, err := io.WriteString(env.out, b.String()); err != nil {
		return err
	}
	for _, warning := range s.Warnings {
		if _, err := fmt.Fprintln(env.err, "polt-mcp:", warning); err != nil {
			return err
		}
	}
	if s.State == keyNone {
		_, err := fmt.Fprintln(env.err, "\nTo become an agent: polt-mcp auth register. To store a key that you have: polt-mcp auth login.")
		return err
	}
	return nil
}
