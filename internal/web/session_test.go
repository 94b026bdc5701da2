package web_test

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/openpolt/polt-mcp/internal/web"
)

// client tells who the client is, as far as that is known.
func client(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	caller, _ := web.CallerSession(ctx)
	return text("client=" + web.ClientName(ctx) + " caller=" + caller), nil
}

func initialize(name string) string {
	return `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"` + name + `","version":"1"}}}`
}

// TestSessionIsItsID has one server answer for a client that shook hands with
// another: a replica, or itself before a restart.
func TestSessionIsItsID(t *testing.T) {
	one, another := serve(t, options(nil)), serve(t, options(map[string]handler{"client": client}))
	shook := one.do(request{body: initialize("@cline/core")})
	id := shook.header.Get("Mcp-Session-Id")
	if again := one.do(request{body: initialize("@cline/core")}).header.Get("Mcp-Session-Id"); id == "" || again == id {
		t.Errorf("sessions %q and %q", id, again)
	}
	if strings.ContainsFunc(id, func(r rune) bool { return r < 0x21 || r > 0x7e }) {
		t.Errorf("%q is not visible ASCII", id)
	}
	got := another.do(request{body: call("1", "client"), header: map[string]string{"Mcp-Session-Id": id, "Mcp-Protocol-Version": "2025-11-25"}})
	contains(t, got.body, "client=@cline/core caller=session:"+id+`"`)
	for forged, want := range map[string]string{
		"":        `client= caller=127.0.0.1"`,
		"unknown": `client= caller=session:unknown"`,
		"x.=====": `client= caller=session:x.====="`,
		"x." + base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("n", 65))): "client= caller=session:x.",
		strings.Repeat("x", 300): `client= caller=127.0.0.1"`,
	} {
		got := another.do(request{body: call("1", "client"), header: map[string]string{"Mcp-Session-Id": forged}})
		contains(t, got.body, want)
	}
	if id := one.do(request{body: initialize(strings.Repeat("n", 1000))}).header.Get("Mcp-Session-Id"); len(id) > 100 {
		t.Errorf("an id of %d bytes", len(id))
	}
	tracked := strings.Replace(initialize("t"), `"params":{`, `"params":{"_meta":{"progressToken":1},`, 1)
	if got := one.do(request{body: tracked}); got.header.Get("Mcp-Session-Id") == "" {
		t.Errorf("no session for one that wants to hear of progress: %s", got.body)
	}
	refused := strings.Replace(initialize("t"), `"2025-11-25"`, "5", 1)
	if got := one.do(request{body: refused}); got.header.Get("Mcp-Session-Id") != "" {
		t.Errorf("a session without a handshake: %s", got.body)
	}
}

func TestClientIsNamedByItsRequestOrItsStream(t *testing.T) {
	r := serve(t, options(map[string]handler{"client": client}))
	named := strings.Replace(modernMeta, "{", `{"io.modelcontextprotocol/clientInfo":{"name":"MCPClient","version":"2"},`, 1)
	body := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"client","arguments":{},` + named + `}}`
	got := r.do(request{body: body, header: modern("tools/call", "client")})
	contains(t, got.body, `client=MCPClient caller=127.0.0.1"`)
	if got.header.Get("Mcp-Session-Id") != "" {
		t.Error("2026-07-28 has no sessions")
	}

	s := r.openStream(nil)
	r.do(request{path: s.endpoint, body: initialize("mcp-client-cli")})
	s.next()
	r.do(request{path: s.endpoint, body: call("2", "client")})
	_, data := s.next()
	_, id, _ := strings.Cut(s.endpoint, "sessionId=")
	contains(t, data, "client=mcp-client-cli caller=session:"+id+`"`)
	slashed := strings.Replace(s.endpoint, "/message", "//message/", 1)
	r.do(request{path: slashed, body: call("3", "client"), header: map[string]string{"Mcp-Session-Id": "another"}})
	_, data = s.next()
	contains(t, data, "client=mcp-client-cli caller=session:"+id+`"`)
}
