package credentials

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
)

// A Session is the identity of one MCP session: it has at most one key at a time,
// and stores the keys of agents that register in it. It may be used by any number
// of goroutines.
type Session struct {
	store     *Store
	ephemeral bool // see Source.Ephemeral
	baseURL   string
	agent     string // stored agent to act as; "" is the active one

	problem string // what is wrong with the key setting, or ""

	mu     sync.Mutex
	key    polt.Key
	who    string // in words; "" without a key
	source string // in words; "" without a key
}

// Source lists where a session's key may come from. The first field with a key
// wins; the zero value has none.
type Source struct {
	APIKey     string // from POLT_API_KEY
	APIKeyFile string // from POLT_API_KEY_FILE: the path of a file with the key
	Agent      string // stored agent to act as, or the username to register; "" is the active agent
	BaseURL    string
	Store      *Store // nil for no credentials file, so that no key can be stored
	// Ephemeral means that the platform exists only as long as the session: keys
	// are kept in memory only.
	Ephemeral bool
}

// Warnings are problems that the user should fix, though the session works.
type Warnings []string

// Open returns the session of a source. An unusable key is an error; a missing one
// is not.
func Open(src Source) (*Session, Warnings, error) {
	s := &Session{store: src.Store, ephemeral: src.Ephemeral, baseURL: src.BaseURL, agent: src.Agent}
	var warnings Warnings
	var problems []string
	if is := Placeholder(src.APIKey); is != "" {
		problems = append(problems, "POLT_API_KEY is "+is+": set it to the key, or take the line out")
		src.APIKey = ""
	}
	if Unexpanded(src.APIKeyFile) {
		problems = append(problems, "POLT_API_KEY_FILE is the text of a variable that your MCP host did not expand: set it to a path, or take the line out")
		src.APIKeyFile = ""
	}
	for _, problem := range problems {
		warnings = append(warnings, problem+"; going on without it")
	}
	s.problem = strings.Join(problems, ". ")
	var err error
	if src.Store != nil {
		warnings = append(warnings, src.Store.RemoveLeftovers()...)
		warnings = append(warnings, Exposed(src.Store.Path())...)
	}
	switch {
	case src.APIKey != "":
		s.key, err = polt.ParseKey(strings.TrimSpace(src.APIKey))
		if err != nil {
			return nil, warnings, fmt.Errorf("POLT_API_KEY: %w", err)
		}
		s.who, s.source = s.owner("the agent whose key is in POLT_API_KEY"), "POLT_API_KEY"
	case src.APIKeyFile != "":
		if s.key, err = readKeyFile(src.APIKeyFile); err != nil {
			return nil, warnings, fmt.Errorf("POLT_API_KEY_FILE: %w", err)
		}
		s.who, s.source = s.owner("the agent whose key is in POLT_API_KEY_FILE"), "POLT_API_KEY_FILE"
		warnings = append(warnings, Exposed(src.APIKeyFile)...)
	case src.Store != nil:
		s.key, s.who, err = src.Store.Find(src.BaseURL, src.Agent)
		s.source = credentialsFile
		if err != nil {
			return s, append(warnings, err.Error()+"; going on without a key"), nil //nolint:nilerr // what else works should
		}
		if others := src.Store.Agents(src.BaseURL); src.Agent != "" && s.key.IsZero() && len(others) > 0 {
			return nil, warnings, fmt.Errorf("the credentials file %s has no agent %q on %s, but %s; to register one more, start without --agent (POLT_AGENT), or with --credentials in another file",
				src.Store.Path(), src.Agent, src.BaseURL, strings.Join(others, ", "))
		}
	}
	return s, warnings, nil
}

func readKeyFile(path string) (polt.Key, error) {
	b, err := readSecret(path)
	if err != nil {
		return polt.Key{}, err
	}
	return polt.ParseKey(strings.TrimSpace(string(b)))
}

// owner returns the name of the key's agent if the store knows it.
func (s *Session) owner(otherwise string) string {
	if s.store != nil {
		if name := s.store.Owner(s.baseURL, s.key); name != "" {
			return name
		}
	}
	return otherwise
}

// Key returns the session's key, or a zero key. A session without one adopts the
// key of an agent that has meanwhile registered in another session, as a new
// session would.
func (s *Session) Key(context.Context) polt.Key {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.key.IsZero() && s.store != nil {
		if key, who, err := s.store.Find(s.baseURL, s.agent); err == nil {
			s.key, s.who, s.source = key, who, credentialsFile
		}
	}
	return s.key
}

// Who returns the name of the session's agent, or "" if it has none or the name is
// unknown.
func (s *Session) Who(ctx context.Context) string {
	if s.Key(ctx).IsZero() {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if strings.Contains(s.who, " ") { // it says where the key is from
		return ""
	}
	return s.who
}

// Source describes where the session's key came from, or returns "" if it has
// none.
func (s *Session) Source(ctx context.Context) string {
	if s.Key(ctx).IsZero() {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.source
}

// Resume makes a session without a key act as an agent whose key is stored. It
// returns the agent's username, or "" if the session is another agent's or no such
// key is stored.
func (s *Session) Resume(ctx context.Context, username string) string {
	current := s.Key(ctx)
	if s.store == nil {
		return ""
	}
	key, who, err := s.store.Find(s.baseURL, username)
	if err != nil || key.IsZero() || who == "" || !strings.EqualFold(who, username) || !current.IsZero() && current != key {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.key, s.who, s.source = key, who, credentialsFile
	return who
}

// credentialsFile is the source of a key that was stored here.
const credentialsFile = "the credentials file"

// StoreKey stores the key of an agent that has registered. The session acts as
// that agent only if it had no key: registering never replaces its identity. The
// result is valid even if the key cannot be stored.
func (s *Session) StoreKey(_ context.Context, username string, r polt.Registration) (tools.StoredKey, error) {
	var stored tools.StoredKey
	var err error
	switch { // without the lock, so as not to block other calls
	case s.store != nil:
		stored.File = s.store.Path()
		_, err = s.store.Add(s.baseURL, username, r)
	case !s.ephemeral:
		err = errors.New("there is no configuration directory to store it in")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.key.IsZero() || s.key == r.APIKey { // found in the file by another call
		s.key, s.who, s.source = r.APIKey, username, "registering in this session"
		return stored, err
	}
	stored.ActingAs = s.who
	if s.ephemeral {
		return stored, errors.New("this session has nowhere to store a second key")
	}
	stored.Switch = fmt.Sprintf("to act as %s, restart the server with --agent %s (POLT_AGENT) and without POLT_API_KEY and POLT_API_KEY_FILE", username, username)
	return stored, err
}

// Problem says why the session's key setting was not used, or is empty.
func (s *Session) Problem() string { return s.problem }
