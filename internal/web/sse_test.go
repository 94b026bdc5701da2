package web_test

import (
	"context"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
)

func TestStreamCarriesTheAnswers(t *testing.T) {
	r := serve(t, options(map[string]handler{"who": who}))
	s := r.openStream(bearer("polt_of_the_stream"))
	initialize := `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2024-11-05","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`
	for _, c := range []struct {
		body, want string
		header     map[string]string
	}{
		{initialize, `"protocolVersion":"2024-11-05"`, nil},
		{"{\n\t\"jsonrpc\": \"2.0\",\n\"id\": \"é\", \"method\": \"ping\"}", `"id":"é","result":{}`, nil},
		{call("2", "who"), "key=polt_of_the_message\"", bearer("polt_of_the_message")},
		{call("3", "who"), "key=\"", nil}, // the stream's key is not the message's
		{"not\nJSON", `"code":-32700`, nil},
	} {
		got := r.do(request{path: s.endpoint, body: c.body, header: c.header})
		if got.status != 202 {
			t.Errorf("%s: %d", c.body, got.status)
		}
		name, data := s.next()
		if name != "message" {
			t.Errorf("the event is %s", name)
		}
		contains(t, data, c.want)
	}
}

func TestEachStreamHasItsOwnAnswers(t *testing.T) {
	r := serve(t, options(map[string]handler{"who": who}))
	a, b := r.openStream(nil), r.openStream(nil)
	if a.endpoint == b.endpoint {
		t.Fatal("two streams have one endpoint")
	}
	for s, key := range map[*stream]string{b: "polt_of_b", a: "polt_of_a"} {
		if got := r.do(request{path: s.endpoint, body: call("1", "who"), header: bearer(key)}); got.status != 202 {
			t.Fatalf("%d %s", got.status, got.body)
		}
	}
	_, data := a.next()
	contains(t, data, "polt_of_a")
	_, data = b.next()
	contains(t, data, "polt_of_b")
}

func TestStreamThatIsClosedCancelsItsCallsAndIsGone(t *testing.T) {
	began, cancelled := make(chan struct{}), make(chan struct{})
	r := serve(t, options(map[string]handler{"slow": func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		close(began)
		<-ctx.Done()
		close(cancelled)
		return text(""), nil
	}}))
	s := r.openStream(nil)
	r.do(request{path: s.endpoint, body: call("1", "slow")})
	<-began
	s.close()
	<-cancelled
	got := r.do(request{path: s.endpoint, body: call("1", "slow")})
	for got.status == 202 { // until the server has noticed
		got = r.do(request{path: s.endpoint, body: `{"jsonrpc":"2.0","method":"notifications/initialized"}`})
	}
	if got.status != 404 || !strings.Contains(got.body, "connect to /sse again") {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestCallOnAStreamCanBeCancelled(t *testing.T) {
	began := make(chan struct{})
	r := serve(t, options(map[string]handler{"who": who, "slow": slow(began, nil)}))
	s := r.openStream(nil)
	r.do(request{path: s.endpoint, body: call("1", "slow")})
	<-began
	r.do(request{path: s.endpoint, body: `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`})
	r.do(request{path: s.endpoint, body: call("2", "who")})
	_, data := s.next()
	contains(t, data, `"id":2`)
}
