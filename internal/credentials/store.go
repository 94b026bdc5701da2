// Package credentials keeps agents' API keys, in the operating system's keyring
// or in a file, and says which agent a session acts as.
package credentials

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/openpolt/polt-mcp/polt"
)

// A Store is the credentials file: the agents that act from here, on any number
// of platforms. Their keys are in the file too, or in the operating system's
// keyring. Any number of processes may use one file.
type Store struct {
	path    string
	place   Place
	keyring Keyring
}

// A Place is where keys are kept.
type Place string

// The places.
const (
	Auto      Place = "auto" // the keyring where there is one, else the file
	InKeyring Place = "keyring"
	InFile    Place = "file"
)

// DefaultPath returns where the credentials file is by default, under the
// user's configuration directory.
func DefaultPath() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "polt-mcp", "credentials.json"), nil
}

// NewStore returns the store in the file of that path, which need not exist. It
// adds keys to the place given, and finds them in either.
func NewStore(path string, place Place, keyring Keyring) *Store {
	return &Store{path, place, keyring}
}

// Path returns where the file is.
func (s *Store) Path() string { return s.path }

// file is the credentials file. Platforms are known by their base URL.
type file struct {
	Version   int                  `json:"version"`
	Platforms map[string]*platform `json:"platforms"`
}

const fileVersion = 1

type platform struct {
	// Active is whom a session acts as where nothing else says so: the agent
	// that was the first to register.
	Active string           `json:"active"`
	Agents map[string]agent `json:"agents"` // by username
}

type agent struct {
	AgentID string `json:"agent_id,omitempty"`
	APIKey  string `json:"api_key,omitempty"`
	// Keyring says that the keys are in the keyring, and not here.
	Keyring bool `json:"keyring,omitempty"`
	// Former has the keys that the same username had before on a platform of
	// the same URL, such as a sandbox that was begun anew. No key is lost.
	Former []string `json:"former,omitempty"`
}

// Find returns the key of an agent on the platform at baseURL, and its
// username; an empty username means the active one. It returns no key where
// there is none.
func (s *Store) Find(baseURL, username string) (polt.Key, string, error) {
	f, err := s.read()
	if err != nil {
		return polt.Key{}, "", err
	}
	p := f.Platforms[baseURL]
	if p == nil {
		return polt.Key{}, "", nil
	}
	if username == "" {
		username = p.Active
	}
	a, ok := p.Agents[username]
	if !ok {
		return polt.Key{}, "", nil
	}
	keys, err := s.keys(baseURL, username, a)
	if err != nil {
		return polt.Key{}, "", err
	}
	key, err := polt.ParseKey(keys[0])
	if err != nil {
		return polt.Key{}, "", fmt.Errorf("%s: agent %s: %w", s.path, username, err)
	}
	return key, username, nil
}

// keys returns the keys of an agent, the one in use first.
func (s *Store) keys(baseURL, username string, a agent) ([]string, error) {
	if !a.Keyring {
		return append([]string{a.APIKey}, a.Former...), nil
	}
	secret, err := s.keyring.Get(account(baseURL, username))
	if err != nil {
		return nil, fmt.Errorf("the key of %s is in the keyring of the operating system, as %s says, and cannot be read from it: %w", username, s.path, err)
	}
	return strings.Split(secret, "\n"), nil
}

// account is what the keyring calls an agent.
func account(baseURL, username string) string { return username + " on " + baseURL }

// Agents returns the usernames of those who have keys on the platform at
// baseURL, in their alphabetical order.
func (s *Store) Agents(baseURL string) []string {
	f, err := s.read()
	if err != nil || f.Platforms[baseURL] == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(f.Platforms[baseURL].Agents))
}

// An Account is an agent that the store knows.
type Account struct {
	Username string
	AgentID  string
	Active   bool // it is whom a session acts as where nothing else says so
	Place    Place
}

// Accounts returns the agents on the platform at baseURL, in the alphabetical
// order of their names.
func (s *Store) Accounts(baseURL string) ([]Account, error) {
	f, err := s.read()
	if err != nil || f.Platforms[baseURL] == nil {
		return nil, err
	}
	p := f.Platforms[baseURL]
	var all []Account
	for _, username := range slices.Sorted(maps.Keys(p.Agents)) {
		a := Account{Username: username, AgentID: p.Agents[username].AgentID, Active: username == p.Active, Place: InFile}
		if p.Agents[username].Keyring {
			a.Place = InKeyring
		}
		all = append(all, a)
	}
	return all, nil
}

// Owner returns the username that key is stored under, or "". It does not look
// into the keyring, which may ask the user.
func (s *Store) Owner(baseURL string, key polt.Key) string {
	f, err := s.read()
	if err != nil || f.Platforms[baseURL] == nil {
		return ""
	}
	for username, a := range f.Platforms[baseURL].Agents {
		if a.APIKey == key.Reveal() {
			return username
		}
	}
	return ""
}

// lockTimeout is how long another process may hold the file. A key that cannot
// be stored by then is shown instead: it must not wait until it is lost.
const lockTimeout = 3 * time.Second

// Add stores the key of an agent that has registered on the platform at
// baseURL, and says where. When it returns no error, the key survives a loss of
// power. No other agent's key is changed.
func (s *Store) Add(baseURL, username string, r polt.Registration) (Place, error) {
	place := InFile
	err := s.change(func(f *file) (after func() error, err error) {
		p := f.Platforms[baseURL]
		if p == nil {
			p = &platform{Agents: map[string]agent{}}
			f.Platforms[baseURL] = p
		}
		if _, ok := p.Agents[p.Active]; !ok {
			p.Active = username
		}
		before, had := p.Agents[username]
		keys := []string{r.APIKey.Reveal()}
		if had {
			former, err := s.keys(baseURL, username, before)
			if err != nil {
				return nil, err // to write over it would lose a key
			}
			keys = append(keys, slices.DeleteFunc(former, func(k string) bool { return k == keys[0] })...)
		}
		place, err = s.put(baseURL, username, keys)
		if err != nil {
			return nil, err
		}
		added := agent{AgentID: r.AgentID, Keyring: place == InKeyring}
		if added.AgentID == "" {
			added.AgentID = before.AgentID
		}
		if !added.Keyring {
			added.APIKey, added.Former = keys[0], keys[1:]
		}
		p.Agents[username] = added
		if before.Keyring && !added.Keyring {
			return func() error { return s.keyring.Delete(account(baseURL, username)) }, nil
		}
		return nil, nil
	})
	return place, err
}

// put puts keys into the keyring, if that is their place, and says where they
// are to be.
func (s *Store) put(baseURL, username string, keys []string) (Place, error) {
	if s.place == InFile || s.keyring == nil || s.place == Auto && !s.keyring.Available() {
		if s.place == InKeyring {
			return "", errors.New("there is no keyring to store the key in")
		}
		return InFile, nil
	}
	secret := strings.Join(keys, "\n")
	err := s.keyring.Set(account(baseURL, username), secret)
	if err == nil { // what says that it has stored something may have not
		var is string
		if is, err = s.keyring.Get(account(baseURL, username)); err == nil && is != secret {
			err = errors.New("it has another text than was written to it")
		}
	}
	if err != nil && s.place == InKeyring {
		return "", fmt.Errorf("the keyring of the operating system: %w", err)
	}
	if err != nil {
		return InFile, nil //nolint:nilerr // the file is there for that
	}
	return InKeyring, nil
}

// ErrUnknown is returned for an agent that the store does not know.
var ErrUnknown = errors.New("no key of that agent is stored here")

// Use has sessions act as an agent where nothing else says whom to act as.
func (s *Store) Use(baseURL, username string) error {
	return s.change(func(f *file) (func() error, error) {
		p := f.Platforms[baseURL]
		if p == nil {
			return nil, ErrUnknown
		}
		if _, ok := p.Agents[username]; !ok {
			return nil, ErrUnknown
		}
		p.Active = username
		return nil, nil
	})
}

// Remove forgets an agent and its keys, which cannot be had again.
func (s *Store) Remove(baseURL, username string) error {
	return s.change(func(f *file) (func() error, error) {
		p := f.Platforms[baseURL]
		if p == nil {
			return nil, ErrUnknown
		}
		a, ok := p.Agents[username]
		if !ok {
			return nil, ErrUnknown
		}
		delete(p.Agents, username)
		if p.Active == username {
			p.Active = ""
		}
		if a.Keyring {
			return func() error { return s.keyring.Delete(account(baseURL, username)) }, nil
		}
		return nil, nil
	})
}

// change changes the file while no other process can. What change returns is
// done once the file is written.
func (s *Store) change(change func(*file) (after func() error, err error)) error {
	if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
		return err
	}
	lock := flock.New(s.path + ".lock")
	patience, cancel := context.WithTimeout(context.Background(), lockTimeout)
	defer cancel()
	if _, err := lock.TryLockContext(patience, lockTimeout/100); err != nil {
		return fmt.Errorf("%s cannot be locked: %w", s.path, err)
	}
	defer func() { _ = lock.Unlock() }()
	f, err := s.read()
	if err != nil {
		return err
	}
	after, err := change(f)
	if err == nil {
		err = s.write(f)
	}
	if err == nil && after != nil {
		err = after()
	}
	return err
}

func (s *Store) read() (*file, error) {
	f := &file{Version: fileVersion, Platforms: map[string]*platform{}}
	b, err := readSecret(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, f); err != nil {
		return nil, fmt.Errorf("%s is not a credentials file, and is left as it is: %w", s.path, err)
	}
	if f.Version != fileVersion || f.Platforms == nil {
		return nil, fmt.Errorf("%s is not a credentials file of version %d, and is left as it is", s.path, fileVersion)
	}
	for url, p := range f.Platforms {
		if p == nil || p.Agents == nil {
			return nil, fmt.Errorf("%s has no agents for %s, and is left as it is", s.path, url)
		}
	}
	return f, nil
}

// write replaces the file at once: a reader, or a crash, meets the old one or
// the new one.
func (s *Store) write(f *file) error {
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(s.path), leftovers) // 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temp.Name()) }() // gone already when all went well
	_, err = temp.Write(append(b, '\n'))
	err = errors.Join(err, temp.Sync(), temp.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(temp.Name(), s.path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(s.path))
}

// syncDir makes a rename in a directory last. Where a system cannot, as
// Windows, the rename is as good as it gets.
func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // the directory of the user's own file
	if err != nil {
		return nil //nolint:nilerr // see above
	}
	_ = d.Sync()
	return d.Close()
}
