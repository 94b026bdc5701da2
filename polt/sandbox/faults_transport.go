package sandbox

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"syscall"
)

// Transport returns an in-process transport that sends every request, whatever
// its host, to the handler. Where the connection would break, the request or
// the reading of its response body fails.
func (f *Faulty) Transport() http.RoundTripper { return faultyTransport{f} }

type faultyTransport struct{ faulty *Faulty }

// RoundTrip injects a fault, or delegates to the transport without faults.
func (t faultyTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	fault, random := t.faulty.choose(req)
	if fault == "" {
		return transport{t.faulty.handler}.RoundTrip(req)
	}
	ctx := req.Context()
	if err := connect(ctx); err != nil {
		return nil, err
	}
	received := req.Clone(ctx)
	if received.RequestURI = req.URL.RequestURI(); received.Body == nil {
		received.Body = http.NoBody
	}
	body, out := io.Pipe()
	s := &stream{header: http.Header{}, out: out, begun: make(chan struct{})}
	go func() {
		var failed error
		defer func() {
			if p := recover(); p != nil {
				if err, ok := p.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
					panic(p)
				}
				failed = io.ErrUnexpectedEOF
			}
			s.end(failed)
			_ = received.Body.Close()
		}()
		t.faulty.fail(s, received, fault, random)
	}()
	select {
	case <-s.begun:
	case <-ctx.Done():
		_ = body.CloseWithError(ctx.Err())
		return nil, ctx.Err()
	}
	if s.status == 0 { // the fault struck before the response began
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if code, ok := resetCodes[fault]; ok {
			return nil, streamReset(code)
		}
		return nil, fmt.Errorf("sandbox: read: %w", syscall.ECONNRESET)
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", s.status, http.StatusText(s.status)), StatusCode: s.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: s.header.Clone(), ContentLength: -1, Body: body, Request: req,
	}, nil
}

// A stream is a ResponseWriter whose body can be read while it is written.
type stream struct {
	header http.Header
	status int
	out    *io.PipeWriter
	once   sync.Once
	begun  chan struct{}
}

func (s *stream) Header() http.Header { return s.header }

func (s *stream) WriteHeader(status int) {
	s.once.Do(func() {
		s.status = status
		close(s.begun)
	})
}

func (s *stream) Write(b []byte) (int, error) {
	s.WriteHeader(http.StatusOK)
	return s.out.Write(b)
}

// Flush sends the header; the body is never buffered.
func (s *stream) Flush() { s.WriteHeader(http.StatusOK) }

// end completes the response, or aborts it with an error.
func (s *stream) end(failed error) {
	if failed == nil {
		s.WriteHeader(http.StatusOK)
	}
	s.once.Do(func() { close(s.begun) })
	_ = s.out.CloseWithError(failed)
}
