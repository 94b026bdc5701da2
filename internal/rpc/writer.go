package rpc

import (
	"encoding/json"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
)

// A MessageWriter takes the messages of a session, each whole. What is written
// may wait for Flush.
type MessageWriter interface {
	WriteMessage(message Response) error
	Flush() error
}

// writer writes messages. One goroutine takes both answers and notifications, so
// that progress never comes after the result, and that the last notification
// before an answer is never lost.
type writer struct {
	w             MessageWriter
	notifications <-chan mcp.JSONRPCNotification
	answers       chan outgoing
	abandoned     chan struct{} // closed when nobody waits any more for the client to read
	stopping      chan struct{} // closed by stop
	stopped       chan struct{} // closed when the last message is written
	failed        chan struct{} // closed at the first error
	err           error         // that error; to be read after failed
}

func newWriter(w MessageWriter, notifications <-chan mcp.JSONRPCNotification) *writer {
	out := &writer{
		w: w, notifications: notifications,
		answers:   make(chan outgoing, 64),
		abandoned: make(chan struct{}),
		stopping:  make(chan struct{}), stopped: make(chan struct{}), failed: make(chan struct{}),
	}
	go out.run()
	return out
}

// outgoing is a message to write, and what is to be called when it is written, or
// is not to be.
type outgoing struct {
	message Response
	done    func()
}

// write writes an answer, after the notifications that were sent before it. It
// waits for a client that does not read, until it is abandoned. It does nothing
// for an empty one, and after stop.
func (w *writer) write(message Response) { w.writeThen(message, func() {}) }

// writeThen is write that calls done when the message has been written, or is not
// to be.
func (w *writer) writeThen(message Response, done func()) {
	if len(message.JSON) == 0 {
		done()
		return
	}
	m := outgoing{message, done}
	select {
	case w.answers <- m: // also when it has been abandoned, as long as the client reads
		return
	default:
	}
	select {
	case w.answers <- m:
	case <-w.stopped:
		done()
	case <-w.abandoned:
		done()
	}
}

// offer writes an answer, unless that would have to wait.
func (w *writer) offer(message Response) {
	select {
	case w.answers <- outgoing{message, func() {}}:
	default:
	}
}

// abandon has write wait no more for a client that does not read. It is to be
// called once.
func (w *writer) abandon() { close(w.abandoned) }

func (w *writer) run() {
	defer close(w.stopped)
	for {
		select {
		case n := <-w.notifications:
			w.notification(n)
		case m := <-w.answers:
			w.answer(m)
		case <-w.stopping:
			w.writeRest()
			return
		}
		if len(w.answers) == 0 { // what has come together is written together
			w.failedWith(w.w.Flush())
		}
	}
}

// writeRest writes what was given to the writer before it was stopped.
func (w *writer) writeRest() {
	for {
		select {
		case m := <-w.answers:
			w.answer(m)
		default:
			w.flushNotifications()
			w.failedWith(w.w.Flush())
			return
		}
	}
}

func (w *writer) answer(m outgoing) {
	w.flushNotifications()
	w.failedWith(w.w.WriteMessage(m.message))
	m.message.Free()
	m.done()
}

func (w *writer) flushNotifications() {
	for {
		select {
		case n := <-w.notifications:
			w.notification(n)
		default:
			return
		}
	}
}

func (w *writer) notification(n mcp.JSONRPCNotification) {
	if b, err := json.Marshal(n); err == nil {
		w.failedWith(w.w.WriteMessage(Response{JSON: b}))
	}
}

func (w *writer) failedWith(err error) {
	if err != nil && w.err == nil {
		w.err = err
		close(w.failed)
	}
}

// stop writes what was given to write before it, and ends the writer. It waits
// no longer than patience: a client that does not read must not hold us.
func (w *writer) stop(patience time.Duration) error {
	close(w.stopping)
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-w.stopped:
		return w.err
	case <-timer.C:
		return nil
	}
}
