package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
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
				conn.close()
				end()
			})
		})
	}
}
