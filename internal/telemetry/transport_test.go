package telemetry_test

import (
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
)

// postCall posts a call of get_leaderboard.
func postCall(t *testing.T, h http.Handler, meta string, headers http.Header) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/mcp", strings.NewReader(
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_leaderboard","_meta":`+meta+`,"arguments":{}}}`))
	maps.Copy(r.Header, headers)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	if rec.Code != http.StatusOK {
		t.Fatalf("answered %d %s", rec.Code, rec.Body)
	}
}

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
		handler := tel.Middleware()(func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			r := httptest.NewRequest(http.MethodGet, "http://polt.test/", nil).WithContext(ctx)
			r.Header = header.Clone()
			resp, err := transport.RoundTrip(r)
			if err != nil {
				return nil, err
			}
			defer resp.Body.Close()
			if r.Header.Get("traceparent") == parent || b.got.Header.Get("traceparent") != parent || b.got.Header.Get("A") != header.Get("A") {
				t.Errorf("given %v, sent %v", r.Header, b.got.Header)
			}
			return &mcp.CallToolResult{}, nil
		})
		if _, err := handler(t.Context(), requestFrom(parent)); err != nil {
			t.Error(err)
		}
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

// requestFrom returns a call of a caller who is at a place in a trace.
func requestFrom(place string) mcp.CallToolRequest {
	r := mcp.CallToolRequest{}
	r.Params.Name = "get_leaderboard"
	r.Params.Meta = mcp.NewMetaFromMap(map[string]any{"traceparent": place})
	return r
}
