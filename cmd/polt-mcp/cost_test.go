package main_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const (
	largestAnswer = 8<<20 - 4<<10
	// maxCopies is how often an answer may be held while it is served.
	maxCopies = 3
)

// TestLargestAnswerCosts measures what the largest answer of the platform takes
// of a server's memory while it is served, beside what it took before. What is
// garbage is collected at once, as it would be where memory is short.
func TestLargestAnswerCosts(t *testing.T) {
	command := build(t, ".")
	item := `{"id":"7a1d","title":"` + strings.Repeat("A title. ", 10) + `","description":"` + strings.Repeat("Words, \\\"quoted\\\", of a task. ", 20) + `","status":"available"}`
	list := `{"tasks":[` + item + strings.Repeat(","+item, largestAnswer/(len(item)+1)-1) + `]}`
	for name, told := range map[string]bool{"length told": true, "length not told": false} {
		platform := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			body := list
			if r.URL.Path != "/api/tasks" {
				body = `{"tasks":[]}`
			}
			if told {
				w.Header().Set("Content-Length", fmt.Sprint(len(body)))
			}
			_, _ = io.WriteString(w, body)
		}))
		t.Cleanup(platform.Close)
		for _, transport := range []string{"http", "stdio"} {
			for _, detail := range []string{"full", "summary"} {
				t.Run(name+"/"+transport+"/"+detail, func(t *testing.T) {
					cmd := polt(t, command, transport, "--api-url", platform.URL)
					cmd.Env = append(cmd.Env, "GOGC=5")
					var call func(tool, arguments string) int
					var pid func() int
					if transport == "http" {
						cmd.Args = append(cmd.Args, "--addr", "127.0.0.1:0")
						p := start(t, cmd)
						agent := &remote{client: newClient(t), url: p.prints(`polt-mcp on (\S+)`, 0)[0], name: "cost"}
						pid = func() int { return p.cmd.Process.Pid }
						call = func(tool, arguments string) int {
							answer, err := agent.post(t.Context(), []byte(toolsCall(tool, arguments)))
							if err != nil {
								t.Fatal(err)
							}
							return len(answer)
						}
					} else {
						in, err := cmd.StdinPipe()
						if err != nil {
							t.Fatal(err)
						}
						out, err := cmd.StdoutPipe()
						if err != nil {
							t.Fatal(err)
						}
						if err := cmd.Start(); err != nil {
							t.Fatal(err)
						}
						t.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
						pid = func() int { return cmd.Process.Pid }
						lines := bufio.NewReader(out)
						call = func(tool, arguments string) int {
							_, _ = io.WriteString(in, toolsCall(tool, arguments)+"\n")
							line, err := lines.ReadString('\n')
							if err != nil {
								t.Fatal(err)
							}
							return len(line)
						}
					}
					for range 20 {
						call("list_recent_tasks", "{}")
					}
					before := residentMemory(t, pid())
					var peak atomic.Int64
					stop, stopped := make(chan struct{}), make(chan struct{})
					go func() {
						defer close(stopped)
						for {
							select {
							case <-stop:
								return
							case <-time.After(time.Millisecond):
								most(&peak, residentMemory(t, pid()))
							}
						}
					}()
					size := call("list_tasks", fmt.Sprintf(`{"detail":%q}`, detail))
					close(stop)
					<-stopped
					if detail == "full" && size < 2*largestAnswer {
						t.Fatalf("the answer has %d bytes", size)
					}
					copies := float64(peak.Load()-before) / largestAnswer
					t.Logf("an answer of %d bytes is held %.2f times, beside %d MiB", len(list), copies, before>>20)
					if copies > maxCopies {
						t.Error("it costs too much")
					}
				})
			}
		}
	}
}

func toolsCall(tool, arguments string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":%q,"arguments":%s}}`, tool, arguments)
}

// most keeps the largest of all values.
func most(of *atomic.Int64, value int64) {
	for was := of.Load(); value > was && !of.CompareAndSwap(was, value); was = of.Load() {
	}
}
