package web

import (
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/openpolt/polt-mcp/internal/memory"
	"github.com/openpolt/polt-mcp/internal/rpc"
)

// eventWriter writes messages as server-sent events.
type eventWriter struct {
	mu      sync.Mutex
	w       io.Writer
	control *http.ResponseController
	account *memory.Account // of the stream
	closed  bool            // the request has ended, so w must not be used
}

// newEventWriter starts a stream of events, whose memory is on account.
func newEventWriter(w http.ResponseWriter, account *memory.Account) *eventWriter {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx must not buffer the stream
	h.Set("Connection", "keep-alive")
	w.WriteHeader(http.StatusOK)
	return &eventWriter{w: w, control: http.NewResponseController(w), account: account}
}

var errStreamClosed = errors.New("the stream is closed")

// WriteMessage writes a message, which must not contain a newline. It may be
// buffered until Flush.
func (e *eventWriter) WriteMessage(message rpc.Response) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.write([]byte("event: message\ndata: ")); err != nil {
		return err
	}
	if _, err := message.WriteTo(timely{e.w, e.control, e.account}); err != nil {
		return err
	}
	return e.write([]byte("\n\n"))
}

// Flush sends what has been written.
func (e *eventWriter) Flush() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return errStreamClosed
	}
	return e.flush()
}

// flush is Flush for callers that hold mu.
func (e *eventWriter) flush() error {
	defer e.account.Proceed()
	if err := awaitClient(e.control, e.account); err != nil {
		return err
	}
	return e.control.Flush()
}

// tell writes a message and flushes it.
func (e *eventWriter) tell(message rpc.Response) error {
	return errors.Join(e.WriteMessage(message), e.Flush())
}

func (e *eventWriter) event(name, data string) error {
	return e.send("event: " + name + "\ndata: " + data + "\n\n")
}

// comment keeps the stream alive, as does what is being written meanwhile.
func (e *eventWriter) comment() error {
	if !e.mu.TryLock() {
		return nil
	}
	defer e.mu.Unlock()
	return e.sendNow(": keep-alive\n\n")
}

func (e *eventWriter) send(text string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.sendNow(text)
}

// sendNow is send for callers that hold mu.
func (e *eventWriter) sendNow(text string) error {
	if err := e.write([]byte(text)); err != nil {
		return err
	}
	return e.flush()
}

// write writes parts of an event. It fails if the client does not read in time.
// The caller holds mu.
func (e *eventWriter) write(parts ...[]byte) error {
	if e.closed {
		return errStreamClosed
	}
	for _, part := range parts {
		if err := writeInTime(e.w, e.control, e.account, part); err != nil {
			return err
		}
	}
	return nil
}

func (e *eventWriter) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
}
