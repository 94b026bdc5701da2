package stdio_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/openpolt/polt-mcp/internal/rpc"
	"github.com/openpolt/polt-mcp/internal/rpc/watchtest"
	"github.com/openpolt/polt-mcp/internal/stdio"
)

// watched begins a session whose client can watch.
func watched(t *testing.T, w *watchtest.Watcher) *peer {
	t.Helper()
	return watchedBy(t, w.Watch)
}

func watchedBy(t *testing.T, watch rpc.Watch) *peer {
	t.Helper()
	s := server.NewMCPServer("test", "1", server.WithToolCapabilities(false), server.WithResourceCapabilities(true, false))
	p := serveWith(t, rpc.Options{Server: s, Watch: watch}, stdio.Options{})
	p.send(initialize("2025-11-25"))
	p.next()
	return p
}

func subscribe(id, uri string) string {
	return `{"jsonrpc":"2.0","id":` + id + `,"method":"resources/subscribe","params":{"uri":"` + uri + `"}}`
}

func unsubscribe(id, uri string) string {
	return `{"jsonrpc":"2.0","id":` + id + `,"method":"resources/unsubscribe","params":{"uri":"` + uri + `"}}`
}

func listen(id string, uris ...string) string {
	return `{"jsonrpc":"2.0","id":` + id + `,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true,"resourceSubscriptions":["` +
		strings.Join(uris, `","`) + `"]},` + modern + `}}`
}

// awaitUpdate takes the next message for the notification of a change.
func (p *peer) awaitUpdate(uri string) message {
	p.t.Helper()
	m := p.next()
	if m.Method != "notifications/resources/updated" || !strings.Contains(string(m.Params), `"uri":"`+uri+`"`) {
		p.t.Fatalf("not the change of %s: %s %s %s", uri, m.Method, m.Params, m.Result)
	}
	return m
}

func TestSubscriberIsToldOfEachOfManyChanges(t *testing.T) {
	w := &watchtest.Watcher{}
	p := watched(t, w)
	p.send(subscribe("1", "polt://a"))
	if m := p.next(); string(m.Result) != "{}" {
		t.Fatalf("%+v", m)
	}
	for range 1000 {
		w.Change("polt://a")
		m := p.awaitUpdate("polt://a")
		if strings.Contains(string(m.Params), "_meta") {
			t.Fatalf("a subscription of no id has one: %s", m.Params)
		}
	}
}

func TestLastOfChangesThatComeTooFastIsTold(t *testing.T) {
	w := &watchtest.Watcher{}
	p := watched(t, w)
	p.send(subscribe("1", "polt://a"), subscribe("2", "polt://b"))
	p.next()
	p.next()
	for range 1000 {
		w.Change("polt://a")
	}
	w.Change("polt://b")
	told := 0
	for {
		m := p.next()
		if strings.Contains(string(m.Params), "polt://b") {
			break
		}
		told++
	}
	if told == 0 || told > 500 { // those that nobody reads wait as one
		t.Errorf("%d of 1000 changes were told one by one", told)
	}
}

func TestSubscriptionEnds(t *testing.T) {
	w := &watchtest.Watcher{}
	p := watched(t, w)
	p.send(subscribe("1", "polt://a"))
	p.next()
	p.send(subscribe("2", "polt://a")) // twice is once
	p.next()
	w.Await(t, "polt://a", 1)
	p.send(unsubscribe("3", "polt://a"))
	if m := p.next(); string(m.Result) != "{}" {
		t.Fatalf("%+v", m)
	}
	w.Await(t, "polt://a", 0)
	p.send(unsubscribe("4", "polt://never")) // is no error
	if m := p.next(); string(m.Result) != "{}" {
		t.Fatalf("%+v", m)
	}
	p.send(subscribe("5", "polt://a"))
	p.next()
	p.close()
	w.Await(t, "polt://a", 0)
}

func TestWhatCannotBeSubscribedTo(t *testing.T) {
	w := &watchtest.Watcher{Err: func(uri string) error {
		switch uri {
		case "polt://missing":
			return missing{}
		case "polt://broken":
			return errors.New("a secret")
		}
		return nil
	}}
	p := watched(t, w)
	for line, code := range map[string]int{
		subscribe("1", "polt://missing"): mcp.RESOURCE_NOT_FOUND,
		subscribe("1", "polt://broken"):  mcp.INTERNAL_ERROR,
		subscribe("1", ""):               mcp.INVALID_PARAMS,
		`{"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":7}}`:                           mcp.INVALID_PARAMS,
		`{"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"polt://a",` + modern + `}}`:   mcp.METHOD_NOT_FOUND,
		`{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{}}}`:               mcp.METHOD_NOT_FOUND,
		`{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":7,` + modern + `}}`: mcp.INVALID_PARAMS,
		`{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":[]}`:                                 mcp.INVALID_PARAMS,
		listen("1", "polt://missing"): mcp.INVALID_PARAMS,
		listen("1", "polt://broken"):  mcp.INTERNAL_ERROR,
	} {
		p.send(line)
		m := p.next()
		if m.Error == nil || m.Error.Code != code {
			t.Errorf("%s: %+v %s", line, m.Error, m.Result)
		} else if strings.Contains(m.Error.Message, "secret") {
			t.Errorf("%s tells %s", line, m.Error.Message)
		}
	}
	for i := range 100 {
		p.send(subscribe(fmt.Sprint(i), fmt.Sprintf("polt://%d", i)))
		if m := p.next(); m.Error != nil {
			t.Fatalf("%d: %+v", i, m.Error)
		}
	}
	p.send(subscribe("100", "polt://100"))
	if m := p.next(); m.Error == nil || !strings.Contains(m.Error.Message, "at most 100") {
		t.Errorf("%+v", m)
	}
}

// missing is the error for what is not there.
type missing struct{}

func (missing) Error() string { return "it is not there" }

func (missing) JSONRPC(modern bool) mcp.JSONRPCErrorDetails {
	if modern {
		return mcp.NewJSONRPCErrorDetails(mcp.INVALID_PARAMS, "it is not there", nil)
	}
	return mcp.NewJSONRPCErrorDetails(mcp.RESOURCE_NOT_FOUND, "it is not there", nil)
}

func TestListenerIsToldOfEachOfManyChanges(t *testing.T) {
	w := &watchtest.Watcher{Err: func(uri string) error {
		if uri == "polt://missing" {
			return missing{}
		}
		return nil
	}}
	p := watched(t, w)
	p.send(listen(`"l"`, "polt://b", "polt://missing", "polt://a", "polt://a"))
	m := p.next()
	if m.Method != "notifications/subscriptions/acknowledged" ||
		string(m.Params) != `{"_meta":{"io.modelcontextprotocol/subscriptionId":"l"},"notifications":{"resourceSubscriptions":["polt://a","polt://b"]}}` {
		t.Fatalf("%s %s", m.Method, m.Params)
	}
	for range 1000 {
		w.Change("polt://a")
		contains(t, string(p.awaitUpdate("polt://a").Params), `"io.modelcontextprotocol/subscriptionId":"l"`)
	}
}

func TestListenersAreEachTold(t *testing.T) {
	w := &watchtest.Watcher{}
	p := watched(t, w)
	p.send(listen("1", "polt://a"))
	p.next()
	p.send(listen("2", "polt://a"))
	p.next()
	w.Change("polt://a")
	told := string(p.awaitUpdate("polt://a").Params) + string(p.awaitUpdate("polt://a").Params)
	contains(t, told, `subscriptionId":1`)
	contains(t, told, `subscriptionId":2`)

	// One that is cancelled ends without an answer, and the other goes on.
	p.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`)
	w.Await(t, "polt://a", 1)
	w.Change("polt://a")
	contains(t, string(p.awaitUpdate("polt://a").Params), `subscriptionId":2`)

	// At the end of the session, a listener is answered.
	rest := p.close()
	if len(rest) != 1 || string(rest[0].ID) != "2" || !strings.Contains(string(rest[0].Result), `"resultType":"complete"`) ||
		!strings.Contains(string(rest[0].Result), `"io.modelcontextprotocol/subscriptionId":2`) {
		t.Errorf("%+v", rest)
	}
	w.Await(t, "polt://a", 0)
}

func TestListenersOfOneIDAreOne(t *testing.T) {
	w := &watchtest.Watcher{}
	p := watched(t, w)
	p.send(listen("1", "polt://a"))
	p.next()
	p.send(listen("1", "polt://b"))
	if m := p.next(); m.Error == nil || m.Error.Code != mcp.INVALID_REQUEST {
		t.Errorf("%+v", m)
	}
	p.send(`{"jsonrpc":"2.0","id":1,"method":"ping"}`)
	if m := p.next(); m.Error == nil || m.Error.Code != mcp.INVALID_REQUEST {
		t.Errorf("%+v", m)
	}
	p.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`)
	w.Await(t, "polt://a", 0)
	p.send(listen("1", "polt://b")) // it is free again, or is so a moment later
	for m := p.next(); m.Error != nil; m = p.next() {
		p.send(listen("1", "polt://b"))
	}
	w.Await(t, "polt://b", 1)
}

func TestListenerIsInNoBatch(t *testing.T) {
	p := watched(t, &watchtest.Watcher{})
	p.send("[" + listen("1", "polt://a") + "]")
	select {
	case line := <-p.lines:
		contains(t, line, `[{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"subscriptions/listen is not allowed in a batch: send it by itself"}}]`)
	case <-time.After(patience):
		t.Error("no answer")
	}
}

func TestListenerToNothingIsAnsweredAtOnce(t *testing.T) {
	p := watched(t, &watchtest.Watcher{})
	p.send(`{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},` + modern + `}}`)
	if m := p.next(); m.Method != "notifications/subscriptions/acknowledged" || !strings.Contains(string(m.Params), `"notifications":{}`) {
		t.Errorf("%s %s", m.Method, m.Params)
	}
	if m := p.next(); string(m.ID) != "1" || m.Result == nil {
		t.Errorf("%+v", m)
	}
}
