//go:build !unix

package credentials

import "io/fs"

// readableByOthers reports whether other users can read a file, which modes do
// not tell here.
func readableByOthers(fs.FileInfo) bool { return false }
