package sandbox

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
)

// Transport returns a transport that has the sandbox answer every request,
// whatever its host, within the process: no port is opened.
func (s *Sandbox) Transport() http.RoundTripper { return transport{s} }

type transport struct{ handler http.Handler }

// RoundTrip has the handler answer. Where the request's context ends meanwhile,
// its error is all that the caller gets: as on a network, it is not told
// whether the request has taken effect.
func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	body := req.Body
	if body == nil {
		body = http.NoBody
	}
	defer body.Close()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if trace := httptrace.ContextClientTrace(ctx); trace != nil && trace.GotConn != nil {
		// From here on, the request may have an effect.
		trace.GotConn(httptrace.GotConnInfo{})
	}
	// A body that is waited for must not outlast the context.
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

// recorder keeps what a handler answers.
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
