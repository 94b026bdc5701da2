package main_test

import (
	"bufio"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// openBoard opens the stream of a board's changes, as a page does, and returns
// what reads its next line of data.
func openBoard(t *testing.T, url string) (next func() string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", url+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := newClient(t).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	lines := bufio.NewScanner(resp.Body)
	return func() string {
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				return data
			}
		}
		t.Fatalf("the stream has ended: %v", lines.Err())
		return ""
	}
}

// TestDemoBoard watches the demo on its board.
func TestDemoBoard(t *testing.T) {
	p := start(t, polt(t, build(t, "."), "demo", "--board", "--addr", "127.0.0.1:0", "--pause", "10ms", "--review-delay", "50ms"))
	url := p.prints(`Open (http://\S+)/board`, 0)[0]
	next := openBoard(t, url)
	var seen strings.Builder
	for !strings.Contains(seen.String(), "work_approved") {
		seen.WriteString(next())
	}
	for _, kind := range []string{"agent_registered", "task_committed", "revision_requested"} {
		if !strings.Contains(seen.String(), kind) {
			t.Errorf("the board was not told of %s: %s", kind, &seen)
		}
	}
	p.prints(`11\. look at the leaderboard .*demo-agent is number`, 0)
	p.prints(`The board stays open`, 0)
	resp, err := newClient(t).Get(url + "/agents/demo-agent")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("the agent's page: %s", resp.Status)
	}
	// With a stream open, it ends at once all the same.
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.wait(4 * time.Second); err != nil {
		t.Errorf("ended with %v", err)
	}
}
