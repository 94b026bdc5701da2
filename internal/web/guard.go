package web

import (
	"bytes"
	"crypto/subtle"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// The reasons for which requests are refused, as they are counted.
const (
	refusedHost        = "host"
	refusedOrigin      = "origin"
	refusedToken       = "caller_token"
	refusedContentType = "content_type"
	refusedBody        = "body"
	refusedRate        = "rate"
	refusedInFlight    = "in_flight"
)

// refuse answers a request that is not served, and counts it.
func (s *Server) refuse(w http.ResponseWriter, status int, reason, text string) {
	s.options.Refused(reason)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n")
}

// refuseForNow answers a request that comes too soon.
func (s *Server) refuseForNow(w http.ResponseWriter, r *refusal) {
	w.Header().Set("Retry-After", r.retryAfter())
	s.refuse(w, http.StatusTooManyRequests, r.reason, r.text)
}

// guarded checks where a request comes from, on every path. mcp-go leaves the
// Origin unchecked, and lets any page call its SSE server (v1.2.1).
func (s *Server) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.options.Hosts.host(r.Host) {
			s.refuse(w, http.StatusForbidden, refusedHost, "this Host is not served here; the operator can allow it with --allowed-host")
			return
		}
		origin := r.Header.Get("Origin")
		if !s.options.Hosts.origin(origin) {
			s.refuse(w, http.StatusForbidden, refusedOrigin, "this Origin may not call; the operator can allow it with --allowed-origin")
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

// allowOrigin tells a browser that a page may call, and with which headers:
// those that MCP has, of which mcp-go's own list lacks some.
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

// call serves a path to which callers post messages: it checks the caller's
// token, the form and the size of the message, and the limits, over which spare
// messages may be. next finds the message in the context and the caller beside
// it.
func (s *Server) call(spare int, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, "only POST is served here", http.StatusMethodNotAllowed)
			return
		}
		if !s.knowsToken(r) {
			s.refuse(w, http.StatusForbidden, refusedToken, "the header "+callerTokenHeader+" is missing or wrong")
			return
		}
		if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
			s.refuse(w, http.StatusUnsupportedMediaType, refusedContentType, "the Content-Type must be application/json")
			return
		}
		c := callFrom(r.Context())
		c.caller = callerOf(r)
		release, refusal := s.limiter.take(c.caller.id, spare)
		if refusal != nil {
			s.refuseForNow(w, refusal)
			return
		}
		c.release = sync.OnceFunc(release)
		defer func() { c.release() }() // what is served for longer keeps it
		var ok bool
		if c.message, ok = s.readBody(w, r); ok {
			next.ServeHTTP(w, r)
		}
	})
}

func (s *Server) knowsToken(r *http.Request) bool {
	want := s.options.CallerToken
	return want == "" || subtle.ConstantTimeCompare([]byte(r.Header.Get(callerTokenHeader)), []byte(want)) == 1
}

// readBody reads a message that is not too large, and does not take too long.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	tooLarge := r.ContentLength > s.options.MaxBody
	var b bytes.Buffer
	if !tooLarge {
		control := http.NewResponseController(w)
		_ = control.SetReadDeadline(time.Now().Add(bodyTimeout)) // a test's recorder has none
		_, err := b.ReadFrom(http.MaxBytesReader(w, r.Body, s.options.MaxBody))
		_ = control.SetReadDeadline(time.Time{})
		var over *http.MaxBytesError
		if tooLarge = errors.As(err, &over); err != nil && !tooLarge {
			s.refuse(w, http.StatusBadRequest, refusedBody, "the body was cut off")
			return nil, false
		}
	}
	if tooLarge {
		w.Header().Set("Connection", "close") // the rest of the body is not read
		s.refuse(w, http.StatusRequestEntityTooLarge, refusedBody, "the message is over the maximum of 4 MiB")
		return nil, false
	}
	return b.Bytes(), true
}

// identified gives each request an id: the caller's, if it is a plain one.
func (s *Server) identified(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(requestIDHeader)
		if !isPlainID(id) {
			id = s.nextID()
		}
		w.Header().Set(requestIDHeader, id)
		next.ServeHTTP(w, r.WithContext(withCall(r.Context(), &call{id: id})))
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
		defer func() {
			if p := recover(); p != nil {
				s.options.Log.Error().Interface("panic", p).Str("path", r.URL.Path).Msg("the server panicked")
				http.Error(w, "the server failed", http.StatusInternalServerError)
			}
		}()
		next.ServeHTTP(w, r)
	})
}
