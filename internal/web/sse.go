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

// streams are the SSE streams that are open here. Each is a session: messages
// come by POST, and their answers go out on the stream.
type streams struct {
	server *Server

	mu       sync.Mutex
	sessions map[string]*sseSession
	open     int            // streams, of sessions and of listeners
	callers  map[string]int // streams that a caller has open
	closed   bool
	ending   chan struct{} // closed when the server ends
}

// sseSession is a session that belongs to a caller: whoever learns its id must not
// have its answers, nor speak in its name.
type sseSession struct {
	*rpc.Session
	account *memory.Account

	mu    sync.Mutex
	owner string // whose key opened the stream or, where none did, was used on it first
	bound bool   // a key opened the stream
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

// keepAlive is how often a stream that is silent says that it is there, for
// proxies that close what they take for dead.
const keepAlive = 25 * time.Second

// perStream is what an open stream takes of the memory.
const perStream = 48 << 10

func newStreams(s *Server) *streams {
	return &streams{server: s, sessions: map[string]*sseSession{}, callers: map[string]int{}, ending: make(chan struct{})}
}

// serve opens a stream and serves it until the client or the server ends.
func (s *streams) serve(w http.ResponseWriter, r *http.Request) {
	if !s.server.admits(w, r) {
		return
	}
	caller := s.server.callerOf(r)
	account := s.server.open(&caller)
	defer account.Close()
	release, refused := s.server.limiter.take(caller.id, charge{connects: 1})
	if refused == nil {
		release() // an open stream is no call, but there may be as many of them
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
	drain := time.Millisecond // a client that has gone waits for nothing
	// The id is what a caller must know to post into a stream. It is told when
	// messages for it are taken, and not before.
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

// session returns the stream that a request names, or nil.
func (s *streams) session(r *http.Request) *sseSession {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions[r.URL.Query().Get("sessionId")]
}

// refused tells on the stream, too, that messages for it come too soon: some
// clients only look there, and would wait for answers that never come.
func (s *streams) refused(r *http.Request, c *call, in rpc.Input, why *refusal) {
	if session := s.session(r); session != nil && session.admits(&c.caller) {
		session.Reject(in, why.details())
	}
}

// message takes messages in for a stream. Their answers go out there.
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
	// The call has its memory for as long as its answer is not written on the
	// stream.
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

// admit counts a stream of a caller, or says why it may not have one more.
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

// close ends all streams, once their calls in flight are answered.
func (s *streams) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		close(s.ending)
	}
}
