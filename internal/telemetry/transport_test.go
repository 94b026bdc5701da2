package telemetry_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/openpolt/polt-mcp/internal/rpc"
)

// base is a transport that keeps what it is given.
type base struct {
	got    *http.Request
	closed int
	status int // 0 is 200
	header http.Header
	err    error
}

func (b *base) RoundTrip(r *http.Request) (*http.Response, error) {
	b.got = r
	if b.err != nil {
		return nil, b.err
	}
	return &http.Response{StatusCode: max(b.status, http.StatusOK), Header: b.header, Body: io.NopCloser(strings.NewReader("{}"))}, nil
}

func (b *base) CloseIdleConnections() { b.closed++ }

func TestTransportLeavesTheRequest(t *testing.T) {
	tel, _ := open(t, nil)
	b := &base{}
	transport := tel.Transport(b)
	for _, header := range []http.Header{nil, {"A": {"b"}, "Traceparent": {"of another"}}} {
		observe(t.Context(), tel, callFrom(t, parent), rpc.Outcome{}, func(ctx context.Context) {
			r := httptest.NewRequest(http.MethodGet, "http://polt.test/", nil).WithContext(ctx)
			r.Header = header.Clone()
			resp, err := transport.RoundTrip(r)
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			if r.Header.Get("traceparent") == parent || b.got.Header.Get("traceparent") != parent || b.got.Header.Get("A") != header.Get("A") {
				t.Errorf("given %v, sent %v", r.Header, b.got.Header)
			}
		})
	}
}

func TestTransportOutsideOfACall(t *testing.T) {
	c := newCollector(t, nil)
	tel, _ := open(t, c.env())
	b := &base{}
	transport := tel.Transport(b)
	r := httptest.NewRequest(http.MethodGet, "http://polt.test/", nil)
	resp, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b.got != r || len(r.Header) != 0 {
		t.Errorf("sent %+v", b.got)
	}
	transport.(interface{ CloseIdleConnections() }).CloseIdleConnections()
	tel.Transport(http.NewFileTransport(nil)).(interface{ CloseIdleConnections() }).CloseIdleConnections()
	if b.closed != 1 {
		t.Errorf("closed %d times", b.closed)
	}
}
