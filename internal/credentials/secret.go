package credentials

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// largestSecret is the maximum size of a file with keys, in bytes.
const largestSecret = 4 << 20

// readSecret reads a file with keys. It rejects other than regular files: reading
// a pipe or a device may block forever.
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

// Exposed returns a warning if other users can read a file with keys.
func Exposed(path string) Warnings {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || !readableByOthers(info) {
		return nil
	}
	return Warnings{fmt.Sprintf("other users of this machine can read the key in %s (mode %04o): run chmod 600 %s", path, info.Mode().Perm(), path)}
}

// leftovers matches the temporary files that replace the credentials file. They
// contain keys.
const leftovers = ".credentials-*"

// Tidy removes temporary files left by a crash, and warns if other users can read
// the credentials file.
func (s *Store) Tidy() Warnings {
	left, err := filepath.Glob(filepath.Join(filepath.Dir(s.path), leftovers))
	if err == nil && len(left) > 0 {
		// The holder of the lock may be writing one of them.
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
