package sandbox

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
)

// Transport returns an in-process transport that sends every request, whatever
// its host, to the sandbox. No port is opened.
func (s *Sandbox) Transport() http.RoundTripper { return transport{s} }

type transport struct{ handler http.Handler }

// RoundTrip runs the handler. If ctx ends meanwhile, only its error is
// returned: as on a network, the caller does not learn whether the request took
// effect.
func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	body := req.Body
	if body == nil {
		body = http.NoBody
	}
	defer body.Close()
	if err := connect(ctx); err != nil {
		return nil, err
	}
	// Unblocks a handler that reads a stalled body when ctx ends.
	stop := context.AfterFunc(ctx, func() { _ = body.Close() })
	defer stop()

	received := req.Clone(ctx)
	received.Body, received.RequestURI = body, req.URL.RequestURI()
	answer := &recorder{header: http.Header{}, status: http.StatusOK}
	t.handler.ServeHTTP(answer, received)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return answer.response(req), nil
}

// connect reports to the context's trace that the request may have an effect from
// now on, unless ctx is done.
func connect(ctx context.Context) error {
	trace := httptrace.ContextClientTrace(ctx)
	if trace != nil && trace.GetConn != nil {
		trace.GetConn("sandbox")
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if trace != nil && trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{})
	}
	return nil
}

// recorder buffers a handler's response.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }

func (r *recorder) response(req *http.Request) *http.Response {
	length := r.body.Len()
	if req.Method == http.MethodHead {
		r.body.Reset()
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", r.status, http.StatusText(r.status)), StatusCode: r.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: r.header, ContentLength: int64(length), Body: io.NopCloser(&r.body), Request: req,
	}
}
