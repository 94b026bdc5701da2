//go:build !windows

package policy

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// openAppend opens a file for appending, and creates it if missing.
func openAppend(path string, regular bool) (*os.File, error) {
	flags := os.O_APPEND | os.O_CREATE | os.O_WRONLY
	if !regular {
		flags |= syscall.O_NONBLOCK // otherwise opening a pipe blocks until it has a reader
	}
	file, err := os.OpenFile(path, flags, 0o600) //nolint:gosec // the file is the operator's choice
	if errors.Is(err, syscall.ENXIO) {
		err = fmt.Errorf("nothing reads %s, which is not a regular file", path)
	}
	return file, err
}

// isOpenToOthers reports whether other users can read or write a file.
func isOpenToOthers(info fs.FileInfo) bool { return info.Mode()&0o077 != 0 }

// lockAppend does nothing: O_APPEND is atomic.
func lockAppend(*os.File, bool) (unlock func(), _ error) { return func() {}, nil }

// awaitsClose is for Windows: here a deleted file loses its name at once.
func awaitsClose(*os.File) bool { return false }
