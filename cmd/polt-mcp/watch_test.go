package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openpolt/polt-mcp/internal/gate"
	"github.com/openpolt/polt-mcp/internal/memory"
	"github.com/openpolt/polt-mcp/internal/watch"
	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
	"github.com/openpolt/polt-mcp/tools/resources"
)

// counted is a platform that answers everything alike, and counts how often it
// was asked.
type counted struct{ requests atomic.Int64 }

func (c *counted) RoundTrip(r *http.Request) (*http.Response, error) {
	c.requests.Add(1)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{}`)), Request: r}, nil
}

func TestWatchesAreLimitedAndEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		platform := &counted{}
		client, err := polt.NewClient(polt.Options{Transport: platform})
		if err != nil {
			t.Fatal(err)
		}
		set, err := tools.New(tools.Options{Client: client})
		if err != nil {
			t.Fatal(err)
		}
		a := &app{client: client, set: set, resources: resources.New(set)}
		open := 0
		hub := newHub(a.log, time.Minute, host{onWatch: func(by int) { open += by }})
		begin := a.watching(hub, host{}).changes
		var stops []func()
		for i := range 1000 {
			stop, err := begin(t.Context(), fmt.Sprintf("polt://tasks/t-%d", i), func() { t.Error("told of a change") })
			if err != nil {
				t.Fatal(err)
			}
			stops = append(stops, stop)
		}
		_, err = begin(t.Context(), "polt://tasks/more", nil)
		if e, ok := errors.AsType[*tools.Error](err); !ok || e.Code() != polt.CodeRateLimited || !strings.Contains(e.Message, "Try again in some minutes") {
			t.Errorf("what is too many: %v", err)
		}
		if open != 1000 {
			t.Errorf("%d watches are counted", open)
		}

		pass(2 * time.Minute)
		if n := platform.requests.Load(); n < 2000 {
			t.Errorf("%d requests for 1000 watches", n)
		}
		hub.Close()
		before := platform.requests.Load()
		pass(time.Hour)
		if n := platform.requests.Load() - before; n != 0 {
			t.Errorf("%d requests after the end", n)
		}
		if _, err := begin(t.Context(), "polt://tasks/t-1", nil); !errors.Is(err, watch.ErrClosed) {
			t.Errorf("after the end: %v", err)
		}
		for _, stop := range stops {
			stop()
			stop() // is once
		}
		if open != 0 {
			t.Errorf("%d watches are counted when all have stopped", open)
		}
	})
}

// slowCTO is a platform whose CTO has reviewed everything at a time.
type slowCTO struct{ at time.Time }

func (p slowCTO) RoundTrip(r *http.Request) (*http.Response, error) {
	body := `{"id":"t","status":"in_review"}`
	if !time.Now().Before(p.at) {
		body = `{"id":"t","status":"completed"}`
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// A person waits for a review that comes after three seconds. The time is virtual.
func TestPlatformOnThisMachineIsPolledMoreOften(t *testing.T) {
	for url, longest := range map[string]time.Duration{
		"http://127.0.0.1:8090": 5 * time.Second, "http://localhost:8090": 5 * time.Second, "http://[::1]:8090/below": 5 * time.Second,
		"http://polt.example": 17 * time.Second, "http://127.0.0.1.example": 17 * time.Second,
	} {
		t.Run(url, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				ctx := context.WithValue(t.Context(), networkKey{}, network{platform: slowCTO{began.Add(3 * time.Second)}})
				var out bytes.Buffer
				args := []string{"call", "wait_for_review", "task_id=t", "--json", "--api-url", url, "--store", "file", "--credentials", filepath.Join(t.TempDir(), "c.json")}
				if err := run(ctx, args, func(string) string { return "" }, strings.NewReader(""), &out, io.Discard); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); !strings.Contains(out.String(), "completed") || took > longest || took < longest-4*time.Second {
					t.Errorf("after %s: %s", took, out.String())
				}
			})
		})
	}
	client, err := polt.NewClient(polt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		given     *time.Duration
		isSandbox bool
		want      time.Duration
	}{{nil, false, 0}, {nil, true, time.Second}, {new(time.Minute), true, time.Minute}, {new(time.Minute), false, time.Minute}} {
		if got := watchInterval(client, host{watchInterval: c.given}, c.isSandbox); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

// listen opens a stream of changes, of which nothing is read, until close is
// called.
func (s *webServer) listen(t *testing.T, key string, uris ...string) (close func()) {
	t.Helper()
	message, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": map[string]any{
		"notifications": map[string]any{"resourceSubscriptions": uris},
		"_meta":         map[string]any{"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": map[string]any{}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://127.0.0.1/mcp", bytes.NewReader(message))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "Accept": "application/json, text/event-stream", "Authorization": "Bearer " + key,
		"Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": "subscriptions/listen",
	} {
		req.Header.Set(name, value)
	}
	ended := make(chan struct{})
	go func() {
		defer func() { ended <- struct{}{} }()
		resp, err := s.client.Do(req)
		if err != nil {
			return // closed
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		if !bytes.Contains(text, []byte("notifications/subscriptions/acknowledged")) {
			t.Errorf("%d %s", resp.StatusCode, text)
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

// Eight callers have made up a key each, and watch 20 resources each. The time is
// virtual.
func TestReadsOfWatchesWaitAtTheGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const callers, watches = 8, 20
		p := busyPlatform{make(chan string, 1000), make(chan struct{}, 1000)}
		web := startWeb(network{platform: p}, io.Discard, "--api-url", "http://platform.invalid")
		var closers []func()
		for i := range callers {
			var uris []string
			for j := range watches {
				uris = append(uris, fmt.Sprintf("polt://tasks/t-%d-%d", i, j))
			}
			closers = append(closers, web.listen(t, fmt.Sprintf("polt_made_up_%d", i), uris...))
		}
		synctest.Wait()
		if len(p.arrived) != gate.Most {
			t.Errorf("%d requests are with the platform", len(p.arrived))
		}
		for range callers * watches {
			p.release <- struct{}{}
		}
		synctest.Wait()
		if len(p.arrived) != callers*watches {
			t.Errorf("%d of %d resources were read", len(p.arrived), callers*watches)
		}
		for range len(p.arrived) {
			if key := <-p.arrived; key != "" {
				t.Errorf("what all may watch is read with the key %s", key)
			}
		}
		for _, end := range closers {
			end()
		}
		web.close()
	})
}

// The time is virtual.
func TestReadsOfWatchesAreChargedForTheirAnswers(t *testing.T) {
	const uri = "polt://tasks/t"
	for _, transport := range []string{"stdio", "http", "sse"} {
		t.Run(transport, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := heldAnswers{make(chan struct{})}
				n := network{platform: p, memory: memory.NewBudget(128 << 20)}
				args := []string{"--api-url", "http://platform.invalid"}
				var ends []func()
				subscribe := func(conn mcpConn) {
					conn.request("", "resources/subscribe", map[string]string{"uri": uri})
					ends = append(ends, conn.close)
				}
				if transport == "stdio" {
					subscribe(startStdio(t, n, io.Discard, func([]byte) {}, append(args, "--store", "file", "--credentials", filepath.Join(t.TempDir(), "c.json"))...))
				} else {
					web := startWeb(n, io.Discard, args...)
					if transport == "sse" {
						subscribe(startSSE(t, web, "", func([]byte) {}))
					} else {
						ends = append(ends, web.listen(t, "polt_made_up", uri))
					}
					ends = append(ends, web.close)
				}
				synctest.Wait()
				if held := n.memory.Held(); held < 6<<20 {
					t.Errorf("%d bytes are held while 6 MiB are read", held)
				}
				close(p.release)
				synctest.Wait()
				if held := n.memory.Held(); held > 1<<20 {
					t.Errorf("%d bytes are held after the read", held)
				}
				for _, end := range ends {
					end()
				}
			})
		})
	}
}

// keyPlatform is a platform that accepts one key, and counts how often it was asked
// whether it accepts one.
type keyPlatform struct {
	accepts string
	asked   atomic.Int64
}

func (p *keyPlatform) RoundTrip(r *http.Request) (*http.Response, error) {
	status := http.StatusOK
	if key := r.Header.Get("Authorization"); key != "" && key != "Bearer "+p.accepts {
		status = http.StatusUnauthorized
	}
	if r.URL.Path == polt.VerifyKey.Path() {
		p.asked.Add(1)
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}")), Request: r}, nil
}

func TestOnlyCallersWithAnAcceptedKeyWatchMore(t *testing.T) {
	const accepted = "polt_that_the_platform_accepts"
	for name, test := range map[string]struct {
		key     string
		worked  bool // has called a tool with the key
		watches int
		asked   int64
	}{
		"an accepted key":             {accepted, false, 40, 1},
		"one that was used before":    {accepted, true, 40, 0},
		"a made-up key":               {"polt_made_up", false, 20, 20},
		"a made-up one that was used": {"polt_made_up", true, 20, 20},
		"no key":                      {"", false, 20, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &keyPlatform{accepts: accepted}
				web := startWeb(network{platform: p}, io.Discard, "--api-url", "http://platform.invalid")
				conn := startSSE(t, web, test.key, func([]byte) {})
				if test.worked {
					<-conn.request(test.key, "tools/call", map[string]any{"name": "update_profile", "arguments": map[string]string{"bio": "b"}})
				}
				watches := 0
				for i := range 40 {
					answer := <-conn.request(test.key, "resources/subscribe", map[string]string{"uri": fmt.Sprintf("polt://tasks/t-%d", i)})
					if bytes.Contains(answer, []byte(`"result"`)) {
						watches++
					} else if !bytes.Contains(answer, []byte("without a key that POLT knows watch as much as they may")) {
						t.Errorf("%s", answer)
					}
				}
				if asked := p.asked.Load(); watches != test.watches || asked != test.asked {
					t.Errorf("%d resources are watched, and POLT was asked %d times whether it accepts the key", watches, asked)
				}
				conn.close()
				web.close()
			})
		})
	}
}

// pass lets time pass within [synctest.Test], where that takes none.
func pass(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // the time is virtual
