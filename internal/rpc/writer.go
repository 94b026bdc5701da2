package rpc

import (
	"encoding/json"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
)

// A MessageWriter writes the messages of a session. It may buffer them until
// Flush.
type MessageWriter interface {
	WriteMessage(message Response) error
	Flush() error
}

// writer writes messages. One goroutine writes both responses and notifications,
// so that the notifications of a request always precede its response.
type writer struct {
	w             MessageWriter
	notifications <-chan mcp.JSONRPCNotification
	answers       chan outgoing
	abandoned     chan struct{} // closed by abandon
	stopping      chan struct{} // closed by stop
	stopped       chan struct{} // closed when the last message is written
	failed        chan struct{} // closed at the first error
	err           error         // the first error; read it only after failed or stopped
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

// outgoing is a message to write. done is called once it is written or dropped.
type outgoing struct {
	message Response
	done    func()
}

// write queues a response, after the notifications that were sent before it. It
// blocks while the client does not read, until abandon. It drops an empty
// response, and any after stop.
func (w *writer) write(message Response) { w.writeThen(message, func() {}) }

// writeThen is write that calls done once the message is written or dropped.
func (w *writer) writeThen(message Response, done func()) {
	if len(message.JSON) == 0 {
		done()
		return
	}
	m := outgoing{message, done}
	select {
	case w.answers <- m: // even after abandon, if there is room
		w.dropStopped()
		return
	default:
	}
	select {
	case w.answers <- m:
		w.dropStopped()
	case <-w.stopped:
		done()
	case <-w.abandoned:
		done()
	}
}

// offer queues a response, or drops it if that would block.
func (w *writer) offer(message Response) {
	select {
	case w.answers <- outgoing{message, func() {}}:
	default:
	}
}

// abandon makes write stop waiting for a client that does not read. It must be
// called only once.
func (w *writer) abandon() { close(w.abandoned) }

// dropStopped drops the messages that were queued after the writer stopped.
func (w *writer) dropStopped() {
	select {
	case <-w.stopped:
	default:
		return
	}
	for {
		select {
		case m := <-w.answers:
			m.done()
		default:
			return
		}
	}
}

func (w *writer) run() {
	defer w.dropStopped()
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
		if len(w.answers) == 0 { // flush once for all that is queued
			w.failedWith(w.w.Flush())
		}
	}
}

// writeRest writes what was queued before stop.
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
	w.put(m.message)
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
		w.put(Response{JSON: b})
	}
}

// put writes a message, unless writing has failed.
func (w *writer) put(message Response) {
	if w.err != nil {
		return
	}
	if err := w.w.WriteMessage(message); err != nil {
		w.failedWith(err)
		return
	}
	message.Free()
}

func (w *writer) failedWith(err error) {
	if err != nil && w.err == nil {
		w.err = err
		close(w.failed)
	}
}

// stop writes what is queued and ends the writer. It returns the first write
// error, or nil if the client does not read everything within patience.
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
