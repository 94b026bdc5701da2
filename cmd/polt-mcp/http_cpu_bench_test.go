package main_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// BenchmarkHTTPCPU takes the CPU time and the memory of calls over streamable
// HTTP, by httpClients clients at a time, beside those of a naive mcp-go server:
// as shipped, and with the garbage collector of both alike. Compare the figures
// of one run. Give it some thousand calls (-benchtime 10000x).
func BenchmarkHTTPCPU(b *testing.B) {
	command, peer := build(b, "."), build(b, "./testdata/peer")
	u := newUpstream(b, 0)
	for _, c := range []struct{ tool, arguments string }{{"list_tasks", `{}`}, {"get_task", `{"task_id":"t-1"}`}} {
		for _, gc := range []struct {
			name string
			env  []string
		}{{"as-shipped", nil}, {"same-gc", []string{"GOGC=400"}}} {
			b.Run(c.tool+"/"+gc.name, func(b *testing.B) {
				addr := freeAddr(b)
				cmd := polt(b, command, "http", "--addr", addr, "--api-url", u.URL, "--caller-rate", "0", "--caller-in-flight", "0")
				cmd.Env = append(cmd.Env, gc.env...)
				ours := &benchedServer{b: b, process: start(b, cmd), url: "http://" + addr + "/mcp", tool: c.tool, arguments: c.arguments}
				eventually(b, func() error { return get("http://"+addr+"/healthz", nil) })
				cmd = exec.Command(peer, "http-server", u.URL)
				cmd.Env = append([]string{"HOME=/nonexistent"}, gc.env...) // not the environment's GOGC
				naive := &benchedServer{b: b, process: start(b, cmd), tool: c.tool, arguments: c.arguments}
				naive.url = "http://" + naive.process.prints(`listening addr=(\S+)`, 0)[0] + "/mcp"

				const turn = 1000
				for n := b.N; n > 0; n -= turn { // in turn, so that whatever else the machine does meets both
					ours.calls(min(n, turn))
					naive.calls(min(n, turn))
				}
				for name, l := range map[string]*benchedServer{"polt": ours, "naive": naive} {
					l.end()
					b.ReportMetric(l.cpu.Seconds()*10000/float64(b.N), name+"-cpu-s/10k")
					b.ReportMetric(float64(l.memory)/(1<<20), name+"-MiB")
				}
				b.ReportMetric(float64(ours.cpu)/float64(naive.cpu), "cpu-ratio")
				b.ReportMetric(float64(ours.memory)/float64(naive.memory), "memory-ratio")
				b.ReportMetric(0, "ns/op") // of both servers together
			})
		}
	}
}

const httpClients = 64

// benchedServer is a server that calls are made of.
type benchedServer struct {
	b               *testing.B
	process         *process
	url             string
	tool, arguments string
	cpu             time.Duration
	memory          int64 // of the process, after the calls
}

// calls makes n calls, with httpClients of them at a time.
func (l *benchedServer) calls(n int) {
	client := newClient(l.b)
	defer client.CloseIdleConnections()
	var next atomic.Int64
	var working sync.WaitGroup
	for range httpClients {
		working.Go(func() {
			r := &remote{client: client, url: l.url, name: "bench"}
			for id := next.Add(1); id <= int64(n); id = next.Add(1) {
				answer, err := r.post(l.b.Context(), fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":%q,"arguments":%s}}`, id, l.tool, l.arguments))
				if err != nil || !bytes.Contains(answer, []byte(`"result"`)) || bytes.Contains(answer, []byte(`"isError":true`)) {
					l.b.Errorf("%s, %v", answer, err)
					return
				}
			}
		})
	}
	working.Wait()
}

// end ends the server, and takes the memory and the CPU time that it has used.
func (l *benchedServer) end() {
	l.memory = residentMemory(l.b, l.process.cmd.Process.Pid)
	if err := l.process.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		l.b.Fatal(err)
	}
	if err := l.process.wait(10 * time.Second); err != nil {
		l.b.Fatal(err, l.process.output)
	}
	state := l.process.cmd.ProcessState
	l.cpu = state.UserTime() + state.SystemTime()
}

// residentMemory returns how many bytes of memory a process has.
func residentMemory(b *testing.B, pid int) int64 {
	b.Helper()
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		b.Skip("there is no /proc here")
	}
	_, after, _ := strings.Cut(string(text), "VmRSS:")
	kilobytes, err := strconv.ParseInt(strings.Fields(after)[0], 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return kilobytes << 10
}
