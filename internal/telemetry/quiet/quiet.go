// Package quiet keeps a line off standard error that the library of the metrics
// would log in every program, at its start: that a kernel does not tell how
// long processes wait. That is usual, and nothing that a user could act on.
//
// The library logs it before any code of ours would run, but for this. Go
// begins packages in the order of their paths, each as soon as what it imports
// has begun. This one imports no more than net/http does, before which it comes
// by its path; and the library imports that.
package quiet

import (
	"bytes"
	"log"
	"os"
)

func init() { log.SetOutput(filter{}) }

// filter writes all but that line to standard error.
type filter struct{}

func (filter) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte("INFO: metrics: disable exposing PSI metrics")) {
		return len(line), nil
	}
	return os.Stderr.Write(line)
}
