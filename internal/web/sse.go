package web

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/openpolt/polt-mcp/internal/rpc"
)

// streams are the SSE streams that are open here. Each is a session: messages
// come by POST, and their answers go out on the stream.
type streams struct {
	server *Server

	mu       sync.Mutex
	sessions map[string]*rpc.Session
	open     int            // streams, of sessions and of listeners
	callers  map[string]int // streams that a caller has open
	closed   bool
	ending   chan struct{} // closed when the server ends
}

// keepAlive is how often a stream that is silent says that it is there, for
// proxies that close what they take for dead.
const keepAlive = 25 * time.Second

func newStreams(s *Server) *streams {
	return &streams{server: s, sessions: map[string]*rpc.Session{}, callers: map[string]int{}, ending: make(chan struct{})}
}

// serve opens a stream and serves it until the client or the server ends.
func (s *streams) serve(w http.ResponseWriter, r *http.Request) {
	if !s.server.knowsToken(r) {
		s.server.refuse(w, http.StatusForbidden, refusedToken, "the header "+callerTokenHeader+" is missing or wrong")
		return
	}
	caller := callerOf(r)
	release, refusal := s.server.limiter.take(caller.id, 0)
	if refusal != nil {
		s.server.refuseForNow(w, refusal)
		return
	}
	release() // an open stream is no call, but there may be as many of them
	if !s.admit(w, caller.id) {
		return
	}
	defer s.leave(caller.id)

	out := newEventWriter(w)
	session, err := rpc.NewSession(r.Context(), s.server.options.MCP, out, rpc.Options{
		InFlight: s.server.options.Limits.CallerInFlight,
		OnPanic:  func(p any) { s.server.options.Log.Error().Interface("panic", p).Msg("the server panicked") },
		Watch:    s.server.options.Watch,
		Caller:   CallerID,
		Methods:  s.server.options.Methods,
	})
	if err != nil {
		return
	}
	drain := time.Millisecond // a client that has gone waits for nothing
	// The id is what a caller must know to post into a stream. It is told when
	// messages for it are taken, and not before.
	id := rand.Text()
	if s.add(id, session) && out.event("endpoint", "/message?sessionId="+url.QueryEscape(id)) == nil && s.wait(r.Context(), session.Failed(), out) {
		drain = s.server.options.Drain
	}
	s.remove(id)
	_ = session.Close(drain)
	out.close()
}

// wait waits for the end of a stream, while it keeps it alive, and reports
// whether it was the server's.
func (s *streams) wait(ctx context.Context, failed <-chan struct{}, out *eventWriter) bool {
	ticker := time.NewTicker(keepAlive)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-failed:
			return false
		case <-s.ending:
			return true
		case <-ticker.C:
			if out.comment() != nil {
				return false
			}
		}
	}
}

// sparePlaces are for messages that cancel calls, when no more calls may be in
// flight. What a message is shows only when it has been read.
const sparePlaces = 16

var cancelling = []string{string(mcp.MethodNotificationCancelled)}

// message takes a message in for a stream. Its answer goes out there.
func (s *streams) message(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("sessionId")
	s.mu.Lock()
	session := s.sessions[id]
	s.mu.Unlock()
	if session == nil {
		http.Error(w, "no stream of this sessionId is open here; connect to /sse again", http.StatusNotFound)
		return
	}
	var line bytes.Buffer
	call := callFrom(r.Context())
	if method, _ := special(call.message, cancelling); method == "" && s.server.limiter.isOver(call.caller.id) {
		s.server.refuseForNow(w, &tooManyInFlight)
		return
	}
	message, release := call.message, call.release
	// The context may live for as long as the stream, and the call runs for as
	// long as it is not answered there.
	call.message, call.release = nil, func() {}
	if json.Compact(&line, message) == nil { // the session wants one line; what is not JSON it refuses
		message = line.Bytes()
	}
	session.Handle(r.Context(), message, release)
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, "Accepted")
}

// admit counts a stream of a caller, if it may have one more. If not, that is
// the answer.
func (s *streams) admit(w http.ResponseWriter, caller string) bool {
	if s.count(caller) {
		return true
	}
	s.server.refuseForNow(w, &tooManyStreams)
	return false
}

func (s *streams) count(caller string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.server.options.Limits
	if l.CallerInFlight > 0 && s.callers[caller] >= l.CallerInFlight || l.TotalInFlight > 0 && s.open >= l.TotalInFlight {
		return false
	}
	s.open++
	s.callers[caller]++
	return true
}

func (s *streams) leave(caller string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
	if s.callers[caller]--; s.callers[caller] == 0 {
		delete(s.callers, caller)
	}
}

func (s *streams) add(id string, session *rpc.Session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.sessions[id] = session
	return true
}

func (s *streams) remove(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, id)
}

// close ends all streams, once their calls in flight are answered.
func (s *streams) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		close(s.ending)
	}
}
