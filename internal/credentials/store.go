// Package credentials stores agents' API keys, in the operating system's keyring
// or in a file, and decides which agent a session acts as.
package credentials

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/openpolt/polt-mcp/internal/symlink"
	"github.com/openpolt/polt-mcp/polt"
)

// A Store is the credentials file: it lists agents on any number of platforms.
// Their keys are in the file too, or in the operating system's keyring. Any number
// of processes may use one file.
type Store struct {
	path    string
	place   Place
	keyring Keyring
}

// A Place is where keys are stored.
type Place string

// The places.
const (
	Auto      Place = "auto" // the keyring if available, else the file
	InKeyring Place = "keyring"
	InFile    Place = "file"
)

// DefaultPath returns the default path of the credentials file, in the user's
// configuration directory.
func DefaultPath() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "polt-mcp", "credentials.json"), nil
}

// NewStore returns the store at path, which need not exist. It adds keys to place,
// and finds them in both places.
func NewStore(path string, place Place, keyring Keyring) *Store {
	return &Store{path, place, keyring}
}

// Path returns the file's path.
func (s *Store) Path() string { return s.path }

// Find returns the key of an agent on the platform at baseURL, and its
// username; an empty username means the active one. It returns a zero key if there
// is none.
func (s *Store) Find(baseURL, username string) (polt.Key, string, error) {
	f, err := s.read()
	if err != nil {
		return polt.Key{}, "", err
	}
	baseURL, username = f.locate(baseURL, username)
	a, ok := f.agent(baseURL, username)
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

// account is the name of an agent's keyring entry.
func account(baseURL, username string) string { return username + " on " + baseURL }

// Agents returns the sorted usernames of the stored agents on the platform at
// baseURL.
func (s *Store) Agents(baseURL string) []string {
	accounts, err := s.Accounts(baseURL)
	if err != nil {
		return nil
	}
	var all []string
	for _, a := range accounts {
		all = append(all, a.Username)
	}
	return all
}

// An Account is an agent that the store knows.
type Account struct {
	Username string
	AgentID  string
	Active   bool // the default agent
	Place    Place
}

// Accounts returns the agents on the platform at baseURL, sorted by name.
func (s *Store) Accounts(baseURL string) ([]Account, error) {
	f, err := s.read()
	if err != nil {
		return nil, err
	}
	_, active := f.locate(baseURL, "")
	agents := map[string]agent{}
	for _, url := range slices.Backward(f.spellings(baseURL)) {
		maps.Copy(agents, f.Platforms[url].Agents)
	}
	var all []Account
	for _, username := range slices.Sorted(maps.Keys(agents)) {
		a := Account{Username: username, AgentID: agents[username].AgentID, Active: username == active, Place: InFile}
		if agents[username].Keyring {
			a.Place = InKeyring
		}
		all = append(all, a)
	}
	return all, nil
}

// Owner returns the username under which key is stored in the file, or "". It does
// not search the keyring, which may prompt the user.
func (s *Store) Owner(baseURL string, key polt.Key) string {
	f, err := s.read()
	if err != nil {
		return ""
	}
	for _, url := range f.spellings(baseURL) {
		for username, a := range f.Platforms[url].Agents {
			if a.APIKey == key.Reveal() {
				return username
			}
		}
	}
	return ""
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

// write replaces the file atomically. The caller holds the lock.
func (s *Store) write(f *file) error {
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	target, err := symlink.Target(s.path) // a link stays one
	if err != nil {
		return err
	}
	if err := removeReplacement(replacement(target)); err != nil {
		return err
	}
	temp, err := os.OpenFile(replacement(target), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temp.Name()) }() // already renamed on success
	_, err = temp.Write(append(b, '\n'))
	err = errors.Join(err, temp.Sync(), temp.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(temp.Name(), target); err != nil {
		return err
	}
	return syncDir(filepath.Dir(target))
}

// syncDir makes a rename in a directory durable, on systems that support it, which
// Windows does not.
func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // the directory of the user's own file
	if err != nil {
		return nil //nolint:nilerr // see above
	}
	_ = d.Sync()
	return d.Close()
}
