// Package symlink finds the file to write where a path is a symbolic link, so that
// replacing the file keeps the link.
package symlink

import (
	"fmt"
	"os"
	"path/filepath"
)

// most is how many links a path may follow, as on Linux.
const most = 40

// Target returns the file that path leads to, which need not exist: path itself if
// it is no link.
func Target(path string) (string, error) {
	at := path
	for range most {
		info, err := os.Lstat(at)
		if err != nil || info.Mode()&os.ModeSymlink == 0 {
			return at, nil //nolint:nilerr // whoever opens it gets the error
		}
		next, err := os.Readlink(at)
		if err != nil {
			return "", err
		}
		if !filepath.IsAbs(next) {
			// ".." in a link is relative to the real directory.
			dir, err := filepath.EvalSymlinks(filepath.Dir(at))
			if err != nil {
				return "", err
			}
			next = filepath.Join(dir, next)
		}
		at = next
	}
	return "", fmt.Errorf("%s leads through too many symbolic links", path)
}
