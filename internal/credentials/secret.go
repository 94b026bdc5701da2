package credentials

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"github.com/openpolt/polt-mcp/internal/symlink"
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

// replacement returns the path of the temporary file that replaces a credentials
// file. It is always the same, as only the holder of the lock writes it: what a crash
// has left is found without reading the directory, and is never another program's.
func replacement(target string) string {
	dir, name := filepath.Split(target)
	return filepath.Join(dir, "."+name+".polt-mcp-new")
}

// removeReplacement removes the temporary file that a crash has left, which contains
// keys. The caller holds the lock.
func removeReplacement(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file: move it away, so that the credentials file can be replaced", path)
	}
	return os.Remove(path)
}

// RemoveLeftovers removes the temporary file of a process that crashed while it
// replaced the credentials file. It does nothing while a process is writing one.
func (s *Store) RemoveLeftovers() Warnings {
	target, err := symlink.Target(s.path)
	if err != nil {
		return nil // reading the file tells
	}
	left := replacement(target)
	if info, err := os.Lstat(left); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	lock := flock.New(target + ".lock")
	if locked, err := lock.TryLock(); err != nil || !locked {
		return nil // the next start tries again
	}
	defer func() { _ = lock.Unlock() }()
	if err := removeReplacement(left); err != nil {
		return Warnings{"a file with keys that a crash has left cannot be removed: " + err.Error()}
	}
	return nil
}
