package stdio_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/openpolt/polt-mcp/internal/memory"
	"github.com/openpolt/polt-mcp/internal/stdio"
)

// large returns a call that is large.
func large(id, tool string, bytes int) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"method":"tools/call","params":{"name":%q,"arguments":{"a":"%s"}}}`, id, tool, strings.Repeat("x", bytes))
}

// The time is virtual.
func TestMessageForWhichThereIsNoMemoryIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s := newServer(map[string]handler{"echo": echo, "slow": func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			<-release
			return text("done"), nil
		}})
		budget := memory.NewBudget(96 << 20) // of which 4 MiB are for large messages
		p := serve(t, s, stdio.Options{Memory: budget})
		p.send(large("1", "slow", 1<<20))
		p.send(large("2", "echo", 1<<20))
		m := p.next()
		if string(m.ID) != "2" || m.Error == nil {
			t.Fatalf("the first answer is to %s: %+v", m.ID, m.Error)
		}
		contains(t, m.Error.Message, "memory is in use (--max-memory). Wait 2 seconds")
		p.send(call("3", "echo"))
		if m := p.next(); string(m.ID) != "3" || m.Error != nil {
			t.Errorf("a small message is answered with %s %+v", m.ID, m.Error)
		}
		// One that waits is taken when there is room.
		p.send(large("4", "echo", 1<<20))
		close(release)
		for range 2 {
			if m := p.next(); m.Error != nil {
				t.Errorf("%s: %+v", m.ID, m.Error)
			}
		}
		p.close()
		if held := budget.Held(); held != 0 {
			t.Errorf("%d bytes are held after the end", held)
		}
	})
}

// The time is virtual.
func TestClientThatReadsNothingIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(map[string]handler{"large": func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return text(strings.Repeat("x", 1<<20)), nil
		}})
		in, toServer := io.Pipe()
		fromServer, out := io.Pipe()
		done := make(chan error, 1)
		go func() { done <- stdio.Serve(t.Context(), dispatcher(s), in, out, stdio.Options{}) }()
		if _, err := io.WriteString(toServer, call("1", "large")+"\n"); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		for range 5 { // a client that takes a part now and then is waited for
			<-time.After(20 * time.Second)
			if _, err := io.ReadFull(fromServer, make([]byte, 70<<10)); err != nil {
				t.Fatal(err)
			}
		}
		select {
		case err := <-done:
			t.Fatalf("ended after %s: %v", time.Since(began), err)
		default:
		}
		began = time.Now()
		err := <-done
		if took := time.Since(began); err == nil || took < 29*time.Second || took > 45*time.Second {
			t.Errorf("after %s: %v", took, err)
		}
		_ = fromServer.Close() // which ends the write that it is blocked in
		_ = toServer.Close()
	})
}
