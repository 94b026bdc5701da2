package main_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// What a call costs, beside what it costs a naive server, as mcp-go's
// documentation shows one. Both are called in turn, so that whatever else the
// machine does meets both.

// benched is a server that a benchmark calls.
type benched interface {
	// calls makes n calls, many at a time.
	calls(c benchedCall, n int)
	// call makes one.
	call(c benchedCall)
	// end ends the server, and returns the CPU time that it has taken, and the
	// memory that it had after the calls.
	end() (cpu time.Duration, memory int64)
}

// benchedCall is a call that is made.
type benchedCall struct {
	tool, arguments string
	fails           string // in its answer, which tells of an error; "" is no error
}

var benchedCalls = []benchedCall{{"list_tasks", `{}`, ""}, {"get_task", `{"task_id":"t-1"}`, ""}}

func (c benchedCall) message(id int64) []byte {
	return fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":%q,"arguments":%s}}`, id, c.tool, c.arguments)
}

// check fails the benchmark unless a call has been answered as it is to be.
func (c benchedCall) check(b *testing.B, answer []byte, err error) {
	if err != nil || !bytes.Contains(answer, []byte(`"result"`)) || c.fails == "" && bytes.Contains(answer, []byte(`"isError":true`)) || !bytes.Contains(answer, []byte(c.fails)) {
		b.Errorf("%s, %v", answer, err)
	}
}

// benchedTransports start a server, and a naive one, on a platform.
var benchedTransports = []struct {
	name        string
	ours, naive func(b *testing.B, command, platform string, env []string) benched
}{
	{
		"stdio",
		func(b *testing.B, command, platform string, env []string) benched {
			return startSession(b, env, command, "stdio", "--api-url", platform, "--credentials", filepath.Join(b.TempDir(), "none"))
		},
		func(b *testing.B, command, platform string, env []string) benched {
			return startSession(b, env, command, "server", platform)
		},
	},
	{
		"http",
		func(b *testing.B, command, platform string, env []string) benched {
			addr := freeAddr(b)
			cmd := polt(b, command, "http", "--addr", addr, "--api-url", platform, "--caller-rate", "0", "--caller-in-flight", "0")
			cmd.Env = append(cmd.Env, env...)
			s := &httpServer{b: b, process: start(b, cmd), url: "http://" + addr + "/mcp", client: newClient(b)}
			eventually(b, func() error { return get("http://"+addr+"/healthz", nil) })
			return s
		},
		func(b *testing.B, command, platform string, env []string) benched {
			cmd := exec.Command(command, "http-server", platform)
			cmd.Env = append([]string{"HOME=/nonexistent"}, env...) // not the environment's GOGC
			s := &httpServer{b: b, process: start(b, cmd), client: newClient(b)}
			s.url = "http://" + s.process.prints(`listening addr=(\S+)`, 0)[0] + "/mcp"
			return s
		},
	},
}

// BenchmarkCPU takes the CPU time and the memory of calls through each server: as
// shipped, and with the garbage collector of both alike. Give it some thousand
// calls (-benchtime 10000x).
func BenchmarkCPU(b *testing.B) {
	command, peer := build(b, "."), build(b, "./testdata/peer")
	u := newUpstream(b, 0)
	for _, transport := range benchedTransports {
		for _, c := range benchedCalls {
			for _, gc := range []struct {
				name string
				env  []string
			}{{"as-shipped", nil}, {"same-gc", []string{"GOGC=400"}}} {
				b.Run(transport.name+"/"+c.tool+"/"+gc.name, func(b *testing.B) {
					servers := []benched{transport.ours(b, command, u.URL, gc.env), transport.naive(b, peer, u.URL, gc.env)}
					const turn = 1000
					for n := b.N; n > 0; n -= turn {
						for _, s := range servers {
							s.calls(c, min(n, turn))
						}
					}
					var cpu, memory [2]float64
					for i, s := range servers {
						took, held := s.end()
						cpu[i], memory[i] = took.Seconds()*10000/float64(b.N), float64(held)/(1<<20)
						name := []string{"polt", "naive"}[i]
						b.ReportMetric(cpu[i], name+"-cpu-s/10k")
						b.ReportMetric(memory[i], name+"-MiB")
					}
					b.ReportMetric(cpu[0]/cpu[1], "cpu-ratio")
					b.ReportMetric(memory[0]/memory[1], "memory-ratio")
					b.ReportMetric(0, "ns/op") // of both servers together
				})
			}
		}
	}
	for _, c := range benchedCalls { // without any server between
		b.Run("bare-client/"+c.tool, func(b *testing.B) {
			path := map[string]string{"list_tasks": "/api/tasks", "get_task": "/api/tasks/t-1"}[c.tool]
			cmd := exec.Command(peer, "client", u.URL+path, strconv.Itoa(b.N), strconv.Itoa(inFlight))
			if out, err := cmd.CombinedOutput(); err != nil {
				b.Fatalf("%v\n%s", err, out)
			}
			b.ReportMetric((cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()).Seconds()*10000/float64(b.N), "cpu-s/10k")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkLatency takes how long a call takes, one at a time.
func BenchmarkLatency(b *testing.B) {
	command, peer := build(b, "."), build(b, "./testdata/peer")
	u := newUpstream(b, 0)
	for _, transport := range benchedTransports {
		for _, c := range benchedCalls {
			b.Run(transport.name+"/"+c.tool, func(b *testing.B) {
				servers := []benched{transport.ours(b, command, u.URL, nil), transport.naive(b, peer, u.URL, nil)}
				var took [2][]time.Duration
				for i := range 2*b.N + 200 {
					start := time.Now()
					servers[i%2].call(c)
					if i >= 200 { // the first make connections
						took[i%2] = append(took[i%2], time.Since(start))
					}
				}
				var median [2]float64
				for i, s := range servers {
					slices.Sort(took[i])
					median[i] = float64(took[i][len(took[i])/2].Nanoseconds()) / 1000
					s.end()
				}
				b.ReportMetric(median[0], "polt-µs")
				b.ReportMetric(median[1], "naive-µs")
				b.ReportMetric(median[0]/median[1], "median-ratio")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// httpServer is a server over streamable HTTP.
type httpServer struct {
	b       *testing.B
	process *process
	client  *http.Client
	url     string
}

const httpClients = 64

func (s *httpServer) calls(c benchedCall, n int) {
	var next atomic.Int64
	var working sync.WaitGroup
	for range httpClients {
		working.Go(func() {
			for id := next.Add(1); id <= int64(n); id = next.Add(1) {
				s.send(c, id)
			}
		})
	}
	working.Wait()
}

func (s *httpServer) call(c benchedCall) { s.send(c, 1) }

func (s *httpServer) send(c benchedCall, id int64) {
	r := &remote{client: s.client, url: s.url, name: "bench"}
	answer, err := r.post(s.b.Context(), c.message(id))
	c.check(s.b, answer, err)
}

func (s *httpServer) end() (cpu time.Duration, memory int64) {
	memory = residentMemory(s.b, s.process.cmd.Process.Pid)
	return s.process.cpuTime(), memory
}

// cpuTime ends a server, and returns the CPU time that it has used.
func (p *process) cpuTime() time.Duration {
	p.tb.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.tb.Fatal(err)
	}
	if err := p.wait(10 * time.Second); err != nil {
		p.tb.Fatal(err, p.output)
	}
	return cpuTime(p.cmd)
}

func cpuTime(ended *exec.Cmd) time.Duration {
	return ended.ProcessState.UserTime() + ended.ProcessState.SystemTime()
}

// residentMemory returns how many bytes of memory a process has.
func residentMemory(b testing.TB, pid int) int64 {
	b.Helper()
	kibibytes, err := rss(pid)
	if errors.Is(err, fs.ErrNotExist) {
		b.Skip("there is no /proc here")
	}
	if err != nil {
		b.Fatal(err)
	}
	return int64(kibibytes) << 10
}

// rss returns the resident memory of a process, in KiB.
func rss(pid int) (int, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(text), "VmRSS:")
	number, _, _ := strings.Cut(strings.TrimSpace(after), " ")
	return strconv.Atoi(number)
}
