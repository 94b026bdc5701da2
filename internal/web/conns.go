package web

import (
	"bytes"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// connectionErrors logs net/http's connection errors. Failed handshakes are only
// logged at debug level, as any network scan causes many.
type connectionErrors struct{ log zerolog.Logger }

func (c connectionErrors) Write(line []byte) (int, error) {
	event := c.log.Warn()
	if bytes.HasPrefix(line, []byte("http: TLS handshake error")) || bytes.HasPrefix(line, []byte("http2: ")) {
		event = c.log.Debug()
	}
	event.Str("error", string(bytes.TrimSpace(line))).Msg("connection")
	return len(line), nil
}

// NewHTTPServer returns an HTTP server with timeouts for slow clients. Its
// Shutdown closes connections on which no byte has arrived, as clients open in
// advance: net/http would wait 5 s for them.
func NewHTTPServer(h http.Handler) *http.Server {
	silent := &silentConns{conns: map[net.Conn]struct{}{}}
	hs := &http.Server{
		Handler: h, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ConnState: silent.note,
	}
	hs.RegisterOnShutdown(func() { time.AfterFunc(silentTimeout, silent.close) })
	return hs
}

// silentConns are the connections on which no byte has arrived.
type silentConns struct {
	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

func (s *silentConns) note(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state == http.StateNew {
		s.conns[c] = struct{}{}
	} else {
		delete(s.conns, c)
	}
}

func (s *silentConns) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_ = c.Close()
	}
}
