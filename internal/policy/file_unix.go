//go:build !windows

package policy

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// openAppend opens a file to append to, which is made where there is none.
func openAppend(path string, regular bool) (*os.File, error) {
	flags := os.O_APPEND | os.O_CREATE | os.O_WRONLY
	if !regular {
		flags |= syscall.O_NONBLOCK // else a pipe waits for its reader
	}
	file, err := os.OpenFile(path, flags, 0o600) //nolint:gosec // the file is the operator's choice
	if errors.Is(err, syscall.ENXIO) {
		err = fmt.Errorf("nothing reads %s, which is not a regular file", path)
	}
	return file, err
}

// isOpenToOthers reports whether other users can read or write a file.
func isOpenToOthers(info fs.FileInfo) bool { return info.Mode()&0o077 != 0 }

// lockAppend does nothing: the system appends a line as a whole.
func lockAppend(*os.File, bool) (unlock func(), _ error) { return func() {}, nil }

// awaitsClose reports whether a file was deleted and keeps its name until it is
// closed, which no file does here.
func awaitsClose(*os.File) bool { return false }
