package web_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/openpolt/polt-mcp/internal/web"
)

// connecting is what hosts send to connect, to look around and to stay
// connected.
var connecting = []string{
	`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"a","version":"1"}}}`,
	`{"jsonrpc":"2.0","method":"notifications/initialized"}`,
	`{"jsonrpc":"2.0","id":2,"method":"ping"}`,
	`{"jsonrpc":"2.0","id":3,"method":"tools/list"}`,
	`{"jsonrpc":"2.0","id":4,"method":"prompts/list"}`,
	`{"jsonrpc":"2.0","id":5,"method":"resources/list"}`,
	`{"jsonrpc":"2.0","id":6,"method":"resources/templates/list"}`,
	`{"jsonrpc":"2.0","id":7,"method":"skills/list"}`,
	`{"jsonrpc":"2.0","id":8,"method":"server/discover"}`,
	`{"jsonrpc":"2.0","id":9,"result":{}}`,
}

// rejection is a response that says when to come again.
type rejection struct {
	ID    any
	Error struct {
		Code    int
		Message string
		Data    map[string]any
	}
}

func rejected(t *testing.T, body string) rejection {
	t.Helper()
	var r rejection
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return r
}

func TestConnectingIsNotChargedLikeCalls(t *testing.T) {
	o := options(map[string]handler{"who": who})
	o.Limits = web.Limits{CallerRate: 0.01, TotalRate: 0.02} // one call at once, and two in all
	r := serve(t, o)
	connect := func() {
		t.Helper()
		for _, message := range connecting {
			if got := r.do(request{body: message, header: bearer("polt_of_a")}); got.status == 429 {
				t.Errorf("%s: %s", message, got.body)
			}
		}
		r.openStream(bearer("polt_of_a")).close()
	}
	connect()
	if got := r.do(request{body: call("1", "who"), header: bearer("polt_of_a")}); got.status != 200 {
		t.Errorf("after connecting, the first call is answered with %d", got.status)
	}
	if got := r.do(request{body: call("1", "who"), header: bearer("polt_of_a")}); got.status != 429 {
		t.Errorf("the second call is answered with %d", got.status)
	}
	connect()
}

func TestConnectingGoesOnWhileAllCallsAreInFlight(t *testing.T) {
	for name, limits := range map[string]web.Limits{"of a caller": {CallerInFlight: 2}, "in all": {TotalInFlight: 2}} {
		t.Run(name, func(t *testing.T) {
			began, release := make(chan struct{}), make(chan struct{})
			o := options(map[string]handler{"slow": held(began, release)})
			o.Limits = limits
			r := serve(t, o)
			done := make(chan struct{})
			for range 2 {
				go func() {
					r.do(request{body: call("1", "slow"), header: bearer("polt_of_a")})
					done <- struct{}{}
				}()
				<-began
			}
			for _, message := range connecting {
				if got := r.do(request{body: message, header: bearer("polt_of_a")}); got.status == 429 {
					t.Errorf("%s: %s", message, got.body)
				}
			}
			close(release)
			<-done
			<-done
		})
	}
}

func TestConnectingIsBounded(t *testing.T) {
	for name, limits := range map[string]web.Limits{"of a caller": {CallerRate: 0.01}, "in all": {TotalRate: 0.01}} {
		t.Run(name, func(t *testing.T) {
			o := options(nil)
			o.Limits = limits
			h := web.New(o).Handler()
			for range 10_000 {
				w := recorded(h, "POST", "/mcp", []byte(connecting[2]))
				if w.Code != 429 {
					continue
				}
				got := rejected(t, w.Body.String())
				if w.Header().Get("Retry-After") != "1" || got.Error.Data["maximum"] != 50.0 || !strings.Contains(got.Error.Message, "50 per second") {
					t.Errorf("%v %s", w.Header(), w.Body)
				}
				return
			}
			t.Error("10,000 pings at once are answered")
		})
	}
}

func TestRefusalSaysTheLimitAndWhenToComeAgain(t *testing.T) {
	for name, c := range map[string]struct {
		limits web.Limits
		text   string
		data   map[string]any
	}{
		"rate of a caller": {
			web.Limits{CallerRate: 0.5},
			"Too many calls were sent: this server allows 0.5 per second from one caller (--caller-rate). Wait 2 seconds, then send the request again.",
			map[string]any{"code": "rate_limited", "limit": "caller_rate", "maximum": 0.5, "retryable": true, "retry_after_s": 2.0},
		},
		"rate in all": {
			web.Limits{TotalRate: 0.5},
			"Too many calls were sent: this server allows 0.5 per second from all callers together (--total-rate). Wait 2 seconds, then send the request again.",
			map[string]any{"code": "rate_limited", "limit": "total_rate", "maximum": 0.5, "retryable": true, "retry_after_s": 2.0},
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(map[string]handler{"who": who})
			o.Limits = c.limits
			r := serve(t, o)
			r.do(request{body: call("1", "who")})
			got := r.do(request{body: call(`"a"`, "who")})
			if got.status != 429 || got.header.Get("Retry-After") != "2" {
				t.Errorf("%d %v", got.status, got.header)
			}
			answer := rejected(t, got.body)
			if answer.ID != "a" || answer.Error.Code != -32603 || answer.Error.Message != c.text || !reflect.DeepEqual(answer.Error.Data, c.data) {
				t.Errorf("%s", got.body)
			}
		})
	}
}

func TestRefusalIsAsTheDocumentsSay(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "operating.md"))
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		o := options(map[string]handler{"who": who})
		o.Limits = web.Limits{CallerRate: 50}
		h := web.New(o).Handler()
		for range 100 { // at once
			recorded(h, "POST", "/mcp", []byte(call("1", "who")))
		}
		var answer struct{ Error json.RawMessage }
		body := recorded(h, "POST", "/mcp", []byte(call("1", "who"))).Body.Bytes()
		if err := json.Unmarshal(body, &answer); err != nil || len(answer.Error) == 0 {
			t.Fatalf("%v: %s", err, body)
		}
		contains(t, string(doc), "```json\n"+string(answer.Error)+"\n```")
	})
}

// Each request of a batch waits for an answer of its own.
func TestRefusedBatchIsAnsweredAsABatch(t *testing.T) {
	o := options(map[string]handler{"who": who})
	o.Limits = web.Limits{CallerRate: 1} // two at once
	r := serve(t, o)
	two := call("1", "who") + `,{"jsonrpc":"2.0","method":"notifications/initialized"},` + call(`"b"`, "who")
	if got := r.do(request{body: "[" + two + "]"}); got.status != 200 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	for body, c := range map[string]struct{ retryAfter, text string }{
		"[" + two + "]":                          {"2", "Wait 2 seconds"},
		"[" + two + "," + call("3", "who") + "]": {"", "split it"}, // never three at once
	} {
		got := r.do(request{body: body})
		var answers []rejection
		if err := json.Unmarshal([]byte(got.body), &answers); err != nil || got.status != 429 || got.header.Get("Retry-After") != c.retryAfter {
			t.Fatalf("%d %v: %v %s", got.status, got.header, err, got.body)
		}
		if want := strings.Count(body, "tools/call"); len(answers) != want || answers[0].ID != 1.0 || answers[1].ID != "b" {
			t.Errorf("%s", got.body)
		}
		for _, answer := range answers {
			contains(t, answer.Error.Message, c.text)
			if answer.Error.Data["retryable"] != (c.retryAfter != "") {
				t.Errorf("%s", got.body)
			}
		}
	}
}

// Some clients of SSE look at nothing but the stream.
func TestRefusalOverSSEIsToldOnTheStreamToo(t *testing.T) {
	o := options(map[string]handler{"who": who})
	o.Limits = web.Limits{CallerRate: 0.5} // one at once
	r := serve(t, o)
	s := r.openStream(bearer("polt_of_a"))
	r.do(request{path: s.endpoint, body: call("1", "who"), header: bearer("polt_of_a")})
	s.next()
	stranger := r.do(request{path: s.endpoint, body: call("8", "who"), header: bearer("polt_of_b")})
	if stranger.status != 403 {
		t.Errorf("a stranger is answered with %d", stranger.status)
	}
	// A stranger who is refused for now must not be heard on the stream either.
	if got := r.do(request{path: s.endpoint, body: call("9", "who"), header: bearer("polt_of_b")}); got.status != 429 {
		t.Errorf("a stranger's second call is answered with %d", got.status)
	}
	got := r.do(request{path: s.endpoint, body: call("2", "who"), header: bearer("polt_of_a")})
	if got.status != 429 || got.header.Get("Retry-After") != "2" {
		t.Errorf("%d %v", got.status, got.header)
	}
	_, told := s.next()
	if told != got.body || rejected(t, told).ID != 2.0 {
		t.Errorf("on the stream: %s; in the response: %s", told, got.body)
	}
}

func TestTooManyStreamsAreToldSo(t *testing.T) {
	for name, c := range map[string]struct {
		limits web.Limits
		text   string
	}{
		"of a caller": {web.Limits{CallerInFlight: 1}, "Too many streams are open: this server allows 1 from one caller (--caller-in-flight)."},
		"in all":      {web.Limits{TotalInFlight: 1}, "Too many streams are open: this server allows 1 from all callers together (--total-in-flight)."},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(nil)
			o.Limits = c.limits
			r := serve(t, o)
			r.openStream(bearer("polt_of_a"))
			got := r.do(request{method: "GET", path: "/sse", header: bearer("polt_of_a")})
			if got.status != 429 || got.header.Get("Retry-After") != "1" {
				t.Errorf("%d %v", got.status, got.header)
			}
			contains(t, got.body, c.text)
		})
	}
}
