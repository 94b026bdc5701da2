package web_test

import (
	"strings"
	"testing"
)

const modernMeta = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}`

func modern(method, name string) map[string]string {
	h := map[string]string{"Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": method}
	if name != "" {
		h["Mcp-Name"] = name
	}
	return h
}

func TestEachProtocolVersionIsServed(t *testing.T) {
	r := serve(t, options(map[string]handler{"who": who}))
	for _, v := range []string{"2025-03-26", "2025-06-18", "2025-11-25"} {
		got := r.do(request{body: `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"` + v + `","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`})
		contains(t, got.body, `"protocolVersion":"`+v+`"`)
		got = r.do(request{body: call("1", "who"), header: map[string]string{"Mcp-Protocol-Version": v}})
		contains(t, got.body, "key=")
	}
	if got := r.do(request{body: call("1", "who"), header: map[string]string{"Mcp-Protocol-Version": "1999-01-01"}}); got.status != 400 {
		t.Errorf("an unknown version: %d", got.status)
	}
}

func TestModernRequests(t *testing.T) {
	r := serve(t, options(map[string]handler{"who": who}))
	got := r.do(request{body: `{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{` + modernMeta + `}}`, header: modern("server/discover", "")})
	contains(t, got.body, `"2026-07-28"`)
	got = r.do(request{body: `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{` + modernMeta + `}}`, header: modern("tools/list", "")})
	contains(t, got.body, `"ttlMs"`)
	contains(t, got.body, `"cacheScope"`)
	toolCall := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"who","arguments":{},` + modernMeta + `}}`
	got = r.do(request{body: toolCall, header: modern("tools/call", "who")})
	contains(t, got.body, `"resultType":"complete"`)
	for what, h := range map[string]map[string]string{
		"another method": modern("tools/list", ""), "another name": modern("tools/call", "whom"), "no method": {"Mcp-Protocol-Version": "2026-07-28"}, "no version": {"Mcp-Method": "tools/call", "Mcp-Name": "who"},
	} {
		if got := r.do(request{body: toolCall, header: h}); got.status != 400 {
			t.Errorf("%s: %d %s", what, got.status, got.body)
		}
	}
	// There is nothing to listen to, so the stream ends by itself, and holds
	// no shutdown.
	for range 100 {
		got = r.do(request{body: `{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},` + modernMeta + `}}`, header: modern("subscriptions/listen", "")})
		if got.status != 200 || got.header.Get("X-Accel-Buffering") != "no" {
			t.Errorf("%d %v", got.status, got.header)
		}
		events := strings.Split(got.body, "\n\n")
		if len(events) != 3 || !strings.Contains(events[0], `"method":"notifications/subscriptions/acknowledged"`) ||
			!strings.Contains(events[0], `"io.modelcontextprotocol/subscriptionId":1`) || !strings.Contains(events[1], `"id":1`) {
			t.Fatalf("%s", got.body)
		}
	}
}
