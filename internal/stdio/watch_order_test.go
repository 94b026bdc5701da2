package stdio_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/openpolt/polt-mcp/internal/rpc/watchtest"
	"github.com/openpolt/polt-mcp/internal/stdio"
)

// The tests of this file have a client that does not wait for answers, and
// watches that take their time to begin.

func TestSubscriptionsAreChangedInTheOrderOfArrival(t *testing.T) {
	w := &watchtest.Watcher{Hold: make(chan struct{})}
	p := watched(t, w)
	for range 50 {
		p.send(subscribe("1", "polt://a"), unsubscribe("2", "polt://a"))
		w.AwaitHeld(t, 1)
		w.Hold <- struct{}{}
		p.next()
		p.next()
		w.Await(t, "polt://a", 0)

		p.send(subscribe("3", "polt://a"), unsubscribe("4", "polt://a"), subscribe("5", "polt://a"))
		w.AwaitHeld(t, 2)
		w.Hold <- struct{}{}
		w.Hold <- struct{}{}
		p.next()
		p.next()
		p.next()
		w.Await(t, "polt://a", 1)
		p.send(unsubscribe("6", "polt://a"))
		p.next()
		w.Await(t, "polt://a", 0)
	}
}

func TestSubscriptionsThatBeginTogetherAreBounded(t *testing.T) {
	w := &watchtest.Watcher{Hold: make(chan struct{})}
	p := watched(t, w)
	for i := range 300 {
		p.send(subscribe(fmt.Sprint(i), fmt.Sprintf("polt://%d", i)))
	}
	go func() {
		for range 100 {
			w.Hold <- struct{}{}
		}
	}()
	failed := 0
	for range 300 {
		if m := p.next(); m.Error != nil {
			failed++
		}
	}
	if failed != 200 {
		t.Errorf("%d of 300 were refused", failed)
	}
}

func TestWhoSubscribesMeanwhileLearnsWhatBecomesOfIt(t *testing.T) {
	w := &watchtest.Watcher{Hold: make(chan struct{}), Err: func(string) error { return missing{} }}
	p := watched(t, w)
	p.send(subscribe("1", "polt://a"), subscribe("2", "polt://a"), `{"jsonrpc":"2.0","id":"ping","method":"ping"}`)
	p.next() // both have been taken in
	w.AwaitHeld(t, 1)
	w.Hold <- struct{}{}
	for range 2 {
		if m := p.next(); m.Error == nil || m.Error.Code != mcp.RESOURCE_NOT_FOUND {
			t.Errorf("%s: %+v", m.ID, m.Error)
		}
	}
}

func TestSubscriptionThatIsCancelledIsNone(t *testing.T) {
	w := &watchtest.Watcher{Hold: make(chan struct{})}
	p := watched(t, w)
	p.send(subscribe("1", "polt://a"))
	w.AwaitHeld(t, 1)
	p.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`)
	w.AwaitHeld(t, 0)
	p.send(subscribe("2", "polt://a"))
	w.AwaitHeld(t, 1)
	w.Hold <- struct{}{}
	if m := p.next(); string(m.ID) != "2" || m.Error != nil {
		t.Errorf("%s %+v", m.ID, m.Error)
	}
	w.Await(t, "polt://a", 1)
}

// Who subscribes right after another has cancelled does not share what becomes
// of that.
func TestSubscriptionAfterOneThatIsCancelledIsAnother(t *testing.T) {
	began, cancelled, end := make(chan struct{}), make(chan struct{}), make(chan struct{})
	var watches atomic.Int32
	p := watchedBy(t, func(ctx context.Context, _ string, _ func()) (stop func(), err error) {
		if watches.Add(1) == 1 {
			close(began)
			<-ctx.Done()
			close(cancelled)
			<-end // it takes its time to end
			return nil, ctx.Err()
		}
		return func() {}, nil
	})
	defer close(end)
	p.send(subscribe("1", "polt://a"))
	<-began
	p.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`)
	<-cancelled
	p.send(subscribe("2", "polt://a"))
	if m := p.next(); string(m.ID) != "2" || m.Error != nil {
		t.Errorf("%s %+v", m.ID, m.Error)
	}
}

func TestSubscriptionThatOneCancelsGoesOnForOthers(t *testing.T) {
	w := &watchtest.Watcher{Hold: make(chan struct{})}
	p := watched(t, w)
	p.send(subscribe("1", "polt://a"), subscribe("2", "polt://a"))
	w.AwaitHeld(t, 1)
	p.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`, `{"jsonrpc":"2.0","id":"ping","method":"ping"}`)
	p.next() // all of it has been taken in
	w.AwaitHeld(t, 1)
	w.Hold <- struct{}{}
	if m := p.next(); string(m.ID) != "2" || m.Error != nil {
		t.Errorf("%s %+v", m.ID, m.Error)
	}
	w.Change("polt://a")
	p.awaitUpdate("polt://a")
}

func TestSubscriptionThatFailsLeavesItsSuccessor(t *testing.T) {
	began, fail := make(chan struct{}), make(chan struct{})
	var watches atomic.Int32
	var change func()
	p := watchedBy(t, func(_ context.Context, _ string, changed func()) (stop func(), err error) {
		if watches.Add(1) == 1 {
			close(began)
			<-fail
			return nil, missing{}
		}
		change = changed
		return func() {}, nil
	})
	p.send(subscribe("1", "polt://a"))
	<-began
	p.send(unsubscribe("2", "polt://a"))
	p.next()
	p.send(subscribe("3", "polt://a"))
	p.next()
	close(fail)
	if m := p.next(); string(m.ID) != "1" || m.Error == nil {
		t.Errorf("%s: %+v", m.ID, m.Error)
	}
	p.send(subscribe("4", "polt://a"))
	p.next()
	if n := watches.Load(); n != 2 {
		t.Errorf("it is watched anew, %d times in all", n)
	}
	change()
	p.awaitUpdate("polt://a")
}

func TestNothingIsToldAfterUnsubscribing(t *testing.T) {
	w := &watchtest.Watcher{}
	p := watched(t, w)
	for range 1000 {
		p.send(subscribe("1", "polt://a"))
		if m := p.next(); string(m.ID) != "1" {
			t.Fatalf("before the answer: %s %s", m.Method, m.Params)
		}
		w.Change("polt://a")
		p.send(unsubscribe("2", "polt://a"))
		for m := p.next(); string(m.ID) != "2"; m = p.next() {
		}
		p.send(`{"jsonrpc":"2.0","id":3,"method":"ping"}`)
		if m := p.next(); string(m.ID) != "3" {
			t.Fatalf("%s %s", m.Method, m.Params)
		}
	}
}

func TestWatchThatPanicsIsAnError(t *testing.T) {
	w := &watchtest.Watcher{Err: func(uri string) error {
		if uri == "polt://bad" {
			panic("a secret")
		}
		return nil
	}}
	p := watched(t, w)
	for _, message := range []string{subscribe("1", "polt://bad"), subscribe("2", "polt://bad"), listen("3", "polt://a", "polt://bad")} {
		p.send(message)
		if m := p.next(); m.Error == nil || strings.Contains(m.Error.Message, "secret") {
			t.Errorf("%s: %+v", message, m)
		}
	}
	w.Await(t, "polt://a", 0)
}

func TestListenerBeginsItsWatchesTogether(t *testing.T) {
	w := &watchtest.Watcher{Hold: make(chan struct{})}
	p := watched(t, w)
	var uris []string
	for i := range 40 {
		uris = append(uris, fmt.Sprintf("polt://%d", i))
	}
	p.send(listen("1", uris...))
	w.AwaitHeld(t, 16)
	for range uris {
		w.Hold <- struct{}{}
	}
	if m := p.next(); m.Method != "notifications/subscriptions/acknowledged" {
		t.Errorf("%+v", m)
	}
}

func TestSessionEndsThoughAListenerHasNotBegun(t *testing.T) {
	w := &watchtest.Watcher{Hold: make(chan struct{})}
	p := watched(t, w)
	p.send(listen("1", "polt://a"))
	w.AwaitHeld(t, 1)
	rest := p.close()
	if len(rest) != 1 || string(rest[0].ID) != "1" || rest[0].Error == nil {
		t.Errorf("%+v", rest)
	}
}

func TestListenerIsAnsweredThoughAChangeComesAtTheEnd(t *testing.T) {
	for range 200 {
		w := &watchtest.Watcher{}
		p := watched(t, w)
		p.send(listen("1", "polt://a"))
		p.next()
		go w.Change("polt://a")
		rest := p.close()
		if len(rest) == 0 || string(rest[len(rest)-1].ID) != "1" {
			t.Fatalf("%+v", rest)
		}
	}
}

func TestListenersOfASessionAreBounded(t *testing.T) {
	w := &watchtest.Watcher{}
	p := watched(t, w)
	for i := range 64 {
		p.send(listen(fmt.Sprint(i), "polt://a"))
		p.next()
	}
	p.send(listen("64", "polt://a"))
	if m := p.next(); m.Error == nil || !strings.Contains(m.Error.Message, "at most 64") {
		t.Errorf("%+v", m)
	}
	p.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}`)
	w.Await(t, "polt://a", 63)
	for { // its place is free a moment later
		p.send(listen("65", "polt://a"))
		if m := p.next(); m.Method == "notifications/subscriptions/acknowledged" {
			break
		}
	}
	if rest := p.close(); len(rest) != 64 {
		t.Errorf("%d answers at the end", len(rest))
	}
}

func TestWhatAsksThePlatformWaitsForItsTurn(t *testing.T) {
	began, release := make(chan struct{}, 10), make(chan struct{})
	wait := func() { began <- struct{}{}; <-release }
	s := server.NewMCPServer("test", "1", server.WithResourceCapabilities(false, false), server.WithCompletions(),
		server.WithPromptCompletionProvider(completer(wait)))
	s.AddResource(mcp.Resource{URI: "x://slow", Name: "slow"}, func(context.Context, mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
		wait()
		return nil, nil
	})
	s.AddPrompt(mcp.Prompt{Name: "slow"}, func(context.Context, mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
		wait()
		return &mcp.GetPromptResult{}, nil
	})
	p := serve(t, s, stdio.Options{InFlight: 2})
	asking := []string{
		`"resources/read","params":{"uri":"x://slow"}`,
		`"prompts/get","params":{"name":"slow"}`,
		`"completion/complete","params":{"ref":{"type":"ref/prompt","name":"slow"},"argument":{"name":"a","value":""}}`,
	}
	for i := range 10 {
		p.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":%s}`, i, asking[i%len(asking)]))
	}
	<-began
	<-began
	p.send(`{"jsonrpc":"2.0","id":"ping","method":"ping"}`)
	if m := p.next(); string(m.ID) != `"ping"` {
		t.Errorf("the first answer is %s", m.ID)
	}
	if len(began) > 0 {
		t.Errorf("%d more than 2 are in flight", len(began))
	}
	close(release)
	if rest := p.close(); len(rest) != 10 {
		t.Errorf("%d of 10 were answered", len(rest))
	}
}

// completer waits, and completes nothing.
type completer func()

func (c completer) CompletePromptArgument(context.Context, string, mcp.CompleteArgument, mcp.CompleteContext) (*mcp.Completion, error) {
	c()
	return &mcp.Completion{}, nil
}
