package polt_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/openpolt/polt-mcp/polt"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// A framePlatform speaks HTTP/2 frame by frame, so that it can answer as no
// HTTP/2 library lets a server do.
type framePlatform struct {
	url, caFile string
	settings    []http2.Setting
	turnsAway   bool // closes each connection that is made
	// answer is called with each whole request, the nth to arrive, from 1. It
	// reports whether the connection stays open.
	answer func(conn *frameConn, stream uint32, n int) bool

	arrived, connections atomic.Int32
}

type frameConn struct {
	*http2.Framer
	t testing.TB
}

// startFrames starts a platform of frames, with the certificate of a server of
// package httptest.
func startFrames(t testing.TB, p *framePlatform) {
	source := serveTLS(t, func(http.ResponseWriter, *http.Request) {})
	p.caFile = pemFile(t, source)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: source.TLS.Certificates, NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12,
	})
	if err != nil {
		t.Fatal(err)
	}
	p.url = "https://" + listener.Addr().String()
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			p.connections.Add(1)
			serving.Go(func() { p.serve(t, conn) })
		}
	})
	t.Cleanup(serving.Wait) // the client, made later, has closed its connections by then
	t.Cleanup(func() { _ = listener.Close() })
}

func (p *framePlatform) serve(t testing.TB, conn net.Conn) {
	defer conn.Close()
	if p.turnsAway {
		_ = conn.(*tls.Conn).HandshakeContext(t.Context()) // as far as the client goes along
		return
	}
	preface := make([]byte, len(http2.ClientPreface))
	if _, err := io.ReadFull(conn, preface); err != nil || string(preface) != http2.ClientPreface {
		return // the client needed another connection, or none
	}
	c := &frameConn{Framer: http2.NewFramer(conn, conn), t: t}
	c.sent(c.WriteSettings(p.settings...))
	for {
		frame, err := c.ReadFrame()
		if err != nil {
			return
		}
		whole := false
		switch frame := frame.(type) {
		case *http2.HeadersFrame:
			whole = frame.StreamEnded()
		case *http2.DataFrame:
			whole = frame.StreamEnded()
		}
		if whole && !p.answer(c, frame.Header().StreamID, int(p.arrived.Add(1))) {
			return
		}
	}
}

// sent fails the test where a frame could not be written for another reason
// than that the client has gone.
func (c *frameConn) sent(err error) {
	var gone net.Error
	if err != nil && !errors.As(err, &gone) && !errors.Is(err, io.ErrClosedPipe) {
		c.t.Error(err)
	}
}

func (c *frameConn) headers(stream uint32) {
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	_ = encoder.WriteField(hpack.HeaderField{Name: ":status", Value: "200"}) // to memory
	c.sent(c.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block.Bytes(), EndHeaders: true}))
}

func (c *frameConn) ok(stream uint32) {
	c.headers(stream)
	c.sent(c.WriteData(stream, true, []byte(`{"id":"42"}`)))
}

// call makes one call of a new client, and returns its attempts and error.
func (p *framePlatform) call(t testing.TB, call func(context.Context, *polt.Client) error) ([]polt.Attempt, error) {
	var attempts []polt.Attempt
	client := newClient(t, polt.Options{BaseURL: p.url, CAFile: p.caFile, OnAttempt: collect(&attempts)})
	err := call(t.Context(), client)
	return attempts, err
}

func submit(ctx context.Context, c *polt.Client) error {
	_, err := polt.SubmitWork.Call(ctx, c, polt.SubmitWorkInput{TaskID: "42", SubmissionContent: "done"})
	return err
}

// Whatever a platform does with a stream or a connection, a write arrives
// once, a read as often as it may be tried, and no request is sent that is not
// an attempt that was told.
func TestHTTP2FailureSendsNothingAgain(t *testing.T) {
	goAway := func(last func(uint32) uint32) func(*frameConn, uint32, http2.ErrCode) bool {
		return func(c *frameConn, stream uint32, code http2.ErrCode) bool {
			c.sent(c.WriteGoAway(last(stream), code, nil))
			return false
		}
	}
	failures := map[string]struct {
		fail    func(*frameConn, uint32, http2.ErrCode) bool
		refuses func(http2.ErrCode) bool
	}{
		"reset before the answer": {
			func(c *frameConn, stream uint32, code http2.ErrCode) bool {
				c.sent(c.WriteRSTStream(stream, code))
				return true
			},
			func(code http2.ErrCode) bool { return code == http2.ErrCodeRefusedStream },
		},
		"reset within the answer": {
			func(c *frameConn, stream uint32, code http2.ErrCode) bool {
				c.headers(stream)
				c.sent(c.WriteData(stream, false, []byte(`{"id":`)))
				c.sent(c.WriteRSTStream(stream, code))
				return true
			},
			func(http2.ErrCode) bool { return false },
		},
		"go away with the stream": {goAway(func(stream uint32) uint32 { return stream }), func(http2.ErrCode) bool { return false }},
		"go away before it":       {goAway(func(uint32) uint32 { return 0 }), func(http2.ErrCode) bool { return true }},
	}
	codes := []http2.ErrCode{0xff}
	for code := http2.ErrCodeNo; code <= http2.ErrCodeHTTP11Required; code++ {
		codes = append(codes, code)
	}
	operations := map[string]func(context.Context, *polt.Client) error{"get_task": getTask, "commit": commit, "submit": submit}
	var cases sync.WaitGroup // side by side, since reads wait between their tries
	for name, failure := range failures {
		for _, code := range codes {
			for operation, call := range operations {
				for _, used := range []int{0, 1} { // requests that the connection has answered before
					cases.Go(func() {
						name := fmt.Sprintf("%s, %s of %s, after %d", name, code, operation, used)
						p := &framePlatform{answer: func(c *frameConn, stream uint32, n int) bool {
							if n <= used {
								c.ok(stream)
								return true
							}
							return failure.fail(c, stream, code)
						}}
						startFrames(t, p)
						attempts, err := p.call(t, func(ctx context.Context, client *polt.Client) error {
							for range used {
								if err := getTask(ctx, client); err != nil {
									t.Errorf("%s: %v", name, err)
								}
							}
							return call(ctx, client)
						})
						tries, want := 1, polt.CodeOutcomeUnknown
						if operation == "get_task" {
							tries = 3
						}
						if operation == "get_task" || failure.refuses(code) {
							want = polt.CodeUpstreamError
						}
						var e *polt.Error
						if !errors.As(err, &e) || e.Code != want || e.Retryable != (want == polt.CodeUpstreamError) {
							t.Errorf("%s: error %#v, want the code %s", name, err, want)
						}
						if arrived := int(p.arrived.Load()); arrived != len(attempts) || arrived != used+tries {
							t.Errorf("%s: %d requests arrived, %d attempts were told, want %d", name, arrived, len(attempts), used+tries)
						}
					})
				}
			}
		}
	}
	cases.Wait()
}

// A platform that goes away after it has answered costs no call.
func TestHTTP2ConnectionIsReplaced(t *testing.T) {
	p := &framePlatform{answer: func(c *frameConn, stream uint32, _ int) bool {
		c.sent(c.WriteGoAway(stream, http2.ErrCodeNo, nil))
		c.ok(stream)
		return true
	}}
	startFrames(t, p)
	const calls = 20
	attempts, err := p.call(t, func(ctx context.Context, client *polt.Client) error {
		for range calls {
			if err := commit(ctx, client); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || len(attempts) != calls || p.arrived.Load() != calls || p.connections.Load() != calls {
		t.Errorf("%d attempts, %d arrived on %d connections: %v", len(attempts), p.arrived.Load(), p.connections.Load(), err)
	}
}

// A platform that turns every connection away is dialed once an attempt.
func TestHTTP2ConnectionsThatAreTurnedAway(t *testing.T) {
	p := &framePlatform{turnsAway: true}
	startFrames(t, p)
	attempts, err := p.call(t, getTask)
	_ = failure(t, err)
	if len(attempts) != 3 || p.connections.Load() != 3 {
		t.Errorf("%d attempts on %d connections: %v", len(attempts), p.connections.Load(), err)
	}
}

// Many calls at once share a connection, and take more where it is full.
func TestHTTP2ConnectionsAreShared(t *testing.T) {
	for streams, most := range map[uint32]int32{1000: 1, 4: 1000} {
		p := &framePlatform{
			settings: []http2.Setting{{ID: http2.SettingMaxConcurrentStreams, Val: streams}},
			answer:   func(c *frameConn, stream uint32, _ int) bool { c.ok(stream); return true },
		}
		startFrames(t, p)
		client := newClient(t, polt.Options{BaseURL: p.url, CAFile: p.caFile})
		if err := commit(t.Context(), client); err != nil { // the settings are known after it
			t.Fatal(err)
		}
		const burst = 64
		var calls sync.WaitGroup
		for range burst {
			calls.Go(func() {
				if err := commit(t.Context(), client); err != nil {
					t.Error(err)
				}
			})
		}
		calls.Wait()
		if got := p.connections.Load(); got > most || p.arrived.Load() != burst+1 {
			t.Errorf("%d requests on %d connections of %d streams, want at most %d", p.arrived.Load(), got, streams, most)
		}
	}
}
