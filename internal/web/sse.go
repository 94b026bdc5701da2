package web

import (
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/openpolt/polt-mcp/internal/memory"
	"github.com/openpolt/polt-mcp/internal/rpc"
)

// streams are the open streams. Each SSE stream is a session: its messages arrive
// by POST, and the responses are sent on the stream.
type streams struct {
	server *Server

	mu       sync.Mutex
	sessions map[string]*sseSession
	open     int            // open streams, including those of subscriptions/listen
	callers  map[string]int // open streams by caller
	closed   bool
	ending   chan struct{} // closed when the server shuts down
}

// sseSession is a session that belongs to a caller: knowing its id must not be
// enough to use it.
type sseSession struct {
	*rpc.Session
	account *memory.Account

	mu    sync.Mutex
	owner string // caller whose key opened the stream or, if none did, was first used on it
	bound bool   // the stream was opened with a key
}

// admits reports whether a caller may send messages to the session.
func (s *sseSession) admits(c *caller) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.key.IsZero() {
		return !s.bound
	}
	if s.owner == "" {
		s.owner = c.id
	}
	return s.owner == c.id
}

// keepAlive is the interval of keep-alive comments on a stream, for proxies that
// close idle connections.
const keepAlive = 25 * time.Second

// perStream is the memory reserved for an open stream, in bytes.
const perStream = 48 << 10

func newStreams(s *Server) *streams {
	return &streams{server: s, sessions: map[string]*sseSession{}, callers: map[string]int{}, ending: make(chan struct{})}
}

// serve serves an SSE stream until the client disconnects or the server shuts
// down.
func (s *streams) serve(w http.ResponseWriter, r *http.Request) {
	if !s.server.admits(w, r) {
		return
	}
	caller := &callFrom(r.Context()).caller
	*caller = s.server.callerOf(r)
	account := s.server.open(r.Context(), caller)
	defer account.Close()
	release, refused := s.server.limiter.take(caller.id, charge{connects: 1})
	if refused == nil {
		release() // open streams are counted apart from calls, with the same limit
		refused = s.admit(caller.id)
	}
	if refused != nil {
		s.server.refuseForNow(w, r, refused, rpc.Input{})
		return
	}
	defer s.leave(caller.id)
	if !account.Take(perStream) {
		s.server.refuseForNow(w, r, &noMemory, rpc.Input{})
		return
	}

	out := newEventWriter(w, account)
	session, err := rpc.NewSession(r.Context(), s.server.options.Dispatcher, out, s.server.options.Limits.CallerInFlight)
	if err != nil {
		return
	}
	drain := time.Millisecond // nobody reads the responses if the client has disconnected
	// The id lets its holder post to the stream. It is sent only once the session
	// is registered.
	id := rand.Text()
	owned := &sseSession{Session: session, account: account}
	if !caller.key.IsZero() {
		owned.owner, owned.bound = caller.id, true
	}
	if s.add(id, owned) && out.event("endpoint", messagePath+"?sessionId="+url.QueryEscape(id)) == nil && s.wait(r.Context(), session.Failed(), out) {
		drain = s.server.options.Drain
	}
	s.remove(id)
	_ = session.Close(drain)
	out.close()
}

// wait keeps a stream alive until its end, and reports whether that is the
// server's shutdown.
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

// session returns the session with a request's sessionId, or nil.
func (s *streams) session(r *http.Request) *sseSession {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions[r.URL.Query().Get("sessionId")]
}

// refused sends the errors of rejected requests on the stream, too: some clients
// ignore the status of the POST, and would wait forever.
func (s *streams) refused(r *http.Request, c *call, in rpc.Input, why *refusal) {
	if session := s.session(r); session != nil && session.admits(&c.caller) {
		session.Reject(in, why.details())
	}
}

// message serves POSTs to an SSE stream. The responses are sent on the stream.
func (s *streams) message(w http.ResponseWriter, r *http.Request, c *call, in rpc.Input) {
	session := s.session(r)
	if session == nil {
		fail(w, r, http.StatusNotFound, "No SSE stream with this sessionId is open on this server. Connect to "+SSEPath+" again.")
		return
	}
	if !session.admits(&c.caller) {
		s.server.refuse(w, r, http.StatusForbidden, refusedSession, "This SSE stream belongs to another key. Open your own at "+SSEPath+".")
		return
	}
	for _, item := range in.Items {
		if item.Message != nil {
			item.Message.Header = r.Header
		}
	}
	// The call's memory is released once its response is written to the stream.
	hold := rpc.Hold{Answered: func(bytes int) {
		c.answered()
		c.account.Settle(int64(bytes))
	}, Done: c.release}
	c.release = func() {}
	c.account.Join(session.account)
	session.Handle(r.Context(), in, hold)
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, "Accepted")
}

// admit counts a new stream of a caller, or returns why it is over a limit.
func (s *streams) admit(caller string) *refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.server.options.Limits
	if l.CallerInFlight > 0 && s.callers[caller] >= l.CallerInFlight {
		return streamRefusal(ofCaller, l.CallerInFlight)
	}
	if l.TotalInFlight > 0 && s.open >= l.TotalInFlight {
		return streamRefusal(ofAll, l.TotalInFlight)
	}
	s.open++
	s.callers[caller]++
	return nil
}

func (s *streams) leave(caller string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
	if s.callers[caller]--; s.callers[caller] == 0 {
		delete(s.callers, caller)
	}
}

func (s *streams) add(id string, session *sseSession) bool {
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

// close makes all streams end, after their calls in flight.
func (s *streams) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		close(s.ending)
	}
}
