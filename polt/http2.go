package polt

import (
	"context"
	"crypto/tls"
	"errors"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// http2Conns are a transport's HTTP/2 connections. [http.Transport] dials them
// and obtains them through [http.Transport.TLSNextProto]; each sends requests
// through an [http.ClientConn], which never retries.
type http2Conns struct {
	// upgrade turns an established TLS connection into an HTTP/2 connection. It
	// does not dial.
	upgrade *http.Transport

	adding sync.Mutex // so that of several new connections the first serves all

	mu   sync.Mutex
	open map[*http2Conn]string // and its authority
}

func newHTTP2Conns() *http2Conns {
	protocols := new(http.Protocols)
	protocols.SetHTTP2(true)
	return &http2Conns{
		open: map[*http2Conn]string{},
		upgrade: &http.Transport{
			Protocols: protocols,
			DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return ctx.Value(dialedKey{}).(*tls.Conn), nil
			},
			IdleConnTimeout: idleTimeout,
			// Without pings, calls on a connection that died silently would
			// keep timing out for minutes.
			HTTP2: &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: dialTimeout},
		},
	}
}

// dialedKey is the context key of the TLS connection to upgrade.
type dialedKey struct{}

// add returns the connection for requests to a server: an open one with room,
// if a burst of requests has dialed several, or else the new one.
func (c *http2Conns) add(authority string, dialed *tls.Conn) http.RoundTripper {
	c.adding.Lock()
	defer c.adding.Unlock()
	for _, conn := range c.of(authority) {
		if conn.client.Available() > 0 {
			_ = dialed.Close() // nothing was sent on it
			return conn
		}
	}
	ctx := context.WithValue(context.Background(), dialedKey{}, dialed)
	client, err := c.upgrade.NewClientConn(ctx, "https", authority)
	if err != nil {
		_ = dialed.Close()
		return failedDial{err}
	}
	conn := &http2Conn{client: client, others: func() []*http2Conn { return c.of(authority) }}
	c.mu.Lock()
	c.open[conn] = authority
	c.mu.Unlock()
	client.SetStateHook(func(client *http.ClientConn) {
		if client.Err() != nil {
			c.mu.Lock()
			delete(c.open, conn)
			c.mu.Unlock()
		}
	})
	return conn
}

// of returns the open connections to a server.
func (c *http2Conns) of(authority string) []*http2Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	var conns []*http2Conn
	for conn, of := range c.open {
		if of == authority {
			conns = append(conns, conn)
		}
	}
	return conns
}

func (c *http2Conns) closeIdle() {
	c.mu.Lock()
	conns := slices.Collect(maps.Keys(c.open))
	c.mu.Unlock()
	for _, conn := range conns {
		if conn.client.InFlight() == 0 {
			_ = conn.client.Close()
		}
	}
}

// failedDial reports to [http.Transport], through RoundTripErr, that the
// upgrade failed.
type failedDial struct{ err error }

func (f failedDial) RoundTripErr() error                             { return f.err }
func (f failedDial) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

// An http2Conn is one connection.
type http2Conn struct {
	client *http.ClientConn
	others func() []*http2Conn // the open connections to the same server
	used   atomic.Bool
}

// RoundTrip sends a request once, on this connection or another with room. If
// none has room, it makes [http.Transport] dial another, but not if this
// connection is new: otherwise a server that accepts no requests would be
// dialed in an endless loop.
func (c *http2Conn) RoundTrip(req *http.Request) (*http.Response, error) {
	first := !c.used.Swap(true)
	conn := c.available()
	switch {
	case conn != nil:
	case first:
		return nil, errors.New("the platform closed a new HTTP/2 connection")
	default:
		return nil, fullConn{errors.New("the HTTP/2 connection takes no more requests")}
	}
	if trace := httptrace.ContextClientTrace(req.Context()); trace != nil && trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{Reused: !first})
	}
	if req.Method == http.MethodGet { // undo unrepeatable, whose body would cost a DATA frame
		bodyless := *req
		bodyless.Body = nil
		req = &bodyless
	}
	return conn.client.RoundTrip(req)
}

// available returns a connection with room for a request, or nil. It reserves
// nothing: on a new connection, reservations could exceed the limit in the
// server's SETTINGS, which arrive later, and then net/http (1.26) sends none of
// the requests. Excess requests wait in their connection.
func (c *http2Conn) available() *http2Conn {
	if c.client.Available() > 0 {
		return c
	}
	for _, other := range c.others() {
		if other.client.Available() > 0 {
			return other
		}
	}
	return nil
}

// fullConn tells [http.Transport], through its method, that the request was not
// sent and that the connection should be dropped from the pool.
type fullConn struct{ error }

func (fullConn) IsHTTP2NoCachedConnError() {}

// A streamError receives net/http's unexported stream error, which copies
// itself into a struct of this shape in errors.As (net/http/h2_error.go).
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (e streamError) Error() string { return e.Cause.Error() }

// refusal returns the HTTP/2 signal by which the platform said that it did not
// process the request (RFC 9113, section 8.7), or "".
func refusal(err error) string {
	const refusedStream = 7
	var reset streamError
	if errors.As(err, &reset) && reset.Code == refusedStream {
		return "REFUSED_STREAM"
	}
	// net/http exports none of these errors. If their texts change, the outcome
	// of such a write is reported as unknown.
	switch text := err.Error(); {
	case strings.HasPrefix(text, "http2: Transport received") && strings.Contains(text, "GOAWAY"):
		return "GOAWAY" // the stream is above the frame's last stream id
	case text == "http2: client conn not usable", text == "http2: client conn could not be established":
		return "connection closed" // nothing was sent on it
	}
	return ""
}
