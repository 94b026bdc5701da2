package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/openpolt/polt-mcp/internal/gate"
)

// heldAnswers is a platform whose answers are large, and end at release.
type heldAnswers struct{ release chan struct{} }

func (p heldAnswers) RoundTrip(r *http.Request) (*http.Response, error) {
	head := `{"id":"t","description":"` + strings.Repeat("x", 6<<20)
	body, out := io.Pipe()
	go func() {
		_, _ = io.WriteString(out, head)
		<-p.release
		_, _ = io.WriteString(out, `"}`)
		_ = out.Close()
	}()
	return &http.Response{StatusCode: 200, Header: http.Header{}, ContentLength: int64(len(head) + 2), Body: body, Request: r}, nil
}

// The time is virtual.
func TestAnswerForWhichThereIsNoMemoryIsRateLimited(t *testing.T) {
	for _, transport := range []string{"stdio", "http", "sse"} {
		t.Run(transport, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := heldAnswers{make(chan struct{})}
				args := []string{"--api-url", "http://platform.invalid", "--max-memory", "96MiB"}
				var conn mcpConn
				end := func() {}
				if transport == "stdio" {
					conn = startStdio(t, network{platform: p}, io.Discard, func([]byte) {}, append(args, "--store", "file", "--credentials", filepath.Join(t.TempDir(), "c.json"))...)
				} else {
					web := startWeb(network{platform: p}, io.Discard, args...)
					end = web.close
					if conn = mcpConn(httpConn{newMessages(func([]byte) {}), web}); transport == "sse" {
						conn = startSSE(t, web, "", func([]byte) {})
					}
				}
				call := map[string]any{"name": "get_task", "arguments": map[string]string{"task_id": "t"}}
				first := conn.request("", "tools/call", call)
				synctest.Wait()
				answer, err := readAnswer(<-conn.request("", "tools/call", call))
				if err != nil {
					t.Fatal(err)
				}
				var f struct {
					Code      string
					Retryable bool
					Wait      int `json:"retry_after_s"`
				}
				said, line, _ := strings.Cut(answer.text, "\n")
				if err := json.Unmarshal([]byte(line), &f); err != nil || f.Code != "rate_limited" || !f.Retryable || f.Wait != 2 {
					t.Errorf("%v %s", err, answer.text)
				}
				for _, want := range []string{"no memory free", "--max-memory", "Wait 2 seconds, then call get_task again"} {
					if !strings.Contains(said, want) {
						t.Errorf("%q does not say %q", said, want)
					}
				}
				close(p.release)
				if raw := <-first; !bytes.Contains(raw, []byte(strings.Repeat("x", 6<<20))) {
					t.Errorf("the first answer is %.300s", raw)
				}
				if raw := <-conn.request("", "tools/call", call); bytes.Contains(raw, []byte("rate_limited")) {
					t.Errorf("there is no memory after it: %.300s", raw)
				}
				conn.close()
				end()
			})
		})
	}
}

// busyPlatform tells who asks, and answers when it is told to.
type busyPlatform struct {
	arrived chan string // keys
	release chan struct{}
}

func (p busyPlatform) RoundTrip(r *http.Request) (*http.Response, error) {
	p.arrived <- strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	<-p.release
	return &http.Response{StatusCode: 200, Header: http.Header{}, ContentLength: 2, Body: io.NopCloser(strings.NewReader("{}")), Request: r}, nil
}

// With --shared-key, callers without a key are as known as the server's own key.
// The time is virtual.
func TestCallersWithTheSharedKeyAreKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const shared = "polt_that_the_platform_accepts"
		file := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(file, []byte(shared), 0o600); err != nil {
			t.Fatal(err)
		}
		p := busyPlatform{make(chan string, 1000), make(chan struct{}, 1000)}
		web := startWeb(network{platform: p}, io.Discard, "--api-url", "http://platform.invalid", "--shared-key", "--api-key-file", file)
		conn := httpConn{newMessages(func([]byte) {}), web}
		update := func() <-chan []byte {
			return conn.request("", "tools/call", map[string]any{"name": "update_profile", "arguments": map[string]string{"bio": "b"}})
		}
		p.release <- struct{}{}
		<-update()
		if got := <-p.arrived; got != shared {
			t.Fatalf("called with %s", got)
		}
		var answers []<-chan []byte
		for range 2 * gate.Most {
			answers = append(answers, update())
		}
		synctest.Wait()
		if len(p.arrived) != 2*gate.Most {
			t.Errorf("%d of %d requests are with the platform", len(p.arrived), 2*gate.Most)
		}
		p.answer(t, answers)
		web.close()
	})
}

// answer releases as many requests as there are answers, which must be results.
func (p busyPlatform) answer(t *testing.T, answers []<-chan []byte) {
	t.Helper()
	for range answers {
		p.release <- struct{}{}
	}
	for _, answer := range answers {
		if raw := <-answer; !bytes.Contains(raw, []byte(`"result"`)) {
			t.Errorf("%s", raw)
		}
	}
}

// Forty callers have made up a key each. The time is virtual.
func TestCallersThatMadeUpKeysDoNotTakeAllOfThePlatform(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := busyPlatform{make(chan string, 1000), make(chan struct{}, 1000)}
		web := startWeb(network{platform: p}, io.Discard, "--api-url", "http://platform.invalid")
		conn := httpConn{newMessages(func([]byte) {}), web}
		update := func(key string) <-chan []byte {
			return conn.request(key, "tools/call", map[string]any{"name": "update_profile", "arguments": map[string]string{"bio": "b"}})
		}
		const known = "polt_that_the_platform_accepts"
		p.release <- struct{}{}
		<-update(known)
		<-p.arrived
		var answers []<-chan []byte
		for i := range 40 {
			answers = append(answers, update(fmt.Sprintf("polt_made_up_%d", i)))
		}
		synctest.Wait()
		if len(p.arrived) != gate.Most {
			t.Errorf("%d requests are with the platform", len(p.arrived))
		}
		for len(p.arrived) > 0 {
			<-p.arrived
		}
		answers = append(answers, update(known))
		synctest.Wait()
		if len(p.arrived) != 1 || <-p.arrived != known {
			t.Error("one whom the platform knows waits for them")
		}
		p.answer(t, answers)
		web.close()
	})
}
