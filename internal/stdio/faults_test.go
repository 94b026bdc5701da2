package stdio_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/openpolt/polt-mcp/internal/stdio"
)

// The tests of this file are for what mcp-go's own stdio server does wrong, in
// v1.2.1. With its repair, that server could take the place of ours.

func TestEveryRequestBeforeTheEndOfInputIsAnswered(t *testing.T) {
	release := make(chan struct{})
	var began sync.WaitGroup
	began.Add(64)
	var mu sync.Mutex
	n := 0
	s := newServer(map[string]handler{"slow": func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		mu.Lock()
		if n++; n <= 64 {
			began.Done()
		}
		mu.Unlock()
		<-release
		return text("done"), nil
	}})
	p := serve(t, s, stdio.Options{})
	var requests []string
	for i := range 500 {
		requests = append(requests, call(fmt.Sprint(i), "slow"))
	}
	p.send(requests...)
	if _, err := fmt.Fprint(p.in, call("500", "slow")); err != nil { // without an end of line
		t.Fatal(err)
	}
	began.Wait()
	go func() { close(release) }()
	answered := map[string]bool{}
	for _, m := range p.close() {
		if m.Result == nil || answered[string(m.ID)] {
			t.Errorf("answer %s: %v", m.ID, m.Error)
		}
		answered[string(m.ID)] = true
	}
	if len(answered) != 501 {
		t.Errorf("%d of 501 requests were answered", len(answered))
	}
}

func TestPingPassesQueuedCalls(t *testing.T) {
	release := make(chan struct{})
	began := make(chan struct{}, 2000)
	s := newServer(map[string]handler{"slow": func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		began <- struct{}{}
		<-release
		return text("done"), nil
	}})
	p := serve(t, s, stdio.Options{})
	for i := range 1500 {
		p.send(call(fmt.Sprint(i), "slow"))
	}
	for range 64 {
		<-began
	}
	p.send(`{"jsonrpc":"2.0","id":"ping","method":"ping"}`)
	if m := p.next(); string(m.ID) != `"ping"` || m.Result == nil {
		t.Errorf("the first answer is %s", m.ID)
	}
	if len(began) > 0 {
		t.Errorf("%d calls more than 64 are in flight", len(began))
	}
	close(release)
	if rest := p.close(); len(rest) != 1500 {
		t.Errorf("%d of 1500 calls were answered", len(rest))
	}
}

func TestLineOverTheCapIsRefusedAndTheSessionGoesOn(t *testing.T) {
	s := newServer(map[string]handler{"echo": echo})
	long := strings.Repeat("x", 300<<10)
	for name, c := range map[string]struct{ line, id string }{
		"id first":               {`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","arguments":{"a":"` + long + `"}}}`, "7"},
		"id last":                {`{"method":"tools/call","params":{"name":"echo","arguments":{"id":1,"a":"` + long + `"}},"jsonrpc":"2.0","id":"s-7"}`, `"s-7"`},
		"id in the text":         {`{"method":"tools/call","params":{"name":"echo","arguments":{"a":"` + long + `","id":3}}}`, ""},
		"no JSON":                {long, ""},
		"id is null":             {`{"id":null,"method":"tools/call","params":"` + long + `"}`, ""},
		"id is an object":        {`{"id":{"a":1},"method":"tools/call","params":"` + long + `"}`, ""},
		"id is an array":         {`{"id":[1],"method":"tools/call","params":"` + long + `"}`, ""},
		"id is no number":        {`{"method":"tools/call","params":"` + long + `","id":01}`, ""},
		"first, it is no number": {`{"id":01,"method":"tools/call","params":"` + long + `"}`, ""},
		"id is no string":        {`{"method":"tools/call","params":"` + long + `","id":"a` + "\x01" + `"}`, ""},
		"id is a fraction":       {`{"id":1.5,"method":"tools/call","params":"` + long + `"}`, "1.5"},
	} {
		t.Run(name, func(t *testing.T) {
			p := serve(t, s, stdio.Options{MaxLine: 200 << 10})
			p.send(c.line)
			m := p.next()
			if string(m.ID) != c.id || m.Error == nil || m.Error.Code != mcp.INVALID_REQUEST {
				t.Fatalf("id %s, error %v", m.ID, m.Error)
			}
			contains(t, m.Error.Message, "204800 bytes")
			p.send(call("8", "echo"))
			if m := p.next(); string(m.ID) != "8" || m.Result == nil {
				t.Errorf("after it, id %s, error %v", m.ID, m.Error)
			}
		})
	}
}

func TestLineUpToTheCapIsTaken(t *testing.T) {
	p := serve(t, newServer(map[string]handler{"echo": echo}), stdio.Options{MaxLine: 1000})
	head, tail := `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"`, `"}}`
	p.send(head + strings.Repeat("x", 1000-len(head)-len(tail)) + tail)
	if m := p.next(); m.Error != nil {
		t.Error(m.Error.Message)
	}
	p.send(head + strings.Repeat("x", 1001-len(head)-len(tail)) + tail)
	if m := p.next(); m.Error == nil {
		t.Error("a line over the cap was taken")
	}
}

func TestCancelledCallIsCutOffAndNotAnswered(t *testing.T) {
	began, cut := make(chan struct{}), make(chan struct{})
	s := newServer(map[string]handler{
		"echo": echo,
		"slow": func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			close(began)
			<-ctx.Done()
			close(cut)
			return text("too late"), nil
		},
	})
	p := serve(t, s, stdio.Options{})
	p.send(call(`"a"`, "slow"))
	<-began
	p.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"b"}}`, // another's
		`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"a","reason":"enough"}}`)
	<-cut
	p.send(call("2", "echo"))
	if m := p.next(); string(m.ID) != "2" {
		t.Errorf("the answer to %s came", m.ID)
	}
	if rest := p.close(); len(rest) > 0 {
		t.Errorf("%s was answered", rest[0].ID)
	}
}

func TestCallThatWaitsForItsTurnCanBeCancelled(t *testing.T) {
	release, began := make(chan struct{}), make(chan string, 3)
	s := newServer(map[string]handler{"slow": func(_ context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		began <- r.Params.Name
		<-release
		return text("done"), nil
	}})
	p := serve(t, s, stdio.Options{InFlight: 1})
	p.send(call("1", "slow"))
	<-began
	p.send(call("2", "slow"), `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}}`,
		`{"jsonrpc":"2.0","id":3,"method":"ping"}`)
	if m := p.next(); string(m.ID) != "3" {
		t.Fatalf("%s was answered", m.ID)
	}
	close(release)
	rest := p.close()
	if len(rest) != 1 || string(rest[0].ID) != "1" || len(began) > 0 {
		t.Errorf("answers %v, %d more calls began", rest, len(began))
	}
}

// A client may use an id again that it should not.
func TestOfTwoCallsOfOneIDTheLaterCanBeCancelled(t *testing.T) {
	began, release := make(chan struct{}), make(chan struct{})
	cancelled := make(chan struct{})
	p := serve(t, newServer(map[string]handler{
		"first": func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			began <- struct{}{}
			<-release
			return text(""), nil
		},
		"second": func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			began <- struct{}{}
			<-ctx.Done()
			close(cancelled)
			return text(""), nil
		},
	}), stdio.Options{})
	p.send(call("1", "first"))
	<-began
	p.send(call("1", "second"))
	<-began
	close(release)
	p.next()
	p.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`)
	select {
	case <-cancelled:
	case <-time.After(patience):
		t.Fatal("the later call was not cancelled")
	}
	if rest := p.close(); len(rest) > 0 {
		t.Errorf("%+v", rest)
	}
}

func TestLastNotificationComesBeforeTheAnswer(t *testing.T) {
	var s = newServer(nil)
	s.AddTool(mcp.Tool{Name: "progress"}, func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		for i := range 3 {
			err := s.SendNotificationToClient(ctx, "notifications/progress", map[string]any{"progress": i, "progressToken": "t"})
			if err != nil {
				return nil, err
			}
		}
		return text("done"), nil
	})
	p := serve(t, s, stdio.Options{})
	p.send(initialize("2025-11-25"))
	p.next()
	for i := range 200 {
		p.send(call(fmt.Sprint(i), "progress"))
		for j := range 3 {
			if m := p.next(); m.Method != "notifications/progress" || !strings.Contains(string(m.Params), fmt.Sprintf(`"progress":%d`, j)) {
				t.Fatalf("call %d: message %d is %+v", i, j, m)
			}
		}
		if m := p.next(); string(m.ID) != fmt.Sprint(i) {
			t.Fatalf("call %d: the answer is %+v", i, m)
		}
	}
}
