package main_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	main "github.com/openpolt/polt-mcp/cmd/polt-mcp"
)

// The benchmarks run the built binary as a host would, beside what it is
// measured against, in one run: compare their figures, not those of two runs.
//
//	go test ./cmd/polt-mcp -run '^$' -bench . -benchtime 10000x

const inFlight = 32

var builds sync.Map // of func() (string, error), by package

// build builds a command as a release is built, once for all tests, and returns
// its path.
func build(tb testing.TB, pkg string) string {
	tb.Helper()
	once, _ := builds.LoadOrStore(pkg, sync.OnceValues(func() (string, error) {
		path := filepath.Join(main.Builds, "command"+strings.NewReplacer(".", "", "/", "-").Replace(pkg))
		out, err := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, pkg).CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("%w\n%s", err, out)
		}
		return path, nil
	}))
	path, err := once.(func() (string, error))()
	if err != nil {
		tb.Fatal(err)
	}
	return path
}

// BenchmarkStart takes the time from the start of a process to its first
// answer to tools/list.
func BenchmarkStart(b *testing.B) {
	polt, peer := build(b, "."), build(b, "./testdata/peer")
	var ours, bare time.Duration
	b.Run("both", func(b *testing.B) {
		ours, bare = 0, 0
		for b.Loop() { // in turn, so that whatever else the machine does meets both
			ours += firstList(b, polt, "stdio", "--credentials", filepath.Join(b.TempDir(), "none"))
			bare += firstList(b, peer, "empty")
		}
		b.ReportMetric(float64(ours.Microseconds())/1000/float64(b.N), "polt-ms")
		b.ReportMetric(float64(bare.Microseconds())/1000/float64(b.N), "bare-ms")
		b.ReportMetric(float64(ours)/float64(bare), "ratio")
	})
}

func firstList(b *testing.B, name string, args ...string) time.Duration {
	b.Helper()
	start := time.Now()
	s := startSession(b, nil, name, args...)
	s.send(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}`)
	s.receive()
	s.send(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	s.send(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)
	s.receive()
	took := time.Since(start)
	s.end()
	return took
}

// session is a server as a child process.
type session struct {
	b   *testing.B
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// startSession starts a server with an environment beside this process's.
func startSession(b *testing.B, env []string, name string, args ...string) *session {
	b.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	return &session{b, cmd, in, bufio.NewReaderSize(out, 1<<20)}
}

func (s *session) send(line string) {
	if _, err := io.WriteString(s.in, line+"\n"); err != nil {
		s.b.Fatal(err)
	}
}

func (s *session) receive() []byte {
	line, err := s.out.ReadSlice('\n')
	if err != nil {
		s.b.Fatal(err)
	}
	return line
}

func (s *session) end() (cpu time.Duration, memory int64) {
	memory = residentMemory(s.b, s.cmd.Process.Pid)
	_ = s.in.Close()
	if err := s.cmd.Wait(); err != nil {
		s.b.Fatal(err)
	}
	return cpuTime(s.cmd), memory
}

func (s *session) calls(c benchedCall, n int) {
	s.b.Helper()
	sent := 0
	for ; sent < min(inFlight, n); sent++ {
		s.send(string(c.message(int64(sent))))
	}
	for range n {
		c.check(s.b, s.receive(), nil)
		if sent < n {
			s.send(string(c.message(int64(sent))))
			sent++
		}
	}
}

func (s *session) call(c benchedCall) { s.calls(c, 1) }

// upstream is a POLT that answers with testdata/bench, after a delay. It
// counts the connections that are made to it, and how long it has taken: a
// timer of 100 ms takes somewhat more.
type upstream struct {
	*httptest.Server
	connections, requests, held atomic.Int64
}

func newUpstream(tb testing.TB, delay time.Duration) *upstream {
	tb.Helper()
	list, err := os.ReadFile("testdata/bench/list_tasks.json")
	if err != nil {
		tb.Fatal(err)
	}
	task, err := os.ReadFile("testdata/bench/get_task.json")
	if err != nil {
		tb.Fatal(err)
	}
	u := &upstream{}
	u.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := list
		if strings.Count(r.URL.Path, "/") == 3 {
			body = task
		}
		start := time.Now()
		time.Sleep(delay) // the network's
		u.held.Add(int64(time.Since(start)))
		u.requests.Add(1)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body)
	}))
	u.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			u.connections.Add(1)
		}
	}
	u.Start()
	tb.Cleanup(u.Close)
	return u
}

// BenchmarkThroughput takes how near to the ideal the throughput comes with an
// upstream that is 100 ms away, and how many connections were made to it.
func BenchmarkThroughput(b *testing.B) {
	const away = 100 * time.Millisecond
	polt := build(b, ".")
	u := newUpstream(b, away)
	for _, c := range benchedCalls {
		b.Run(fmt.Sprintf("%s/%d", c.tool, inFlight), func(b *testing.B) {
			s := startSession(b, nil, polt, "stdio", "--api-url", u.URL, "--credentials", filepath.Join(b.TempDir(), "none"))
			s.calls(c, inFlight) // the first calls make the connections
			before := u.connections.Swap(0)
			u.requests.Store(0)
			u.held.Store(0)
			start := time.Now()
			s.calls(c, b.N)
			took := time.Since(start)
			s.end()
			ideal := time.Duration(u.held.Load() / u.requests.Load() * int64((b.N+inFlight-1)/inFlight))
			b.ReportMetric(ideal.Seconds()/took.Seconds(), "of-ideal")
			b.ReportMetric(float64(before), "conns-at-first")
			b.ReportMetric(float64(u.connections.Swap(0)), "conns-later")
		})
	}
}
