package stdio

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// A client that does not read writeChunk bytes of a response within writeTimeout
// ends the session: it would hold the response's memory forever.
const (
	writeTimeout = 30 * time.Second
	writeChunk   = 32 << 10
)

var errStalled = fmt.Errorf("the client read nothing for %s while there was something to read, and is given up", writeTimeout)

// stallWriter closes stalled when a write times out. The write itself cannot be
// interrupted: the process has to exit.
type stallWriter struct {
	out     io.Writer
	timer   *time.Timer
	once    sync.Once
	stalled chan struct{}
}

func newStallWriter(out io.Writer) *stallWriter {
	w := &stallWriter{out: out, stalled: make(chan struct{})}
	w.timer = time.AfterFunc(writeTimeout, func() { w.once.Do(func() { close(w.stalled) }) })
	w.timer.Stop()
	return w
}

// Write writes b in chunks, each with writeTimeout.
func (w *stallWriter) Write(b []byte) (written int, err error) {
	defer w.timer.Stop()
	for written < len(b) {
		w.timer.Reset(writeTimeout)
		n, err := w.out.Write(b[written:min(len(b), written+writeChunk)])
		if written += n; err != nil {
			return written, err
		}
	}
	return written, nil
}

func (w *stallWriter) stop() { w.timer.Stop() }
