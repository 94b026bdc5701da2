package stdio

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// A client that takes nothing of an answer for writeTimeout is given up: it would
// hold what it does not take for ever.
const (
	writeTimeout = 30 * time.Second
	writeChunk   = 32 << 10 // bytes that are waited for together
)

var errStalled = fmt.Errorf("the client read nothing for %s while there was something to read, and is given up", writeTimeout)

// stallWriter tells when a write takes too long. That cannot be ended: an end of
// the process has to do.
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

// Write writes as long as something of it is taken.
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
