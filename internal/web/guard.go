package web

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/openpolt/polt-mcp/internal/memory"
	"github.com/openpolt/polt-mcp/internal/rpc"
)

// guarded checks where a request comes from, on every path.
func (s *Server) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.options.Hosts.host(r.Host) {
			s.refuse(w, r, http.StatusForbidden, refusedHost, fmt.Sprintf("The Host %.100q is not allowed. Use a name that this server accepts, or ask its operator to add this one with --allowed-host.", r.Host))
			return
		}
		origin := r.Header.Get("Origin")
		if !s.options.Hosts.origin(origin) {
			s.refuse(w, r, http.StatusForbidden, refusedOrigin, fmt.Sprintf("Web pages from the Origin %.100q are not allowed. Ask the operator of this server to add it with --allowed-origin.", origin))
			return
		}
		if origin != "" {
			allowOrigin(w.Header(), origin)
			if r.Method == http.MethodOptions {
				w.WriteHeader(http.StatusNoContent)
				return
			}
		}
		if s.health.ending() {
			w.Header().Set("Connection", "close") // the next request goes to another copy
		}
		next.ServeHTTP(w, r)
	})
}

// allowOrigin tells a browser that a page may call, and with which headers.
func allowOrigin(h http.Header, origin string) {
	h.Set("Access-Control-Allow-Origin", origin)
	h.Add("Vary", "Origin")
	h.Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Accept, Last-Event-ID, Mcp-Protocol-Version, Mcp-Session-Id, Mcp-Method, Mcp-Name, Traceparent, Tracestate, "+callerTokenHeader+", "+requestIDHeader)
	h.Set("Access-Control-Expose-Headers", "Mcp-Session-Id, Retry-After, "+requestIDHeader)
	h.Set("Access-Control-Max-Age", "600")
}

const (
	callerTokenHeader = "X-Polt-Caller-Token" //nolint:gosec // a header's name
	requestIDHeader   = "X-Request-Id"
)

// A messageHandler serves what a caller has posted.
type messageHandler func(w http.ResponseWriter, r *http.Request, c *call, in rpc.Input)

// messages serves a path to which callers post messages: it checks the caller's
// token, the form and the size of the message, and the limits.
//
// A message that comes too soon is answered with 429, after refused has been
// told, unless that is nil.
func (s *Server) messages(next messageHandler, refused func(r *http.Request, c *call, in rpc.Input, why *refusal)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.admits(w, r) {
			return
		}
		if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
			s.refuse(w, r, http.StatusUnsupportedMediaType, refusedContentType, fmt.Sprintf("The Content-Type is %.100q. Send the message as application/json.", r.Header.Get("Content-Type")))
			return
		}
		c := callFrom(r.Context())
		c.caller, c.session = s.callerOf(r), sessionOf(r)
		c.account = s.options.Memory.Open()
		c.release = c.account.Close
		defer func() { c.release() }() // what is served for longer keeps it
		body, ok := s.readBody(w, r, c.account)
		if !ok {
			return
		}
		in := rpc.Parse(body)
		var why *refusal
		release := func() {}
		if c.account.Take(int64(2*len(body) + len(in.Items)*memory.PerCall)) { // it is held in parts beside the whole
			release, why = s.limiter.take(c.caller.id, chargeFor(in))
		} else {
			why = &noMemory
		}
		if why != nil {
			if refused != nil {
				refused(r, c, in, why)
			}
			s.refuseForNow(w, r, why, in)
			return
		}
		c.release = sync.OnceFunc(func() {
			release()
			c.account.Close()
		})
		if c.account != nil {
			r = r.WithContext(memory.With(r.Context(), c.account))
		}
		next(w, r, c, in)
	})
}

// admits reports whether a caller presents the token, where one is asked for. If
// not, the request is answered.
func (s *Server) admits(w http.ResponseWriter, r *http.Request) bool {
	want, got := s.options.CallerToken, r.Header.Get(callerTokenHeader)
	if want == "" || subtle.ConstantTimeCompare([]byte(got), []byte(want)) == 1 {
		return true
	}
	problem := "is wrong"
	if got == "" {
		problem = "is missing"
	}
	s.refuse(w, r, http.StatusForbidden, refusedToken, "The "+callerTokenHeader+" header "+problem+". Send the token that the operator of this server has given you.")
	return false
}

// The time that a body may take: some at first, and more with its bytes.
const (
	bodyPatience = 10 * time.Second
	bodyPace     = 32 << 10 // bytes a second, at least
	firstBody    = 4 << 10  // bytes that are made room for at first
)

// readBody reads a message that is not too large, and does not take too long,
// into memory that is taken as the bytes come: what a request says of its length
// may be made up.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request, account *memory.Account) ([]byte, bool) {
	control := http.NewResponseController(w)
	began := time.Now()
	tooLarge := r.ContentLength > s.options.MaxBody
	var body []byte
	for !tooLarge {
		if len(body) == cap(body) {
			room := max(2*cap(body), firstBody)
			if r.ContentLength >= 0 {
				room = min(room, int(r.ContentLength)+1) // for the end
			}
			if room = max(room, len(body)+1); !account.Take(int64(room)) {
				w.Header().Set("Connection", "close") // the rest of the body is not read
				s.refuseForNow(w, r, &noMemory, rpc.Input{})
				return nil, false
			}
			body = append(make([]byte, 0, room), body...)
		}
		// A test's recorder has no deadlines. That of a body that is not read to its
		// end stays: net/http reads on for a while.
		_ = control.SetReadDeadline(began.Add(bodyPatience + time.Duration(len(body)/bodyPace)*time.Second))
		n, err := r.Body.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		tooLarge = int64(len(body)) > s.options.MaxBody
		switch {
		case tooLarge || err == nil:
		case errors.Is(err, io.EOF):
			_ = control.SetReadDeadline(time.Time{})
			return body, true
		default:
			w.Header().Set("Connection", "close")
			s.refuse(w, r, http.StatusBadRequest, refusedBody, "The request body was incomplete or arrived too slowly. Send the request again.")
			return nil, false
		}
	}
	w.Header().Set("Connection", "close")
	s.refuse(w, r, http.StatusRequestEntityTooLarge, refusedBody, fmt.Sprintf("The message exceeds the maximum of %d bytes. Send a shorter one.", s.options.MaxBody))
	return nil, false
}

// identified gives each request an id: the caller's, if it is a plain one.
func (s *Server) identified(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(requestIDHeader)
		if !isPlainID(id) {
			id = s.nextID()
		}
		w.Header().Set(requestIDHeader, id)
		next.ServeHTTP(w, r.WithContext(withCall(r.Context(), &call{id: id, header: r.Header})))
	})
}

// nextID returns an id that no other request has, of any copy.
func (s *Server) nextID() string {
	return s.idPrefix + "-" + strconv.FormatUint(s.requests.Add(1), 36)
}

func isPlainID(id string) bool {
	for i := range len(id) {
		c := id[i]
		if !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.') {
			return false
		}
	}
	return id != "" && len(id) <= 64
}

// recovered answers a request whose handler panics, instead of cutting the
// connection, on which other requests may follow.
func (s *Server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// That of the answer before is over, on a connection that serves on.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
		defer func() {
			if p := recover(); p != nil {
				s.options.Log.Error().Interface("panic", p).Str("path", r.URL.Path).Msg("the server panicked")
				fail(w, r, http.StatusInternalServerError, "The server failed. Its log has the details.")
			}
		}()
		next.ServeHTTP(w, r)
	})
}
