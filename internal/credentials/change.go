package credentials

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/openpolt/polt-mcp/internal/symlink"
	"github.com/openpolt/polt-mcp/polt"
)

// lockTimeout is how long to wait for another process's lock. A key that cannot be
// stored by then is shown instead, as it could be lost while waiting.
const lockTimeout = 3 * time.Second

// Add stores the key of an agent that has registered on the platform at baseURL,
// and returns where. The file has been synced to disk then. No other agent's key
// is changed.
func (s *Store) Add(baseURL, username string, r polt.Registration) (Place, error) {
	s, release, err := s.holdKeyring()
	if err != nil {
		return "", err
	}
	defer release()
	for {
		place, err := s.add(baseURL, username, r)
		if !errors.Is(err, errChanged) {
			return place, err
		}
	}
}

// errChanged means that another process has changed an agent that is changed here.
var errChanged = errors.New("the agent has been changed meanwhile")

// add tries to do what Add does. It uses the keyring, which may be slow, while
// others can change the file.
func (s *Store) add(baseURL, username string, r polt.Registration) (Place, error) {
	f, err := s.read()
	if err != nil {
		return "", err
	}
	asked := baseURL
	baseURL = f.home(asked, username)
	before, had := f.agent(baseURL, username)
	keys := []string{r.APIKey.Reveal()}
	if had {
		former, err := s.keys(baseURL, username, before)
		if err != nil {
			return "", err // overwriting it would lose a key
		}
		keys = append(keys, slices.DeleteFunc(former, func(k string) bool { return k == keys[0] })...)
	}
	place, err := s.put(baseURL, username, keys)
	if err != nil {
		return "", err
	}
	added := agent{AgentID: r.AgentID, Keyring: place == InKeyring, unknown: before.unknown}
	if added.AgentID == "" {
		added.AgentID = before.AgentID
	}
	if !added.Keyring {
		added.APIKey, added.Former = keys[0], keys[1:]
	}
	err = s.change(func(f *file) error {
		if is, has := f.agent(baseURL, username); f.home(asked, username) != baseURL || has != had || !reflect.DeepEqual(is, before) {
			return errChanged
		}
		p := f.Platforms[baseURL]
		if p == nil {
			p = &platform{Agents: map[string]agent{}}
			f.Platforms[baseURL] = p
		}
		if _, active := f.locate(baseURL, ""); active == "" {
			p.Active = username
		}
		p.Agents[username] = added
		return nil
	})
	if err == nil && before.Keyring && !added.Keyring {
		// The keys are in the file by now. A copy that cannot be deleted does no harm.
		_ = s.keyring.Delete(account(baseURL, username))
	}
	return place, err
}

// put stores keys in the keyring if it is to be used, and returns the place for
// them.
func (s *Store) put(baseURL, username string, keys []string) (Place, error) {
	if s.place == InFile || s.keyring == nil || s.place == Auto && !s.keyring.Available() {
		if s.place == InKeyring {
			return "", errors.New("there is no keyring to store the key in")
		}
		return InFile, nil
	}
	secret := strings.Join(keys, "\n")
	err := s.keyring.Set(account(baseURL, username), secret)
	if err == nil { // read it back: a keyring may report success without storing
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

// Use makes an agent the active one.
func (s *Store) Use(baseURL, username string) error {
	return s.change(func(f *file) error {
		url, _ := f.locate(baseURL, username)
		if _, ok := f.agent(url, username); !ok {
			return ErrUnknown
		}
		for _, other := range f.spellings(baseURL) {
			f.Platforms[other].Active = ""
		}
		f.Platforms[url].Active = username
		return nil
	})
}

// Remove deletes an agent and its keys, which cannot be recovered. After an error of
// the keyring the agent is deleted, and its keys may be in the keyring.
func (s *Store) Remove(baseURL, username string) error {
	s, release, err := s.holdKeyring()
	if err != nil {
		return err
	}
	defer release()
	var removed agent
	err = s.change(func(f *file) error {
		var ok bool
		baseURL, _ = f.locate(baseURL, username)
		if removed, ok = f.agent(baseURL, username); !ok {
			return ErrUnknown
		}
		p := f.Platforms[baseURL]
		delete(p.Agents, username)
		if p.Active == username {
			p.Active = ""
		}
		return nil
	})
	if err != nil || !removed.Keyring {
		return err
	}
	if err := s.keyring.Delete(account(baseURL, username)); err != nil {
		return fmt.Errorf("%s is no longer in %s, but its key may still be in the keyring of the operating system: %w", username, s.path, err)
	}
	return nil
}

// agent returns an agent of the file.
func (f *file) agent(baseURL, username string) (_ agent, ok bool) {
	p := f.Platforms[baseURL]
	if p == nil {
		return agent{}, false
	}
	a, ok := p.Agents[username]
	return a, ok
}

// holdKeyring returns the store for a change of keys in the keyring, for which it
// has a lock of its own: the keyring may wait for the user, and the lock of the file
// must not. Where another process holds it for too long, the store's keyring fails.
func (s *Store) holdKeyring() (_ *Store, release func(), err error) {
	if s.keyring == nil || !s.keyring.Available() {
		return s, func() {}, nil
	}
	release, err = s.lock(".keyring.lock")
	if errors.Is(err, context.DeadlineExceeded) {
		without := *s
		without.keyring = busyKeyring{}
		return &without, func() {}, nil
	}
	return s, release, err
}

// busyKeyring is a keyring that another process is changing.
type busyKeyring struct{}

var errBusy = errors.New("another polt-mcp is waiting for it")

func (busyKeyring) Available() bool            { return true }
func (busyKeyring) Get(string) (string, error) { return "", errBusy }
func (busyKeyring) Set(string, string) error   { return errBusy }
func (busyKeyring) Delete(string) error        { return errBusy }

// change modifies the file under the lock.
func (s *Store) change(change func(*file) error) error {
	release, err := s.lock(".lock")
	if err != nil {
		return err
	}
	defer release()
	f, err := s.read()
	if err != nil {
		return err
	}
	if err := change(f); err != nil {
		return err
	}
	return s.write(f)
}

// lock locks the lock file beside the credentials file that has a suffix. It is
// beside the target of a link, whose lock is the same by whatever name it is opened.
func (s *Store) lock(suffix string) (release func(), err error) {
	target, err := symlink.Target(s.path)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		return nil, err
	}
	lock := flock.New(target + suffix)
	patience, cancel := context.WithTimeout(context.Background(), lockTimeout)
	defer cancel()
	if _, err := lock.TryLockContext(patience, lockTimeout/100); err != nil {
		return nil, fmt.Errorf("%s cannot be locked: %w", s.path, err)
	}
	return func() { _ = lock.Unlock() }, nil
}
