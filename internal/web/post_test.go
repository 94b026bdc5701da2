package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/openpolt/polt-mcp/internal/web"
)

func TestAPostIsAnsweredAsJSONRPC(t *testing.T) {
	o := options(map[string]handler{"who": who})
	o.MaxBody = 1000
	o.CallerToken = "a long enough secret"
	r := serve(t, o)
	ping := `{"jsonrpc":"2.0","id":1,"method":"ping"}`
	for _, c := range []struct {
		what    string
		request request
		status  int
		want    string
	}{
		{"null", request{body: "null"}, 400, `{"jsonrpc":"2.0","error":{"code":-32600`},
		{"a number", request{body: "7"}, 400, `{"jsonrpc":"2.0","error":{"code":-32600`},
		{"an empty object", request{body: "{}"}, 400, `{"jsonrpc":"2.0","error":{"code":-32600`},
		{"nothing", request{body: ""}, 400, `{"jsonrpc":"2.0","error":{"code":-32700`},
		{"another version of JSON-RPC", request{body: `{"jsonrpc":"1.0","id":1,"method":"ping"}`}, 400, `{"jsonrpc":"2.0","id":1,"error":{"code":-32600`},
		{"a large id", request{body: `{"jsonrpc":"2.0","id":12345678901234567890,"method":"ping"}`}, 200, `{"jsonrpc":"2.0","id":12345678901234567890,"result":{}}`},
		{"a byte order mark", request{body: "\ufeff" + ping}, 200, `{"jsonrpc":"2.0","id":1,"result":{}}`},
		{"a slash at the end", request{path: "/mcp/", body: ping}, 200, `{"jsonrpc":"2.0","id":1,"result":{}}`},
		{"two slashes", request{path: "//mcp", body: ping}, 200, `{"jsonrpc":"2.0","id":1,"result":{}}`},
		{"an invalid cursor", request{body: `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"x"}}`}, 200, `"code":-32602`},
		{"a type that is not JSON", request{header: map[string]string{"Content-Type": "text/plain"}, body: ping}, 415, `{"jsonrpc":"2.0","error":{"code":-32600`},
		{"what is too large", request{body: ping + strings.Repeat(" ", 1000)}, 413, `{"jsonrpc":"2.0","error":{"code":-32600`},
		{"a foreign page", request{header: map[string]string{"Origin": "https://evil.example"}, body: ping}, 403, `{"jsonrpc":"2.0","error":{"code":-32600`},
		{"no stream", request{path: "/message?sessionId=a", body: ping}, 404, `{"jsonrpc":"2.0","error":{"code":-32600`},
		{"an unknown version", request{header: map[string]string{"Mcp-Protocol-Version": "1999-01-01"}, body: ping}, 400, `{"jsonrpc":"2.0","id":1,"error":{"code":-32022`},
	} {
		h := map[string]string{"X-Polt-Caller-Token": o.CallerToken}
		for name, value := range c.request.header {
			h[name] = value
		}
		c.request.header = h
		got := r.do(c.request)
		if got.status != c.status || got.header.Get("Content-Type") != "application/json" || !strings.Contains(got.body, c.want) {
			t.Errorf("%s: %d %s %s", c.what, got.status, got.header.Get("Content-Type"), got.body)
		}
	}
	got := r.do(request{body: ping})
	if got.status != 403 || !strings.HasPrefix(got.body, `{"jsonrpc":"2.0","error":`) {
		t.Errorf("without the token: %d %s", got.status, got.body)
	}
}

func TestAPersonIsToldWhatThisIs(t *testing.T) {
	r := serve(t, options(nil))
	got := r.do(request{method: "GET", path: "/"})
	if got.status != 200 || !strings.HasPrefix(got.header.Get("Content-Type"), "text/plain") {
		t.Errorf("%d %v", got.status, got.header)
	}
	contains(t, got.body, r.URL+"/mcp")
	contains(t, got.body, r.URL+"/sse")
	if strings.Contains(got.body, "Token") {
		t.Errorf("it asks for a token: %s", got.body)
	}
	o := options(nil)
	o.CallerToken = "a long enough secret"
	got = serve(t, o).do(request{method: "GET", path: "/"})
	contains(t, got.body, `--header "X-Polt-Caller-Token: ..."`)
	if strings.Contains(got.body, o.CallerToken) {
		t.Errorf("it tells the token: %s", got.body)
	}
	if got := r.do(request{path: "/"}); got.status != 405 || got.header.Get("Allow") != "GET" {
		t.Errorf("a POST: %d %v", got.status, got.header)
	}
}

func TestBatchesAreAnsweredWhereTheVersionHasThem(t *testing.T) {
	o := options(map[string]handler{"who": who})
	o.Limits = web.Limits{CallerInFlight: 4}
	r := serve(t, o)
	batch := `[` + call("1", "who") + `,{"jsonrpc":"2.0","method":"notifications/initialized"},{"jsonrpc":"2.0","id":"p","method":"ping"},7]`
	for version, status := range map[string]int{"": 200, "2025-03-26": 200, "2025-06-18": 400, "2025-11-25": 400, "2026-07-28": 400} {
		h := bearer("polt_of_a")
		if version != "" {
			h["Mcp-Protocol-Version"] = version
		}
		got := r.do(request{body: batch, header: h})
		if got.status != status {
			t.Errorf("%q: %d %s", version, got.status, got.body)
		}
		if status != 200 {
			continue
		}
		var answers []struct {
			ID     any
			Result *struct{}
			Error  *struct{ Code int }
		}
		if err := json.Unmarshal([]byte(got.body), &answers); err != nil || len(answers) != 3 {
			t.Fatalf("%v: %s", err, got.body)
		}
		if answers[0].ID != 1.0 || answers[1].ID != "p" || answers[2].ID != nil || answers[2].Error.Code != mcp.INVALID_REQUEST {
			t.Errorf("%s", got.body)
		}
		contains(t, got.body, "key=polt_of_a")
	}
	if got := r.do(request{body: `[{"jsonrpc":"2.0","method":"notifications/initialized"}]`}); got.status != 202 || got.body != "" {
		t.Errorf("only notifications: %d %s", got.status, got.body)
	}
	if got := r.do(request{body: `[` + strings.Repeat(call("1", "who")+",", 4) + call("1", "who") + `]`}); got.status != 429 {
		t.Errorf("more than may be in flight: %d", got.status)
	}
}

// post sends a request as it is written, and returns the status and the rest.
func (r *running) post(header, body string) string {
	r.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.URL, "http://"))
	if err != nil {
		r.t.Fatal(err)
	}
	defer conn.Close()
	if _, err := fmt.Fprintf(conn, "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s", header, len(body), body); err != nil {
		r.t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		r.t.Fatal(err)
	}
	return strings.TrimPrefix(string(answer), "HTTP/1.1 ")
}

func TestHeadersThatContradictTheMessageAreRefused(t *testing.T) {
	r := serve(t, options(map[string]handler{"who": who}))
	const version, method, name = "Mcp-Protocol-Version: 2026-07-28\r\n", "Mcp-Method: tools/call\r\n", "Mcp-Name: who\r\n"
	body := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"who","arguments":{},` + modernMeta + `}}`
	for header, want := range map[string]string{
		version + method + name:                                   "200",
		version + method + name + name:                            "200", // it does not contradict
		version + method + name + "Last-Event-Id: 5\r\n":          "200",
		version + method + "Mcp-Name: =?base64?d2hv?=\r\n":        "200",
		version + method + "Mcp-Name: =?base64?!?=\r\n":           "400",
		version + method + name + "Mcp-Name: other\r\n":           "400",
		version + method + "Mcp-Name: other\r\n" + name:           "400",
		version + method + "Mcp-Method: tools/list\r\n" + name:    "400",
		version + "Mcp-Protocol-Version: 2025-11-25\r\n" + method: "400",
		version + name:   "400",
		version + method: "400",
		method + name:    "400",
		"Mcp-Protocol-Version: 2025-11-25\r\n" + method + name:                 "400",
		version + "Mcp-Method: Tools/Call\r\n" + name:                          "400",
		version + method + "Mcp-Name: WHO\r\n":                                 "400",
		"Mcp-Protocol-Version: 2026-07-28 \r\n" + method + "Mcp-Name: who\r\n": "200",
	} {
		got := r.post(header, body)
		if !strings.HasPrefix(got, want) || want == "400" && !strings.Contains(got, `"id":1,"error":{"code":-32020`) {
			t.Errorf("%s\n%s", header, got)
		}
	}
}

func TestProgressComesBeforeTheAnswer(t *testing.T) {
	r := serve(t, options(map[string]handler{"slow": func(ctx context.Context, c mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		for i := range 3 {
			if err := server.ServerFromContext(ctx).SendNotificationToClient(ctx, "notifications/progress", map[string]any{"progressToken": "t", "progress": i}); err != nil && c.Params.Meta != nil {
				t.Error(err)
			}
		}
		return text("done"), nil
	}}))
	withToken := strings.Replace(call("1", "slow"), `"arguments":{}`, `"arguments":{},"_meta":{"progressToken":"t"}`, 1)
	for range 50 {
		got := r.do(request{body: withToken})
		if got.status != http.StatusOK || got.header.Get("Content-Type") != "text/event-stream" {
			t.Fatalf("%d %v", got.status, got.header)
		}
		events := strings.Split(strings.TrimSpace(got.body), "\n\n")
		if len(events) != 4 || !strings.Contains(events[2], `"progress":2`) || !strings.Contains(events[3], `"id":1,"result"`) {
			t.Fatalf("%q", events)
		}
	}
	if got := r.do(request{body: call("1", "slow")}); got.header.Get("Content-Type") != "application/json" {
		t.Errorf("without a token: %v %s", got.header, got.body)
	}
}
