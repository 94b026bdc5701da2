package web_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/openpolt/polt-mcp/internal/rpc"
	"github.com/openpolt/polt-mcp/internal/web"
	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
)

func TestKeyIsTheRequestsOwn(t *testing.T) {
	r := serve(t, options(map[string]handler{"who": who}))
	for auth, want := range map[string]string{
		"Bearer polt_abc": "key=polt_abc\"", "bearer  polt_abc": "key=polt_abc\"", "": "key=\"", "Basic polt_abc": "key=\"",
		"Bearer": "key=\"", "Bearer a b": "key=\"", "Bearer polt_ab": "key=\"", "Bearer sk_abcdefgh": "key=\"", "Bearer POLT_abc": "key=\"",
	} {
		got := r.do(request{body: call("1", "who"), header: map[string]string{"Authorization": auth}})
		contains(t, got.body, want)
	}
}

func TestCallerHasAnAddress(t *testing.T) {
	r := serve(t, options(map[string]handler{"where": func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return text("address=" + web.CallerAddress(ctx)), nil
	}}))
	for _, header := range []map[string]string{nil, bearer("polt_of_a_caller")} {
		contains(t, r.do(request{body: call("1", "where"), header: header}).body, "address=127.0.0.1\"")
	}
	s := r.openStream(nil)
	r.do(request{path: s.endpoint, body: call("2", "where")})
	_, data := s.next()
	contains(t, data, "address=127.0.0.1\"")
	if got := web.CallerAddress(t.Context()); got != "" {
		t.Errorf("without a request it is %q", got)
	}
}

// recorder is a platform that notes which key each task was committed with.
type recorder struct {
	mu  sync.Mutex
	bad []string
	n   int
}

func (p *recorder) RoundTrip(r *http.Request) (*http.Response, error) {
	resp := &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody, Request: r}
	if r.Method == http.MethodGet {
		return resp, nil
	}
	agent := strings.Split(r.URL.Path, "/")[3]
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n++
	if got := r.Header.Get("Authorization"); got != "Bearer polt_"+agent {
		p.bad = append(p.bad, agent+" as "+got)
	}
	return resp, nil
}

func TestHundredAgentsAreHundredAgentsUpstream(t *testing.T) {
	platform := &recorder{}
	client, err := polt.NewClient(polt.Options{BaseURL: "http://polt.invalid", Transport: platform})
	if err != nil {
		t.Fatal(err)
	}
	set, err := tools.New(tools.Options{Client: client, Key: web.Key, KeyHint: web.KeyHint})
	if err != nil {
		t.Fatal(err)
	}
	registry := server.NewMCPServer("test", "1")
	set.Register(registry)
	r := serve(t, serving(rpc.Options{Server: registry}))
	const agents, calls = 100, 20
	var wg sync.WaitGroup
	for i := range agents {
		wg.Go(func() {
			agent := fmt.Sprintf("agent-%d", i)
			var s *stream
			if i%2 == 1 { // half of them over SSE
				s = r.openStream(bearer("polt_" + agent))
			}
			for range calls {
				q := request{
					body:   `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"commit_to_task","arguments":{"task_id":"` + agent + `"}}}`,
					header: bearer("polt_" + agent),
				}
				answer := ""
				if s != nil {
					q.path = s.endpoint
					r.do(q)
					_, answer = s.next()
				} else {
					answer = r.do(q).body
				}
				if strings.Contains(answer, "isError") {
					t.Error(answer)
				}
				if rand.IntN(4) == 0 { // and calls without a key between them
					r.do(request{body: call("2", "list_tasks")})
				}
			}
			if s != nil {
				s.close()
			}
		})
	}
	wg.Wait()
	if len(platform.bad) > 0 || platform.n != agents*calls {
		t.Errorf("%d calls of %d, of which with another's key: %q", platform.n, agents*calls, platform.bad)
	}
}

func TestWhoCannotRegisterIsNotToldTo(t *testing.T) {
	hint := web.KeyHint(t.Context(), false)
	contains(t, hint, `set the header "Authorization: Bearer polt_…"`)
	if strings.Contains(hint, "register") {
		t.Error(hint)
	}
}

func TestWithoutAKeyTheHintSaysWhichHeader(t *testing.T) {
	r := serve(t, options(map[string]handler{"hint": hint}))
	for auth, want := range map[string]string{
		"":                                   "Authorization: Bearer polt_",
		"Bearer ${POLT_API_KEY}":             "did not expand",
		"Bearer {env:POLT_API_KEY}":          "did not expand",
		"{env:POLT_API_KEY}":                 "did not expand",
		"Bearer %POLT_API_KEY%":              "did not expand",
		"Bearer polt_...":                    "the placeholder of an example",
		"Bearer <your key>":                  "the placeholder of an example",
		"Bearer polt_YOUR_KEY_HERE":          "the placeholder of an example",
		"Basic dXNlcg==":                     "not of the form",
		"Bearer " + strings.Repeat("a", 600): "no usable key",
		"Bearer sk_abcdefgh":                 `not of the form \"Authorization: Bearer polt_…\"`,
		"Bearer polt_ab":                     "no usable key",
	} {
		got := r.do(request{body: call("1", "hint"), header: map[string]string{"Authorization": auth}})
		if got.status != 200 {
			t.Errorf("%q: %d", auth, got.status)
		}
		contains(t, got.body, want)
	}
}

var hint handler = func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	return text(web.KeyHint(ctx, true) + " " + web.KeyProblem(ctx)), nil
}
