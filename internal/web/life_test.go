package web_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/openpolt/polt-mcp/internal/rpc/watchtest"
	"github.com/openpolt/polt-mcp/internal/web"
)

// slow returns a tool that is in flight from began to release.
func slow(began chan<- struct{}, release <-chan struct{}) handler {
	return func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		close(began)
		select {
		case <-release:
			return text("whole"), nil
		case <-ctx.Done():
			return text("cut off"), nil
		}
	}
}

func TestEndAnswersCallsInFlightAndClosesStreams(t *testing.T) {
	began, release := make(chan struct{}), make(chan struct{})
	beganSSE := make(chan struct{})
	o := options(map[string]handler{"slow": slow(began, release), "slow_sse": slow(beganSSE, release)})
	r := serve(t, o)
	s := r.openStream(nil)
	idle := r.openStream(nil)
	r.do(request{path: s.endpoint, body: call("2", "slow_sse")})
	<-beganSSE
	answer := make(chan response)
	go func() { answer <- r.do(request{body: call("1", "slow")}) }()
	<-began
	r.stop()
	if _, err := idle.events.ReadString('\n'); !errors.Is(err, io.EOF) {
		t.Errorf("an idle stream ends with %v", err)
	}
	close(release)
	contains(t, (<-answer).body, "whole")
	_, data := s.next()
	contains(t, data, "whole")
	if _, err := s.events.ReadString('\n'); !errors.Is(err, io.EOF) {
		t.Errorf("the stream ends with %v", err)
	}
	r.end()
	r.client.CloseIdleConnections() // it may not have noticed that they are closed
	var refused *net.OpError
	if _, err := r.client.Do(r.newRequest(t.Context(), request{})); !errors.As(err, &refused) {
		t.Errorf("after the end: %v", err)
	}
}

// The time is virtual. net/http by itself would have it be 5 s.
func TestEndDoesNotWaitForSilentConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener := newPipeListener()
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- web.New(options(nil)).Serve(ctx, listener) }()
		client, err := listener.dial(ctx, "", "")
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		synctest.Wait()
		began := time.Now()
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("it took %s to end", took)
		}
	})
}

// The time is virtual.
func TestEndDoesNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := make(chan struct{})
		o := options(map[string]handler{"slow": slow(began, nil)})
		o.Drain = time.Second
		listener := newPipeListener()
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		s := web.New(o)
		go func() { done <- s.Serve(ctx, listener) }()
		client := &http.Client{Transport: &http.Transport{DialContext: listener.dial}}
		answer := make(chan string, 1)
		go func() {
			resp, err := client.Post("http://localhost/mcp", "application/json", strings.NewReader(call("1", "slow")))
			if err != nil {
				answer <- err.Error()
				return
			}
			defer resp.Body.Close()
			body, _ := io.ReadAll(resp.Body)
			answer <- string(body)
		}()
		<-began
		stop()
		contains(t, <-answer, "cut off")
		client.CloseIdleConnections()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestBeforeTheEndItIsNotReadyButServes(t *testing.T) {
	o := options(map[string]handler{"who": who})
	o.ShutdownDelay = time.Hour
	synctest.Test(t, func(t *testing.T) { // the delay passes at once
		listener := newPipeListener()
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan error, 1)
		s := web.New(o)
		go func() { done <- s.Serve(ctx, listener) }()
		client := &http.Client{Transport: &http.Transport{DialContext: listener.dial}}
		get := func(method, path, body string) *http.Response {
			req, err := http.NewRequestWithContext(context.Background(), method, "http://localhost"+path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/json")
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			return resp
		}
		if resp := get("GET", "/readyz", ""); resp.StatusCode != 200 {
			t.Errorf("ready: %d", resp.StatusCode)
		}
		stop()
		synctest.Wait()
		if resp := get("GET", "/readyz", ""); resp.StatusCode != 503 {
			t.Errorf("ready while ending: %d", resp.StatusCode)
		}
		if resp := get("GET", "/healthz", ""); resp.StatusCode != 200 {
			t.Errorf("alive while ending: %d", resp.StatusCode)
		}
		resp := get("POST", "/mcp", call("1", "who"))
		if resp.StatusCode != 200 || !resp.Close {
			t.Errorf("a call while ending: %d, connection kept: %v", resp.StatusCode, !resp.Close)
		}
		client.CloseIdleConnections()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// The time is virtual.
func TestSilentStreamSaysThatItIsThere(t *testing.T) {
	w := &watchtest.Watcher{}
	o := watching(w)
	for name, q := range map[string]request{
		"SSE":       {method: "GET", path: "/sse"},
		"listening": {method: "POST", path: "/mcp", body: listenTo("polt://a"), header: modern("subscriptions/listen", "")},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				listener := newPipeListener()
				ctx, stop := context.WithCancel(context.Background())
				done := make(chan error, 1)
				go func() { done <- web.New(o).Serve(ctx, listener) }()
				r := &running{t: t, URL: "http://localhost", client: &http.Client{Transport: &http.Transport{DialContext: listener.dial}}}
				resp, err := r.client.Do(r.newRequest(ctx, q))
				if err != nil {
					t.Fatal(err)
				}
				s := &stream{t: t, events: bufio.NewReader(resp.Body)}
				s.next()
				for range 3 {
					began := time.Now()
					if line, err := s.events.ReadString('\n'); line != ": keep-alive\n" || time.Since(began) != 25*time.Second {
						t.Errorf("after %s: %q %v", time.Since(began), line, err)
					}
					if line, err := s.events.ReadString('\n'); line != "\n" {
						t.Errorf("%q %v", line, err)
					}
				}
				stop()
				_, _ = io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				r.client.CloseIdleConnections()
				if err := <-done; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// pipeListener is a listener without a network.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newPipeListener() *pipeListener {
	return &pipeListener{make(chan net.Conn), make(chan struct{})}
}

func (l *pipeListener) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { close(l.closed); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.IPAddr{} }

func TestReadinessAsksThePlatformOnceInTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		var down atomic.Bool
		o := options(nil)
		o.Ready = func(context.Context) error {
			asked.Add(1)
			if down.Load() {
				return errors.New("down")
			}
			return nil
		}
		admin := web.New(o).Admin()
		ready := func() int { return recorded(admin, "GET", "/readyz?upstream", nil).Code }
		for range 100 {
			if ready() != 200 {
				t.Error("not ready")
			}
		}
		down.Store(true)
		if ready() != 200 || asked.Load() != 1 {
			t.Errorf("the platform was asked %d times", asked.Load())
		}
		pass(10 * time.Second)
		if first, second := ready(), ready(); first != 503 || second != 503 || asked.Load() != 2 {
			t.Errorf("the platform was asked %d times", asked.Load())
		}
		for _, path := range []string{"/healthz", "/readyz"} {
			if got := recorded(admin, "GET", path, nil).Code; got != 200 || asked.Load() != 2 {
				t.Errorf("%s while the platform is down: %d, asked %d times", path, got, asked.Load())
			}
		}
	})
}

func TestOperatorsCanHaveAnAddressOfTheirOwn(t *testing.T) {
	o := options(nil)
	together := web.New(o)
	o.Separate = true
	apart := web.New(o)
	for path, status := range map[string]int{"/metrics": 404, "/healthz": 200, "/readyz": 200} {
		for name, c := range map[string]struct {
			h    http.Handler
			want int
		}{"together": {together.Handler(), 200}, "admin": {apart.Admin(), 200}, "apart": {apart.Handler(), status}} {
			if got := recorded(c.h, "GET", path, nil).Code; got != c.want {
				t.Errorf("%s %s: %d", name, path, got)
			}
		}
	}
}

func TestPathThatLeadsUpIsNotFound(t *testing.T) {
	h := web.New(options(nil)).Handler()
	for path, want := range map[string]int{
		"/mcp/../metrics": 404, "/mcp/%2e%2e/metrics": 404, "/mcp/..%2fmetrics": 404, "/metrics/..": 404,
		"/./metrics": 200, "/metrics": 200,
	} {
		if got := recorded(h, http.MethodGet, path, nil).Code; got != want {
			t.Errorf("%s is answered with %d", path, got)
		}
	}
}

func TestMetricsAskForTheCallerToken(t *testing.T) {
	o := options(nil)
	o.CallerToken = "token-of-the-callers"
	for name, c := range map[string]struct {
		path, token string
		want        int
	}{
		"without":     {"/metrics", "", 403},
		"wrong":       {"/metrics", "token-of-nobody-here", 403},
		"right":       {"/metrics", o.CallerToken, 200},
		"liveness":    {"/healthz", "", 200},
		"readiness":   {"/readyz", "", 200},
		"one slash +": {"//metrics/", "", 403},
	} {
		r := httptest.NewRequest("GET", "http://127.0.0.1"+c.path, nil)
		r.Header.Set("X-Polt-Caller-Token", c.token)
		w := httptest.NewRecorder()
		if web.New(o).Handler().ServeHTTP(w, r); w.Code != c.want {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	if got := recorded(web.New(o).Admin(), "GET", "/metrics", nil).Code; got != 200 { // which only operators reach
		t.Errorf("on the admin address: %d", got)
	}
}

func TestSlowHeadersAreCutOffAndOthersServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener := newPipeListener()
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- web.New(options(map[string]handler{"who": who})).Serve(ctx, listener) }()
		var idle []net.Conn
		for range 1000 {
			c, err := listener.dial(ctx, "", "")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(c, "POST /mcp HTTP/1.1\r\nHost: localhost\r\nX-Slow: "); err != nil {
				t.Fatal(err)
			}
			idle = append(idle, c)
		}
		client := &http.Client{Transport: &http.Transport{DialContext: listener.dial}}
		resp, err := client.Post("http://localhost/mcp", "application/json", strings.NewReader(call("1", "who")))
		if err != nil || resp.StatusCode != 200 {
			t.Fatalf("%v %v", resp, err)
		}
		_ = resp.Body.Close()
		client.CloseIdleConnections()
		pass(time.Minute)
		for _, c := range idle {
			if _, err := io.ReadAll(c); err != nil { // ends: the server has closed it
				t.Fatal(err)
			}
			_ = c.Close()
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
