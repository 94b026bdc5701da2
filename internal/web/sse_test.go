package web_test

import (
	"strings"
	"testing"

	"github.com/openpolt/polt-mcp/internal/web"
)

func TestStreamCarriesTheAnswers(t *testing.T) {
	r := serve(t, options(map[string]handler{"who": who}))
	s := r.openStream(bearer("polt_of_the_stream"))
	initialize := `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2024-11-05","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`
	for _, c := range []struct {
		body, want string
	}{
		{initialize, `"protocolVersion":"2024-11-05"`},
		{"{\n\t\"jsonrpc\": \"2.0\",\n\"id\": \"é\", \"method\": \"ping\"}", `"id":"é","result":{}`},
		{call("2", "who"), "key=polt_of_the_stream\""},
		{"not\nJSON", `"code":-32700`},
	} {
		got := r.do(request{path: s.endpoint, body: c.body, header: bearer("polt_of_the_stream")})
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

func TestStreamBelongsToItsCaller(t *testing.T) {
	var refused []string
	o := options(map[string]handler{"who": who})
	o.Refused = func(reason string) { refused = append(refused, reason) }
	r := serve(t, o)
	s := r.openStream(bearer("polt_of_a"))
	for header, status := range map[string]int{"polt_of_a": 202, "polt_of_b": 403, "": 403} {
		q := request{path: s.endpoint, body: call("1", "who")}
		if header != "" {
			q.header = bearer(header)
		}
		if got := r.do(q); got.status != status {
			t.Errorf("%q: %d %s", header, got.status, got.body)
		}
	}
	if got := strings.Join(refused, " "); got != "session session" {
		t.Errorf("refused for %s", got)
	}
	// A caller may get its key after it has opened the stream.
	s = r.openStream(nil)
	for _, c := range []struct {
		key    string
		status int
	}{{"", 202}, {"polt_of_a", 202}, {"polt_of_b", 403}, {"", 202}, {"polt_of_a", 202}} {
		q := request{path: s.endpoint, body: call("1", "who")}
		if c.key != "" {
			q.header = bearer(c.key)
		}
		if got := r.do(q); got.status != c.status {
			t.Errorf("%q: %d %s", c.key, got.status, got.body)
		}
	}
}

func TestBatchOverSSECountsAsItsCalls(t *testing.T) {
	o := options(map[string]handler{"who": who})
	o.Limits = web.Limits{CallerRate: 2} // four at once
	r := serve(t, o)
	s := r.openStream(nil) // which is one
	if got := r.do(request{path: s.endpoint, body: `[` + call("1", "who") + `,` + call("2", "who") + `,` + call("3", "who") + `]`}); got.status != 202 {
		t.Errorf("as many as may come at once: %d", got.status)
	}
	got := r.do(request{path: s.endpoint, body: `[` + call("1", "who") + `,` + call("2", "who") + `]`})
	if got.status != 429 || got.header.Get("Retry-After") == "" {
		t.Errorf("more than that: %d", got.status)
	}
	got = r.do(request{path: s.endpoint, body: `[` + strings.Repeat(call("1", "who")+",", 5) + call("1", "who") + `]`})
	if got.status != 429 || got.header.Get("Retry-After") != "" {
		t.Errorf("more than ever may come at once: %d %v", got.status, got.header)
	}
}

func TestStreamThatIsClosedCancelsItsCallsAndIsGone(t *testing.T) {
	began, cancelled := make(chan struct{}), make(chan struct{})
	r := serve(t, options(map[string]handler{"slow": untilCancelled(began, cancelled)}))
	s := r.openStream(nil)
	r.do(request{path: s.endpoint, body: call("1", "slow")})
	<-began
	s.close()
	<-cancelled
	got := r.do(request{path: s.endpoint, body: call("1", "slow")})
	for got.status == 202 { // until the server has noticed
		got = r.do(request{path: s.endpoint, body: `{"jsonrpc":"2.0","method":"notifications/initialized"}`})
	}
	if got.status != 404 || !strings.Contains(got.body, "Connect to /sse again") {
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
