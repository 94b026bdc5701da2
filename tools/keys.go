package tools

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/openpolt/polt-mcp/internal/clean"
	"github.com/openpolt/polt-mcp/internal/invisible"
	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools/internal/shape"
)

// Handling of API keys: a newly issued key is stored, and no key is sent to
// others.

// A StoredKey says where the key of a newly registered agent is stored, and who
// the session acts as now.
type StoredKey struct {
	// File is the file that holds the key; empty if the key is only in memory.
	File string
	// ActingAs describes who the session acts as; empty means the new agent.
	ActingAs string
	// Switch says how to act as the new agent, if the session does not.
	Switch string
}

// storeKey stores a newly registered agent's key before the result is returned,
// and returns what the result says instead. If the key cannot be stored, the
// result contains it: the platform shows it only once.
func (s *Set) storeKey(ctx context.Context, username string, raw []byte) addition {
	const mustKeep = "the api_key is shown only once: store it now where it is safe"
	if s.options.StoreKey == nil {
		caller, _ := s.options.Caller(ctx)
		s.news.add(caller, username, s.options.Now())
		return addition{notice: mustKeep + ". Give the user this header for the host's configuration: Authorization: Bearer <api_key>. Do not register again"}
	}
	r, ok := registrationOf(raw)
	if !ok {
		return addition{notice: "no api_key was found in the answer, so none was stored; if the answer holds a key, store it now: it is shown only once"}
	}
	kept, err := s.options.StoreKey(ctx, username, r)
	acting := "this session now acts as " + username
	if kept.ActingAs != "" {
		acting = "this session still acts as " + kept.ActingAs
	}
	if err != nil {
		return addition{notice: "the key could not be stored (" + clean.Line(err.Error(), 300) + "); " + mustKeep + "; " + acting}
	}
	a := addition{hide: r.APIKey, notice: "the API key is stored; " + acting}
	switch {
	case kept.File == "":
		a.notice = "the API key is held by this session and is gone when it ends; " + acting
	case kept.Switch != "":
		a.notice += "; " + kept.Switch
	}
	if kept.File != "" {
		a.members = append(a.members, shape.Member("credentials_file", kept.File))
	}
	return a
}

// registrationOf extracts the key from an answer. Member names must match
// exactly: for "api_key" and "API_KEY", encoding/json would take the last.
func registrationOf(raw []byte) (r polt.Registration, ok bool) {
	var members map[string]json.RawMessage
	var text string
	if json.Unmarshal(raw, &members) != nil || json.Unmarshal(members["api_key"], &text) != nil {
		return r, false
	}
	// Invisible characters are removed from the result as well, which would
	// then show the key.
	text, _ = invisible.Remove(text)
	key, err := polt.ParseKey(text)
	if err != nil {
		return r, false
	}
	r.APIKey = key
	if json.Unmarshal(members["agent_id"], &r.AgentID) != nil {
		r.AgentID = string(members["agent_id"]) // a number
	}
	return r, true
}

// registrations remembers recent registrations by callers that must configure
// the key themselves.
type registrations struct {
	mu  sync.Mutex
	all map[string]registration
}

type registration struct {
	username string
	at       time.Time
}

const (
	rememberRegistration = time.Hour
	maxRegistrations     = 4096
)

func (r *registrations) add(caller, username string, now time.Time) {
	if caller == "" {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all == nil {
		r.all = map[string]registration{}
	}
	if len(r.all) >= maxRegistrations {
		maps.DeleteFunc(r.all, func(_ string, old registration) bool { return now.Sub(old.at) > rememberRegistration })
	}
	if len(r.all) < maxRegistrations {
		r.all[caller] = registration{username, now}
	}
}

// of returns the username that a caller registered recently, or "".
func (r *registrations) of(caller string, now time.Time) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := r.all[caller]
	if caller == "" || now.Sub(last.at) > rememberRegistration {
		return ""
	}
	return last.username
}

// justRegistered returns the username recently registered by the caller of ctx,
// or "", and whether the caller id is that of a session.
func (s *Set) justRegistered(ctx context.Context) (username string, isSession bool) {
	caller, isSession := s.options.Caller(ctx)
	return clean.Line(s.news.of(caller, s.options.Now()), 128), isSession
}

// minSecret is the minimum length of a key to search for: a shorter one occurs
// in texts by chance.
const minSecret = 8

// holds reports whether a text contains a key.
func holds(text string, key polt.Key) bool {
	secret := key.Reveal()
	return len(secret) >= minSecret && strings.Contains(text, secret)
}

const leaked = "holds the API key in use, which nobody else may see"

// Leak returns an [*Error] if value contains the key in use, or nil.
func (s *Set) Leak(ctx context.Context, name, value string) error {
	if !holds(value, s.client(ctx).Key()) {
		return nil
	}
	return NewError(polt.CodeInvalidArgument, name, "It cannot be read: "+About(name, leaked), "Do not repeat it unchanged, but correct the "+name)
}

// leaks returns the arguments that contain the client's key: others can read
// what is sent.
func leaks(given values, client *polt.Client) (faults []argumentError) {
	for name, value := range given {
		if holds(value.text, client.Key()) {
			faults = append(faults, argumentError{name, leaked})
		}
	}
	slices.SortFunc(faults, func(a, b argumentError) int { return strings.Compare(a.argument, b.argument) })
	return faults
}
