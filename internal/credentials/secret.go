package credentials

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// largestSecret is how large a file with keys may be.
const largestSecret = 4 << 20

// readSecret reads a file with keys. What is no file is refused: to read a pipe
// or a device can take for ever.
func readSecret(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file, so no key is read from it", path)
	}
	if info.Size() > largestSecret {
		return nil, fmt.Errorf("%s is too large to hold keys: %d bytes", path, info.Size())
	}
	f, err := os.Open(path) //nolint:gosec // the path is the user's choice
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, largestSecret))
	return b, errors.Join(err, f.Close())
}

// Exposed warns of a file with keys that other users can read.
func Exposed(path string) Warnings {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || !readableByOthers(info) {
		return nil
	}
	return Warnings{fmt.Sprintf("other users of this machine can read the key in %s (mode %04o): run chmod 600 %s", path, info.Mode().Perm(), path)}
}

// leftovers matches the files that a change is written to before it takes the
// place of the credentials file. They hold keys.
const leftovers = ".credentials-*"

// Tidy removes what a crash has left beside the file, and warns of a file that
// others can read.
func (s *Store) Tidy() Warnings {
	left, err := filepath.Glob(filepath.Join(filepath.Dir(s.path), leftovers))
	if err == nil && len(left) > 0 {
		// Who holds the lock is writing one of them.
		lock := flock.New(s.path + ".lock")
		if locked, err := lock.TryLock(); err == nil && locked {
			for _, path := range left {
				err = errors.Join(err, os.Remove(path))
			}
			_ = lock.Unlock()
			if err != nil {
				return Warnings{"a file with keys that a crash has left cannot be removed: " + err.Error()}
			}
		}
	}
	return Exposed(s.path)
}
