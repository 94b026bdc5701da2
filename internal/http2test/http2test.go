// Package http2test has an HTTP/2 server for tests that answers frame by
// frame, as no HTTP/2 library lets a server do.
package http2test

import (
	"bytes"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// A Server is a server on loopback with TLS. Its fields are set before
// [Server.Start].
type Server struct {
	// Answer is called with each request that has arrived whole, the nth of
	// all, from 1. It reports whether the connection stays open.
	Answer func(conn *Conn, stream uint32, n int) bool
	// Settings are sent on each connection; none is HTTP/2's defaults.
	Settings []http2.Setting
	// TurnsAway has each connection closed as soon as it is made.
	TurnsAway bool

	// URL is where the started server is, and CAFile has its certificate.
	URL, CAFile string
	// Arrived counts the requests, Connections the connections.
	Arrived, Connections atomic.Int32
}

// Start starts the server. It is closed at the end of the test, after the
// clients that the test makes later.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	certified := httptest.NewUnstartedServer(nil)
	certified.StartTLS()
	certificates, root := certified.TLS.Certificates, certified.Certificate().Raw
	certified.Close()
	s.CAFile = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(s.CAFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root}), 0o600); err != nil {
		t.Fatal(err)
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: certificates, NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.URL = "https://" + listener.Addr().String()
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.Connections.Add(1)
			serving.Go(func() { s.serve(t, conn.(*tls.Conn)) })
		}
	})
	t.Cleanup(serving.Wait)
	t.Cleanup(func() { _ = listener.Close() })
}

func (s *Server) serve(t testing.TB, conn *tls.Conn) {
	defer func() { _ = conn.Close() }()
	if s.TurnsAway {
		_ = conn.HandshakeContext(t.Context()) // as far as the client goes along
		return
	}
	preface := make([]byte, len(http2.ClientPreface))
	if _, err := io.ReadFull(conn, preface); err != nil || string(preface) != http2.ClientPreface {
		return // the client had another connection meanwhile
	}
	c := &Conn{framer: http2.NewFramer(conn, conn), t: t}
	c.sent(c.framer.WriteSettings(s.Settings...))
	for {
		frame, err := c.framer.ReadFrame()
		if err != nil {
			return
		}
		var whole bool
		switch frame := frame.(type) {
		case *http2.HeadersFrame:
			whole = frame.StreamEnded()
		case *http2.DataFrame:
			whole = frame.StreamEnded()
		case *http2.PingFrame:
			if !frame.IsAck() {
				c.sent(c.framer.WritePing(true, frame.Data))
			}
		}
		if whole && !s.Answer(c, frame.Header().StreamID, int(s.Arrived.Add(1))) {
			return
		}
	}
}

// A Conn is a connection of a client, for [Server.Answer] to answer on.
type Conn struct {
	framer *http2.Framer
	t      testing.TB
}

// sent fails the test where a frame could not be written for another reason
// than that the client has gone.
func (c *Conn) sent(err error) {
	var gone net.Error
	if err != nil && !errors.As(err, &gone) && !errors.Is(err, io.ErrClosedPipe) {
		c.t.Error(err)
	}
}

// Header begins an answer with the status 200.
func (c *Conn) Header(stream uint32) {
	var block bytes.Buffer
	_ = hpack.NewEncoder(&block).WriteField(hpack.HeaderField{Name: ":status", Value: "200"}) // to memory
	c.sent(c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block.Bytes(), EndHeaders: true}))
}

// Data goes on with an answer, up to its end where last is set.
func (c *Conn) Data(stream uint32, data string, last bool) {
	c.sent(c.framer.WriteData(stream, last, []byte(data)))
}

// OK is a whole answer.
func (c *Conn) OK(stream uint32, body string) {
	c.Header(stream)
	c.Data(stream, body, true)
}

// Reset ends a stream with an error code.
func (c *Conn) Reset(stream uint32, code http2.ErrCode) {
	c.sent(c.framer.WriteRSTStream(stream, code))
}

// GoAway says that no stream over the last is processed.
func (c *Conn) GoAway(last uint32, code http2.ErrCode) {
	c.sent(c.framer.WriteGoAway(last, code, nil))
}

// ErrCodes returns every error code of RFC 9113, and one that is unknown.
func ErrCodes() []http2.ErrCode {
	codes := []http2.ErrCode{0xff}
	for code := http2.ErrCodeNo; code <= http2.ErrCodeHTTP11Required; code++ {
		codes = append(codes, code)
	}
	return codes
}
