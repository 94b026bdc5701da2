package polt_test

import (
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"

	"github.com/openpolt/polt-mcp/polt"
)

// roundTrips is a network of one function, for tests in which time is virtual.
type roundTrips func(*http.Request) (*http.Response, error)

func (f roundTrips) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// connect tells the request's trace that there is a connection, as net/http
// does before it writes the first byte.
func connect(req *http.Request) {
	httptrace.ContextClientTrace(req.Context()).GotConn(httptrace.GotConnInfo{})
}

// answer is a response with alternating names and values of headers.
func answer(status int, body string, headers ...string) *http.Response {
	resp := &http.Response{
		StatusCode: status, Header: http.Header{},
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
	for i := 0; i < len(headers); i += 2 {
		resp.Header.Set(headers[i], headers[i+1])
	}
	return resp
}

// fake returns a client without a network: try n is answered by f(n), after it
// has been connected.
func fake(t testing.TB, o polt.Options, f func(n int, req *http.Request) (*http.Response, error)) *polt.Client {
	t.Helper()
	n := 0
	o.BaseURL = "http://polt.test"
	o.Transport = roundTrips(func(req *http.Request) (*http.Response, error) {
		n++
		connect(req)
		return f(n, req)
	})
	return newClient(t, o)
}
