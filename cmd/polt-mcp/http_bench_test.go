package main_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkHTTP takes what our own layers cost: polt-mcp http beside a bare
// mcp-go server whose one tool does nothing, in one run. Give it some thousand
// calls:
//
//	go test ./cmd/polt-mcp -run '^$' -bench HTTP -benchtime 20000x
//
// The call does all that a call does but go to the platform: it passes the
// guard, the limits and the metrics, a number that came as a string is made
// one, the arguments are found valid, and then there is no key to send it with;
// that is told, and logged. The bare server answers with the same text. So
// own-% is our share of the server's CPU time, the upstream call apart. As
// shipped it is to stay at 25 or below.
func BenchmarkHTTP(b *testing.B) {
	command, peer := build(b, "."), build(b, "./testdata/peer")
	for _, c := range []struct {
		name string
		args []string
		env  []string
	}{
		{"as-shipped", nil, nil},
		{"as-shipped-access-log", []string{"--log-level", "info", "--log-file", filepath.Join(b.TempDir(), "log")}, nil},
		// Ours collects garbage less often than Go's default. With both alike,
		// what the layers themselves take shows, and the gain by that does not.
		{"same-gc", nil, []string{"GOGC=400"}},
	} {
		b.Run(c.name, func(b *testing.B) {
			addr := freeAddr(b)
			cmd := polt(b, command, append([]string{"http", "--addr", addr, "--caller-rate", "0"}, c.args...)...)
			cmd.Env = append(cmd.Env, c.env...)
			ours := &served{b: b, process: start(b, cmd), url: "http://" + addr + "/mcp", tool: "vote_on_project"}
			eventually(b, func() error { return get("http://"+addr+"/healthz", nil) })

			cmd = exec.Command(peer, "http", ours.answer())
			cmd.Env = append([]string{"HOME=/nonexistent"}, c.env...) // not the environment's GOGC
			bare := &served{b: b, process: start(b, cmd), tool: "noop"}
			bare.url = "http://" + bare.process.prints(`listening addr=(\S+)`, 0)[0] + "/mcp"

			const turn = 1000
			for n := b.N; n > 0; n -= turn { // in turn, so that whatever else the machine does meets both
				ours.calls(min(n, turn))
				bare.calls(min(n, turn))
			}
			ours.end()
			bare.end()
			for name, s := range map[string]*served{"polt": ours, "bare": bare} {
				b.ReportMetric(float64(b.N)/s.took.Seconds(), name+"-calls/s")
				b.ReportMetric(float64(s.cpu.Microseconds())/float64(b.N), name+"-cpu-µs/call")
			}
			b.ReportMetric(100*(1-float64(bare.cpu)/float64(ours.cpu)), "own-%")
			b.ReportMetric(0, "ns/op") // of both servers together
		})
	}
}

// served is a server that calls are made of.
type served struct {
	b         *testing.B
	process   *process
	url       string
	tool      string
	took, cpu time.Duration
}

// message returns a call of the tool.
func (s *served) message(id int64) []byte {
	return []byte(`{"jsonrpc":"2.0","id":` + strconv.FormatInt(id, 10) + `,"method":"tools/call","params":{"name":"` + s.tool + `","arguments":{"project_id":"p-1","value":"1"}}}`)
}

// answer returns the text that the call is answered with.
func (s *served) answer() string {
	s.b.Helper()
	answer, err := (&remote{client: newClient(s.b), url: s.url, name: "bench"}).post(s.b.Context(), s.message(1))
	var m struct {
		Result struct{ Content []struct{ Text string } }
	}
	if err == nil {
		err = json.Unmarshal(answer, &m)
	}
	if err != nil || len(m.Result.Content) != 1 {
		s.b.Fatalf("%s, %v", answer, err)
	}
	return m.Result.Content[0].Text
}

// calls makes n calls, with inFlight of them at a time.
func (s *served) calls(n int) {
	client := newClient(s.b)
	defer client.CloseIdleConnections()
	began := time.Now()
	var next atomic.Int64
	var working sync.WaitGroup
	for range inFlight {
		working.Go(func() {
			r := &remote{client: client, url: s.url, name: "bench"}
			for id := next.Add(1); id <= int64(n); id = next.Add(1) {
				answer, err := r.post(s.b.Context(), s.message(id))
				if err != nil || !bytes.Contains(answer, []byte("unauthenticated")) {
					s.b.Errorf("%s, %v", answer, err)
					return
				}
			}
		})
	}
	working.Wait()
	s.took += time.Since(began)
}

// end ends the server and takes the CPU time that it has used.
func (s *served) end() {
	s.cpu = s.process.cpuTime()
}
