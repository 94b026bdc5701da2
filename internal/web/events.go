package web

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// eventWriter writes each line that is written to it as an event.
type eventWriter struct {
	mu      sync.Mutex
	w       io.Writer
	control *http.ResponseController
	closed  bool // the request has ended: its writer must not be used
	partial []byte
}

// newEventWriter begins a stream of events.
func newEventWriter(w http.ResponseWriter) *eventWriter {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	h.Set("Connection", "keep-alive")
	w.WriteHeader(http.StatusOK)
	return &eventWriter{w: w, control: http.NewResponseController(w)}
}

var errStreamClosed = errors.New("the stream is closed")

// Write takes lines, of which each is a message.
func (e *eventWriter) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return 0, errStreamClosed
	}
	var out bytes.Buffer
	for rest := p; len(rest) > 0; {
		line, after, whole := bytes.Cut(rest, []byte("\n"))
		if !whole {
			e.partial = append(e.partial, line...)
			break
		}
		out.WriteString("event: message\ndata: ")
		out.Write(e.partial)
		out.Write(line)
		out.WriteString("\n\n")
		e.partial = e.partial[:0]
		rest = after
	}
	return len(p), e.send(out.Bytes())
}

func (e *eventWriter) event(name, data string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.send([]byte("event: " + name + "\ndata: " + data + "\n\n"))
}

func (e *eventWriter) comment() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return errStreamClosed
	}
	return e.send([]byte(": still here\n\n"))
}

// send writes and flushes. A client that does not read is given up after a
// while, so that it holds nothing.
func (e *eventWriter) send(b []byte) error {
	_ = e.control.SetWriteDeadline(time.Now().Add(bodyTimeout))
	if _, err := e.w.Write(b); err != nil {
		return err
	}
	return e.control.Flush()
}

func (e *eventWriter) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	_ = e.control.SetWriteDeadline(time.Time{}) // the connection may serve on
}
