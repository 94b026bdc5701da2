package web

import (
	"bytes"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// connectionErrors logs what net/http says of connections. Handshakes that fail
// are for whoever looks for them: any scan of the network makes many.
type connectionErrors struct{ log zerolog.Logger }

func (c connectionErrors) Write(line []byte) (int, error) {
	event := c.log.Warn()
	if bytes.HasPrefix(line, []byte("http: TLS handshake error")) || bytes.HasPrefix(line, []byte("http2: ")) {
		event = c.log.Debug()
	}
	event.Str("error", string(bytes.TrimSpace(line))).Msg("connection")
	return len(line), nil
}

// NewHTTPServer returns an HTTP server that clients cannot hold by being slow,
// nor its Shutdown by saying nothing at all: that would wait 5 s for a
// connection on which no byte has come, as clients open them in advance.
func NewHTTPServer(h http.Handler) *http.Server {
	silent := &silentConns{conns: map[net.Conn]struct{}{}}
	hs := &http.Server{
		Handler: h, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ConnState: silent.note,
	}
	hs.RegisterOnShutdown(func() { time.AfterFunc(silentTimeout, silent.close) })
	return hs
}

// silentConns are the connections on which no byte has come.
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
