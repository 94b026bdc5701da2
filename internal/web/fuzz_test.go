package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/openpolt/polt-mcp/internal/web"
)

const ping = `{"jsonrpc":"2.0","id":1,"method":"ping"}`

// bodies are what is posted, to begin with.
var bodies = []string{
	ping, `[` + ping + `,` + ping + `]`, `[]`, `{}`, `null`, ``, "\xff", "\ufeff" + ping, `{"jsonrpc":"2.0","id":1e999,"method":"ping"}`,
	`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`, `{"jsonrpc":"2.0","id":1,"result":{}}`,
	`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"who","arguments":{}}}`,
	`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"who","_meta":{"traceparent":"00-0-0-0","io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`,
	`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"a","version":"1"}}}`,
	`{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"x"}}`, `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"polt://tasks/.."}}`,
}

// FuzzPost posts anything, with any value of any header: each is answered with a
// status that says what is wrong, in JSON, and never by a fault of the server.
func FuzzPost(f *testing.F) {
	headers := []string{"", "Content-Type", "Accept", "Authorization", "Mcp-Protocol-Version", "Mcp-Session-Id", "Mcp-Method", "Mcp-Name", "Origin", "Traceparent", "X-Request-Id", "X-Forwarded-For", "Content-Encoding", "Host"}
	for i, body := range bodies {
		f.Add(headers[i%len(headers)], "2026-07-28", []byte(body))
	}
	for _, name := range headers {
		for _, value := range []string{"", "x", "Bearer polt_0123456789abcdef", "text/event-stream", "2026-07-28", "http://evil.example"} {
			f.Add(name, value, []byte(ping))
		}
	}
	handler := web.New(options(map[string]handler{"who": who})).Handler()
	f.Fuzz(func(t *testing.T, name, value string, body []byte) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1/mcp", bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "application/json, text/event-stream")
		if r.RemoteAddr = "127.0.0.1:1"; name == "Host" {
			r.Host = value
		} else if name != "" {
			r.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		switch w.Code {
		case 200, 202, 400, 401, 403, 404, 405, 406, 413, 415, 421, 429:
		default:
			t.Fatalf("%s: %q: %q: %d %s", name, value, body, w.Code, w.Body)
		}
		switch media, _, _ := strings.Cut(w.Header().Get("Content-Type"), ";"); media {
		case "application/json":
			if !json.Valid(w.Body.Bytes()) {
				t.Fatalf("%s: %q: %q: %d %q", name, value, body, w.Code, w.Body)
			}
		case "text/event-stream":
			wantEvents(t, w.Body.String())
		default:
			if w.Code == http.StatusOK {
				t.Fatalf("%s: %q: %q: %s %q", name, value, body, media, w.Body)
			}
		}
	})
}

// wantEvents checks that events carry JSON, and returns how many do.
func wantEvents(t *testing.T, stream string) (n int) {
	t.Helper()
	for line := range strings.SplitSeq(stream, "\n") {
		if data, ok := strings.CutPrefix(line, "data: "); ok && !strings.HasPrefix(data, "/message?") {
			if n++; !json.Valid([]byte(data)) {
				t.Fatalf("an event carries %q", data)
			}
		}
	}
	return n
}

// FuzzMessage posts anything into an SSE stream.
func FuzzMessage(f *testing.F) {
	for _, body := range bodies {
		f.Add([]byte(body))
	}
	handler := web.New(options(map[string]handler{"who": who})).Handler()
	f.Fuzz(func(t *testing.T, body []byte) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		out := &streamRecorder{header: http.Header{}, begun: make(chan string, 1)}
		open := httptest.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1/sse", nil)
		open.RemoteAddr = "127.0.0.1:1"
		ended := make(chan struct{})
		go func() { defer close(ended); handler.ServeHTTP(out, open) }()
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, "http://127.0.0.1"+<-out.begun, bytes.NewReader(body))
		r.RemoteAddr = "127.0.0.1:1"
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != http.StatusAccepted && (w.Code < 400 || w.Code > 499) {
			t.Fatalf("%q: %d %s", body, w.Code, w.Body)
		}
		cancel()
		<-ended
		wantEvents(t, out.String())
	})
}

// A streamRecorder records a stream, and tells where it takes messages.
type streamRecorder struct {
	header http.Header
	begun  chan string

	mu   sync.Mutex
	body bytes.Buffer
}

func (r *streamRecorder) Header() http.Header { return r.header }
func (r *streamRecorder) WriteHeader(int)     {}
func (r *streamRecorder) Flush()              {}

func (r *streamRecorder) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	first := r.body.Len() == 0
	n, err := r.body.Write(b)
	if _, data, ok := strings.Cut(r.body.String(), "data: /message?"); first && ok {
		r.begun <- "/message?" + strings.TrimSpace(data)
	}
	return n, err
}

func (r *streamRecorder) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.body.String()
}
