package stdio_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/openpolt/polt-mcp/internal/stdio"
)

// FuzzServe has a session take anything at all: it ends without an error, what
// it writes are messages of JSON-RPC, a line each, and there are no more answers
// than there was to answer.
func FuzzServe(f *testing.F) {
	const ping = `{"jsonrpc":"2.0","id":1,"method":"ping"}`
	for _, s := range []string{
		ping, ping + "\n" + ping, "\n\n" + ping + "\r\n", `[` + ping + `,` + ping + `]`, `[]`, `[[]]`, `{}`, `null`, "\xff\xfe", "\ufeff" + ping,
		`{"jsonrpc":"2.0","id":null,"method":"ping"}`, `{"jsonrpc":"2.0","id":{"a":1},"method":"ping"}`, `{"jsonrpc":"2.0","id":1e999,"method":"ping"}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"a":"\ud800"}}}`,
		`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`, `{"jsonrpc":"2.0","id":1,"result":{}}`,
		`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"a","version":"1"}}}`,
		`{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{}}`, `{"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"polt://me"}}`,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"x\":\"" + string(bytes.Repeat([]byte("x"), 5000)) + "\"}", `{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}`,
	} {
		f.Add([]byte(s))
	}
	d := dispatcher(newServer(map[string]handler{"echo": echo}))
	f.Fuzz(func(t *testing.T, in []byte) {
		var out bytes.Buffer
		if err := stdio.Serve(t.Context(), d, bytes.NewReader(in), &out, stdio.Options{MaxLine: 4096, Drain: 10 * time.Second}); err != nil {
			t.Fatalf("%q: %v", in, err)
		}
		answers := 0
		for line := range bytes.Lines(out.Bytes()) {
			var all []json.RawMessage
			if line[0] != '[' {
				all = append(all, line)
			} else if err := json.Unmarshal(line, &all); err != nil {
				t.Fatalf("%q: %q: %v", in, line, err)
			}
			for _, one := range all {
				var m message
				if err := json.Unmarshal(one, &m); err != nil || m.JSONRPC != "2.0" || line[len(line)-1] != '\n' {
					t.Fatalf("%q: %q: %v", in, line, err)
				}
				if m.Method == "" {
					answers++
				}
			}
		}
		// In a batch, each value has at least a character and a comma.
		if most := bytes.Count(in, []byte("\n")) + bytes.Count(in, []byte(",")) + 1; answers > most {
			t.Fatalf("%q: %d answers: %s", in, answers, out.Bytes())
		}
	})
}
