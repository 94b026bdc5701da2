package hosts

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/openpolt/polt-mcp/internal/symlink"
)

// largest is how large a host's file may be. Some keep histories in it.
const largest = 64 << 20

// Read returns the content of a host's file, and none where there is no file.
func Read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file", path)
	}
	if info.Size() > largest {
		return nil, fmt.Errorf("%s is too large to be a configuration: %d bytes", path, info.Size())
	}
	return os.ReadFile(path) //nolint:gosec // the host's own file, or the user's choice
}

// Write replaces the content of a host's file at once, and returns where the
// old content is kept; "" if there was none. It fails, and changes nothing,
// where the file no longer is what it was before.
func Write(path string, before, after []byte) (backup string, err error) {
	if path, err = symlink.Target(path); err != nil { // a link stays one
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	mode := fs.FileMode(0o600) // hosts keep secrets there
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	if before != nil {
		backup = path + ".backup-" + time.Now().Format("20060102-150405.000")
		if err := writeNew(backup, before, mode); err != nil {
			return "", fmt.Errorf("the backup: %w", err)
		}
	}
	temp := fmt.Sprintf("%s.polt-mcp-%d", path, os.Getpid())
	if err := writeNew(temp, after, mode); err != nil {
		return backup, err
	}
	defer func() { _ = os.Remove(temp) }() // gone already when all went well
	now, err := Read(path)
	if err != nil {
		return backup, err
	}
	if !bytes.Equal(now, before) || (now == nil) != (before == nil) {
		return backup, fmt.Errorf("%s changed in the meantime, and was left as it is: run this again", path)
	}
	return backup, os.Rename(temp, path)
}

// writeNew writes a file that does not exist, down to the disk.
func writeNew(path string, content []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode) //nolint:gosec // beside the host's own file
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		_ = os.Remove(path)
	}
	return err
}
