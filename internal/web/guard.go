package web

import (
	"crypto/subtle"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/openpolt/polt-mcp/internal/memory"
	"github.com/openpolt/polt-mcp/internal/rpc"
)

// guarded checks the Host and Origin of a request, on every path.
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
			w.Header().Set("Connection", "close") // so that the next request goes to another replica
		}
		next.ServeHTTP(w, r)
	})
}

// allowOrigin sets the CORS headers for an allowed origin.
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

// A messageHandler serves a POST of messages.
type messageHandler func(w http.ResponseWriter, r *http.Request, c *call, in rpc.Input)

// messages serves a path to which callers post messages: it checks the caller's
// token, the media type and size of the body, and the limits.
//
// An input over a limit is answered with 429, after refused has been called,
// which is optional.
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
		c.account = s.open(r.Context(), &c.caller)
		c.release = c.account.Close
		defer func() { c.release() }() // looked up late: next may replace it
		body, ok := s.readBody(w, r, c.account)
		if !ok {
			return
		}
		in := rpc.Parse(body)
		var why *refusal
		release := func() {}
		if takeMessages(c.account, len(body), len(in.Items)) {
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
		c.leaveLimits = release
		c.release = func() {
			c.answered()
			c.account.Close()
		}
		if c.account != nil {
			r = r.WithContext(memory.With(r.Context(), c.account))
		}
		next(w, r, c, in)
	})
}

// admits reports whether a caller sends the caller token, if one is required. If
// not, it has answered the request.
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

// identified gives each request an id: the caller's X-Request-Id if it is valid,
// else a new one.
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

// nextID returns an id that is unique across replicas.
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

// recovered answers a request whose handler panics, instead of closing the
// connection, which other requests may use.
func (s *Server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Clear the deadline of the previous response on this connection.
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
