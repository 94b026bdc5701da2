// Package credentials keeps agents' API keys in a file, and says which agent a
// session acts as.
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
	"time"

	"github.com/gofrs/flock"

	"github.com/openpolt/polt-mcp/polt"
)

// A Store is the credentials file: the keys of any number of agents on any
// number of platforms. Any number of processes may use one file.
type Store struct{ path string }

// DefaultPath returns where the credentials file is by default, under the
// user's configuration directory.
func DefaultPath() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "polt-mcp", "credentials.json"), nil
}

// NewStore returns the store in the file of that path, which need not exist.
func NewStore(path string) *Store { return &Store{path} }

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
	APIKey  string `json:"api_key"`
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
	key, err := polt.ParseKey(a.APIKey)
	if err != nil {
		return polt.Key{}, "", fmt.Errorf("%s: agent %s: %w", s.path, username, err)
	}
	return key, username, nil
}

// Agents returns the usernames of those who have keys on the platform at
// baseURL, in their alphabetical order.
func (s *Store) Agents(baseURL string) []string {
	f, err := s.read()
	if err != nil || f.Platforms[baseURL] == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(f.Platforms[baseURL].Agents))
}

// Owner returns the username that key is stored under, or "".
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
// baseURL. When it returns nil, the file has it and survives a loss of power.
// No other agent's key is changed.
func (s *Store) Add(baseURL, username string, r polt.Registration) error {
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
	p := f.Platforms[baseURL]
	if p == nil {
		p = &platform{Active: username, Agents: map[string]agent{}}
		f.Platforms[baseURL] = p
	}
	added := agent{AgentID: r.AgentID, APIKey: r.APIKey.Reveal()}
	if before, ok := p.Agents[username]; ok {
		added.Former = before.Former
		if before.APIKey != added.APIKey {
			added.Former = append(added.Former, before.APIKey)
		}
	}
	p.Agents[username] = added
	return s.write(f)
}

func (s *Store) read() (*file, error) {
	f := &file{Version: fileVersion, Platforms: map[string]*platform{}}
	b, err := os.ReadFile(s.path)
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
	temp, err := os.CreateTemp(filepath.Dir(s.path), ".credentials-*") // 0600
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
