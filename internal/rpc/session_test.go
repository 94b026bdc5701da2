package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/openpolt/polt-mcp/internal/buffers"
	"github.com/openpolt/polt-mcp/internal/rpc"
)

// written keeps what a session writes.
type written struct {
	mu   sync.Mutex
	text strings.Builder
}

func (w *written) WriteMessage(r rpc.Response) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Write(append(r.JSON, '\n'))
	return nil
}

func (w *written) Flush() error { return nil }

func (w *written) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// session begins a session of a server whose one tool returns when it is released
// or cancelled.
func session(t *testing.T, out rpc.MessageWriter, inFlight int) (s *rpc.Session, send func(message string), release func()) {
	released := make(chan struct{})
	srv := server.NewMCPServer("test", "1", server.WithToolCapabilities(false), server.WithResourceCapabilities(true, false))
	srv.AddTool(mcp.NewTool("slow"), func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		select {
		case <-released:
		case <-ctx.Done():
		}
		return mcp.NewToolResultText("done"), nil
	})
	d := rpc.NewDispatcher(rpc.Options{Server: srv, Watch: func(context.Context, string, func()) (func(), error) {
		return func() {}, nil
	}})
	s, err := rpc.NewSession(t.Context(), d, out, inFlight)
	if err != nil {
		t.Fatal(err)
	}
	send = func(message string) { s.Handle(t.Context(), rpc.Parse([]byte(message)), rpc.Hold{}) }
	send(`{"jsonrpc":"2.0","id":"i","method":"initialize","params":{"protocolVersion":"2025-11-25","clientInfo":{"name":"t","version":"1"},"capabilities":{}}}`)
	return s, send, sync.OnceFunc(func() { close(released) })
}

// broken keeps what it is to write, and fails, as a connection does that goes on
// reading meanwhile.
type broken struct{ kept [][]byte }

func (w *broken) WriteMessage(r rpc.Response) error {
	w.kept = append(w.kept, r.JSON)
	return errors.New("reset")
}

func (w *broken) Flush() error { return nil }

func TestResponseThatIsNotWrittenKeepsItsBuffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &broken{}
		s, send, release := session(t, out, 0)
		defer release()
		send(`{"jsonrpc":"2.0","id":1,"method":"ping"}`)
		synctest.Wait()
		_ = s.Close(1)
		if len(out.kept) != 1 {
			t.Fatalf("%d messages were written after the first had failed", len(out.kept)-1)
		}
		before := string(out.kept[0])
		for range 100 {
			_ = append(buffers.Get(0), strings.Repeat("x", 100)...)
		}
		if now := string(out.kept[0]); now != before {
			t.Errorf("%s has become %s", before, now)
		}
	})
}

// What is in flight when a session ends at once holds nothing afterwards.
func TestCallsHoldNothingAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, release := session(t, &written{}, 0)
		defer release()
		var done atomic.Int64
		const calls = 10
		for range calls {
			s.Handle(t.Context(), rpc.Parse([]byte(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"slow"}}`)),
				rpc.Hold{Done: func() { done.Add(1) }})
		}
		synctest.Wait()
		_ = s.Close(1) // of a client that has gone
		synctest.Wait()
		if n := done.Load(); n != calls {
			t.Errorf("%d of %d calls are done with", n, calls)
		}
	})
}

// A subscription that is cancelled before it begins leaves nothing behind.
func TestCancelledSubscriptionIsUndone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &written{}
		s, send, release := session(t, out, 1)
		defer release()
		send(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"slow"}}`)
		send(`{"jsonrpc":"2.0","id":2,"method":"resources/subscribe","params":{"uri":"polt://x"}}`)
		send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}}`)
		release()
		synctest.Wait()
		send(`{"jsonrpc":"2.0","id":3,"method":"resources/subscribe","params":{"uri":"polt://x"}}`)
		const listen = `{"jsonrpc":"2.0","id":"%s","method":"subscriptions/listen","params":{"notifications":{"resourceSubscriptions":["polt://y"]},` + modernMeta + `}}`
		for i := range 100 {
			id := fmt.Sprintf("l%d", i)
			send(fmt.Sprintf(listen, id))
			send(fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":%q}}`, id))
			synctest.Wait()
		}
		send(fmt.Sprintf(listen, "last"))
		synctest.Wait()
		for _, want := range []string{`"id":3,"result":{}`, `"io.modelcontextprotocol/subscriptionId":"last"`} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s has no %s", out, want)
			}
		}
		_ = s.Close(1)
	})
}
