package main_test

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
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
			ours := &httpServer{b: b, process: start(b, cmd), client: newClient(b), url: "http://" + addr + "/mcp"}
			eventually(b, func() error { return get("http://"+addr+"/healthz", nil) })

			const arguments, fails = `{"project_id":"p-1","value":"1"}`, "unauthenticated"
			vote, noop := benchedCall{"vote_on_project", arguments, fails}, benchedCall{"noop", arguments, fails}
			cmd = exec.Command(peer, "http", ours.text(vote))
			cmd.Env = append([]string{"HOME=/nonexistent"}, c.env...) // not the environment's GOGC
			bare := &httpServer{b: b, process: start(b, cmd), client: newClient(b)}
			bare.url = "http://" + bare.process.prints(`listening addr=(\S+)`, 0)[0] + "/mcp"

			servers := []*httpServer{ours, bare}
			var took, cpu [2]time.Duration
			const turn = 1000
			for n := b.N; n > 0; n -= turn { // in turn, so that whatever else the machine does meets both
				for i, call := range []benchedCall{vote, noop} {
					began := time.Now()
					servers[i].calls(call, min(n, turn))
					took[i] += time.Since(began)
				}
			}
			for i, name := range []string{"polt", "bare"} {
				cpu[i], _ = servers[i].end()
				b.ReportMetric(float64(b.N)/took[i].Seconds(), name+"-calls/s")
				b.ReportMetric(float64(cpu[i].Microseconds())/float64(b.N), name+"-cpu-µs/call")
			}
			b.ReportMetric(100*(1-float64(cpu[1])/float64(cpu[0])), "own-%")
			b.ReportMetric(0, "ns/op") // of both servers together
		})
	}
}

// text returns the text that a call is answered with.
func (s *httpServer) text(c benchedCall) string {
	s.b.Helper()
	answer, err := (&remote{client: s.client, url: s.url, name: "bench"}).post(s.b.Context(), c.message(1))
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
