//go:build unix

package credentials

import (
	"io/fs"
	"os"
	"syscall"
)

// readableByOthers reports whether other users can read a file. Group access to
// another user's file is accepted: containers mount secrets that way.
func readableByOthers(info fs.FileInfo) bool {
	mode := info.Mode().Perm()
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && int64(stat.Uid) != int64(os.Getuid()) {
		return mode&0o004 != 0
	}
	return mode&0o044 != 0
}
