package rpc_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/openpolt/polt-mcp/internal/rpc"
)

// What mcp-go and this package make of a message must be one protocol version:
// checks that only one version has could be skipped otherwise.
func TestVersionIsTheOneThatMCPGoReads(t *testing.T) {
	const name, version = `"io.modelcontextprotocol/protocolVersion":`, `"2026-07-28"`
	const capabilities = `"io.modelcontextprotocol/clientCapabilities":{}`
	s := server.NewMCPServer("test", "1", server.WithToolCapabilities(false))
	for _, params := range []string{
		`{}`,
		`{"_meta":{` + name + version + `,` + capabilities + `}}`,
		`{"_meta":{` + strings.ToUpper(name) + version + `,` + capabilities + `}}`,
		`{"_meta":{` + name + version + `,` + strings.ToUpper(name) + `"2025-06-18",` + capabilities + `}}`,
		`{"_meta":{` + name + version + `,` + name + `"2025-06-18",` + capabilities + `}}`,
		`{"_meta":{` + name + version + `,` + capabilities + `},"_meta":{"progressToken":1}}`,
		`{"_meta":{"progressToken":1},"_meta":{` + name + version + `,` + capabilities + `}}`,
		`{"_meta":{"io.modelcontextprotocol/protocol\u0056ersion":` + version + `,` + capabilities + `}}`,
	} {
		raw := `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":` + params + `}`
		answer, err := json.Marshal(s.HandleMessage(t.Context(), json.RawMessage(raw)))
		if err != nil {
			t.Fatal(err)
		}
		m := rpc.Parse([]byte(raw)).Items[0].Message
		if isModern := strings.Contains(string(answer), `"resultType"`); m == nil || m.IsModern() != isModern {
			t.Errorf("%s is of 2026-07-28 here and not there, or the other way round: %s", raw, answer)
		}
	}
}

// What takes far more memory decoded than as JSON is refused before that.
func TestWhatWouldTakeMuchMemoryIsRefused(t *testing.T) {
	d := newDispatcher(rpc.Options{})
	many := strings.Repeat("0,", 200<<10)
	for raw, want := range map[string]string{
		// It is no JSON after the last that is read.
		`[` + strings.Repeat("0,", rpc.MaxBatch) + `0,}`: "the batch exceeds the maximum of 50 messages",
		`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","clientInfo":{"name":"t","version":"1"},"capabilities":{"experimental":{"a":{"b":[` + many + `0]}}}}}`: "exceeds the maximum of 262144 for initialize",
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"none","arguments":{"a":[` + many + `0]}}}`:                                                                                    "tool 'none' not found",
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"none","arguments":{"a":[` + many + `0]},` + modernMeta + `}}`:                                                                 "tool 'none' not found",
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"works","_meta":{"progressToken":1},"arguments":{"a":[` + many + `0]}}}`:                                                       `"text":"done"`,
	} {
		item := rpc.Parse([]byte(raw)).Items[0]
		got := item.Refused.JSON
		if item.Message != nil {
			got = d.Handle(t.Context(), item.Message).JSON
		}
		if !strings.Contains(string(got), want) {
			t.Errorf("%.120s… is answered with %.300s, which has no %s", raw, got, want)
		}
	}
}

func TestLargeNotificationIsDropped(t *testing.T) {
	s := server.NewMCPServer("test", "1")
	var handled int
	s.AddNotificationHandler("notifications/x", func(context.Context, mcp.JSONRPCNotification) { handled++ })
	d := rpc.NewDispatcher(rpc.Options{Server: s})
	for _, values := range []int{1, 200 << 10} {
		raw := `{"jsonrpc":"2.0","method":"notifications/x","params":{"a":[` + strings.Repeat("0,", values) + `0]}}`
		d.Notify(t.Context(), rpc.Parse([]byte(raw)).Items[0].Message)
	}
	if handled != 1 {
		t.Errorf("%d of a small and a large notification were handled, and not the small one alone", handled)
	}
}
