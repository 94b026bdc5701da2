package policy_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"go.uber.org/goleak"

	"github.com/openpolt/polt-mcp/internal/policy"
	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
)

// sizeSetting has how much is recorded by a process that is started for that.
const sizeSetting = "POLICY_TEST_SIZE"

func TestMain(m *testing.M) {
	if size := os.Getenv(sizeSetting); size != "" {
		recordOnStderr(size)
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// platform is a fake of the platform.
type platform struct {
	// owners has whose each key is. The answer about another is a 401.
	owners map[string]string
	// verify answers a lookup of a key instead.
	verify func(*http.Request) (status int, body string, err error)
	// write answers everything else; nil answers {}.
	write func(*http.Request) (status int, body string, err error)

	mu      sync.Mutex
	lookups int
	writes  []string // the paths of all others
}

func (p *platform) RoundTrip(r *http.Request) (*http.Response, error) {
	httptrace.ContextClientTrace(r.Context()).GetConn("platform") // nothing is sent before sentOff
	lookup := r.URL.Path == "/api/auth/verify"
	answer := p.write
	p.mu.Lock()
	if lookup {
		p.lookups++
		answer = p.verify
	} else {
		p.writes = append(p.writes, r.URL.Path)
	}
	p.mu.Unlock()
	status, body := http.StatusOK, "{}"
	switch owner := p.owners[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]; {
	case answer != nil:
		var err error
		if status, body, err = answer(r); err != nil {
			return nil, err
		}
	case lookup && owner == "":
		status, body = http.StatusUnauthorized, `{"error":"Invalid API key"}`
	case lookup:
		body = fmt.Sprintf(`{"valid":true,"username":%q}`, owner)
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// sent returns how many lookups and how many writes have come.
func (p *platform) sent() (lookups, writes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lookups, len(p.writes)
}

// wantSent checks how many lookups and how many writes have come.
func (p *platform) wantSent(t *testing.T, lookups, writes int) {
	t.Helper()
	if q, w := p.sent(); q != lookups || w != writes {
		t.Errorf("%d lookups and %d writes were sent, not %d and %d", q, w, lookups, writes)
	}
}

type keyOf struct{}

// as returns the context of a caller with that key.
func as(t *testing.T, text string) context.Context {
	t.Helper()
	return context.WithValue(t.Context(), keyOf{}, keyNamed(t, text))
}

func keyNamed(t *testing.T, text string) polt.Key {
	t.Helper()
	key, err := polt.ParseKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// newSet returns the tools on a platform, under a policy.
func newSet(t *testing.T, p http.RoundTripper, o policy.Options) *tools.Set {
	t.Helper()
	set, rules := newSetAndPolicy(t, p, o)
	t.Cleanup(func() {
		if err := rules.Close(); err != nil {
			t.Error(err)
		}
	})
	return set
}

func newSetAndPolicy(t *testing.T, p http.RoundTripper, o policy.Options) (*tools.Set, *policy.Policy) {
	t.Helper()
	client, err := polt.NewClient(polt.Options{BaseURL: "http://polt.invalid", Transport: p})
	if err != nil {
		t.Fatal(err)
	}
	o.Client, o.KeySetting = client, "POLT_API_KEY"
	rules, err := policy.New(o)
	if err != nil {
		t.Fatal(err)
	}
	set, err := tools.New(tools.Options{
		Client: client, OnWrite: rules.OnWrite,
		Key:       func(ctx context.Context) polt.Key { k, _ := ctx.Value(keyOf{}).(polt.Key); return k },
		RequestID: func(context.Context) string { return "r-1" },
	})
	if err != nil {
		t.Fatal(err)
	}
	return set, rules
}

// commit has a caller commit to a task.
func commit(ctx context.Context, set *tools.Set) *mcp.CallToolResult {
	return set.Call(ctx, "commit_to_task", json.RawMessage(`{"task_id":"t-1"}`))
}

// failure is the line of JSON at the end of an error.
type failure struct {
	Code       polt.Code
	HTTPStatus int `json:"http_status"`
	Retryable  bool
	RetryAfter int `json:"retry_after_s"`
	Field      string
}

// wantError checks that a result is an error of that kind, and returns its
// text and what it says for a program.
func wantError(t *testing.T, r *mcp.CallToolResult, code polt.Code) (string, failure) {
	t.Helper()
	text := r.Content[0].(mcp.TextContent).Text
	if !r.IsError {
		t.Fatalf("no error: %s", text)
	}
	said, line, _ := strings.Cut(text, "\n")
	var f failure
	if err := json.Unmarshal([]byte(line), &f); err != nil {
		t.Fatal(err)
	}
	if f.Code != code {
		t.Fatalf("it is not %s: %s", code, text)
	}
	return said, f
}

func wantOK(t *testing.T, r *mcp.CallToolResult) {
	t.Helper()
	if r.IsError {
		t.Fatal(r.Content)
	}
}

// after waits, on the clock of a bubble of testing/synctest.
func after(d time.Duration) { <-time.After(d) }

var errReset = errors.New("the connection was reset")
