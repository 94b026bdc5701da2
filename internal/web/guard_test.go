package web_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/openpolt/polt-mcp/internal/web"
)

func TestWhoMayNotCallIsRefused(t *testing.T) {
	var refused []string
	o := options(map[string]handler{"who": who})
	o.Refused = func(reason string) { refused = append(refused, reason) }
	o.Hosts.Allowed, o.Hosts.Origins = []string{"polt.example"}, []string{"https://app.example"}
	r := serve(t, o)
	origin := func(v string) map[string]string { return map[string]string{"Origin": v} }
	for name, c := range map[string]struct {
		request request
		status  int
		reason  string
	}{
		"all is well":            {request{}, 200, ""},
		"by name":                {request{host: "localhost:1234"}, 200, ""},
		"by IPv6":                {request{host: "[::1]:1234"}, 200, ""},
		"an allowed host":        {request{host: "polt.example:443"}, 200, ""},
		"a foreign host":         {request{host: "evil.example"}, 403, "host"},
		"a host like ours":       {request{host: "localhost.evil.example"}, 403, "host"},
		"an address elsewhere":   {request{host: "10.0.0.1"}, 403, "host"},
		"a page from here":       {request{header: origin("http://localhost:6274")}, 200, ""},
		"an allowed page":        {request{header: origin("https://app.example")}, 200, ""},
		"a foreign page":         {request{header: origin("https://evil.example")}, 403, "origin"},
		"an allowed page's twin": {request{header: origin("https://app.example.evil.example")}, 403, "origin"},
		"a page without origin":  {request{header: origin("null")}, 403, "origin"},
		"on SSE":                 {request{method: "GET", path: "/sse", header: origin("https://evil.example")}, 403, "origin"},
		"on messages":            {request{path: "/message?sessionId=a", header: origin("https://evil.example")}, 403, "origin"},
		"on health":              {request{method: "GET", path: "/healthz", host: "evil.example"}, 403, "host"},
		"on metrics":             {request{method: "GET", path: "/metrics", host: "evil.example"}, 403, "host"},
		"on nothing":             {request{method: "GET", path: "/nothing", host: "evil.example"}, 403, "host"},
		"plain text":             {request{header: map[string]string{"Content-Type": "text/plain"}}, 415, "content_type"},
		"a form":                 {request{header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}}, 415, "content_type"},
		"no type":                {request{header: map[string]string{"Content-Type": ""}}, 415, "content_type"},
		"JSON with a charset":    {request{header: map[string]string{"Content-Type": "application/json; charset=utf-8"}}, 200, ""},
		"plain text to SSE":      {request{path: "/message?sessionId=a", header: map[string]string{"Content-Type": "text/plain"}}, 415, "content_type"},
		"a GET":                  {request{method: "GET"}, 405, ""},
		"a DELETE":               {request{method: "DELETE"}, 405, ""},
		"no such path":           {request{method: "GET", path: "/.well-known/oauth-protected-resource"}, 404, ""},
		"a stream not open":      {request{path: "/message?sessionId=a"}, 404, ""},
	} {
		refused = nil
		c.request.body = call("1", "who")
		got := r.do(c.request)
		if got.status != c.status || strings.Join(refused, " ") != c.reason {
			t.Errorf("%s: %d (%s), not %d (%s): %s", name, got.status, refused, c.status, c.reason, got.body)
		}
	}
}

func TestBeyondLoopbackAddressesAreTakenButNoNames(t *testing.T) {
	o := options(map[string]handler{"who": who})
	o.Hosts = web.Hosts{Allowed: []string{"polt.example"}}
	r := serve(t, o)
	for host, status := range map[string]int{"10.1.2.3:8080": 200, "polt.example": 200, "localhost": 200, "evil.example": 403} {
		if got := r.do(request{host: host, body: call("1", "who")}); got.status != status {
			t.Errorf("%s: %d", host, got.status)
		}
	}
	if got := r.do(request{header: map[string]string{"Origin": "http://localhost"}}); got.status != 403 {
		t.Errorf("a page from localhost: %d", got.status)
	}
}

func TestBrowserIsToldWhichHeadersItMaySend(t *testing.T) {
	r := serve(t, options(nil))
	got := r.do(request{method: "OPTIONS", header: map[string]string{"Origin": "http://localhost:6274", "Access-Control-Request-Method": "POST"}})
	if got.status != http.StatusNoContent || got.header.Get("Access-Control-Allow-Origin") != "http://localhost:6274" {
		t.Errorf("%d %v", got.status, got.header)
	}
	for _, name := range []string{"Authorization", "Mcp-Protocol-Version", "Mcp-Method", "Mcp-Name", "X-Polt-Caller-Token"} {
		contains(t, got.header.Get("Access-Control-Allow-Headers"), name)
	}
	if got := r.do(request{method: "OPTIONS", header: map[string]string{"Origin": "https://evil.example"}}); got.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("a foreign page is allowed: %v", got.header)
	}
}

func TestLargeMessageIsRefused(t *testing.T) {
	o := options(map[string]handler{"who": who})
	o.MaxBody = 1 << 20
	r := serve(t, o)
	body := call("1", "who")
	if got := r.do(request{body: body + strings.Repeat(" ", 1<<20-len(body))}); got.status != 200 {
		t.Errorf("of the maximum: %d", got.status)
	}
	for _, size := range []int{1<<20 + 1, 50 << 20} {
		req := r.newRequest(t.Context(), request{body: strings.Repeat(" ", size)})
		if resp, err := r.client.Do(req); err == nil { // or the connection is closed before all is sent
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusRequestEntityTooLarge {
				t.Errorf("%d bytes: %d", size, resp.StatusCode)
			}
		}
	}
	// Without a length told before.
	w := recorded(web.New(o).Handler(), "POST", "/mcp", make([]byte, 2<<20))
	if w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("%d", w.Code)
	}
}

func TestCallerTokenIsAskedFor(t *testing.T) {
	o := options(map[string]handler{"who": who})
	o.CallerToken = "a long enough secret"
	r := serve(t, o)
	for token, status := range map[string]int{"": 403, "wrong": 403, "a long enough secret": 200, "a long enough secret ": 200, "A long enough secret": 403} {
		h := map[string]string{"X-Polt-Caller-Token": token}
		if got := r.do(request{header: h, body: call("1", "who")}); got.status != status {
			t.Errorf("%q: %d", token, got.status)
		}
	}
	if got := r.do(request{method: "GET", path: "/sse"}); got.status != 403 {
		t.Errorf("SSE: %d", got.status)
	}
	if got := r.do(request{method: "GET", path: "/healthz"}); got.status != 200 {
		t.Errorf("health: %d", got.status)
	}
}

func TestNoClientCancelsAnothersCall(t *testing.T) {
	began, release := make(chan struct{}), make(chan struct{})
	r := serve(t, options(map[string]handler{"slow": func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		close(began)
		select {
		case <-release:
			return text("whole"), nil
		case <-ctx.Done():
			return text("cancelled"), nil
		}
	}}))
	answer := make(chan response)
	go func() { answer <- r.do(request{body: call("1", "slow")}) }()
	<-began
	for _, method := range []string{`notifications/cancelled`, `\u006eotifications/cancelled`} {
		got := r.do(request{body: `{"jsonrpc":"2.0","method":"` + method + `","params":{"requestId":1}}`})
		if got.status != http.StatusAccepted {
			t.Errorf("%s is answered with %d", method, got.status)
		}
	}
	close(release)
	contains(t, (<-answer).body, "whole")
}

func TestClientThatGoesCancelsItsOwnCall(t *testing.T) {
	began, cancelled := make(chan struct{}), make(chan struct{})
	r := serve(t, options(map[string]handler{"slow": untilCancelled(began, cancelled)}))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if resp, err := r.client.Do(r.newRequest(ctx, request{body: call("1", "slow")})); err == nil {
			_ = resp.Body.Close()
		}
	}()
	<-began
	cancel()
	<-cancelled
	<-done
}

func TestPanicIsAnswered(t *testing.T) {
	r := serve(t, options(map[string]handler{"bad": func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) { panic("polt_secret") }}))
	for range 2 { // on the same connection
		got := r.do(request{body: call("1", "bad")})
		if got.status != http.StatusOK || !strings.Contains(got.body, `"code":-32603`) || strings.Contains(got.body, "secret") {
			t.Errorf("%d %s", got.status, got.body)
		}
	}
}

func TestRequestHasAnID(t *testing.T) {
	r := serve(t, options(map[string]handler{"id": func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return text("id=" + web.RequestID(ctx)), nil
	}}))
	for given, kept := range map[string]bool{"abc-1.2_3": true, "": false, "a b": false, strings.Repeat("a", 65): false} {
		got := r.do(request{body: call("1", "id"), header: map[string]string{"X-Request-Id": given}})
		id := got.header.Get("X-Request-Id")
		if id == "" || (id == given) != kept {
			t.Errorf("%q became %q", given, id)
		}
		contains(t, got.body, fmt.Sprintf("id=%s", id))
	}
}
