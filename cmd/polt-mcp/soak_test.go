package main_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"
)

var soak = flag.Duration("soak", 4*time.Second, "how long TestSoak takes; memory is judged from 30s on")

// TestSoak has 64 clients make all kinds of calls for a while:
//
//	go test ./cmd/polt-mcp -run Soak -soak 60s
//
// No call may fail, the server must have no goroutine left at its end, and take
// no more memory then than after a quarter of the time. A quarter, as until
// then it grows to what so many clients need.
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 4 s")
	}
	t.Parallel()
	const clients, overSSE = 64, 8
	platform := startSandbox(t, build(t, "."))
	server := startWatched(t, "http", "--addr", "127.0.0.1:0", "--api-url", platform, "--caller-rate", "0", "--log-level", "info",
		"--log-file", filepath.Join(t.TempDir(), "log"), "--admin-addr", "127.0.0.1:0")
	log := server.cmd.Args[slices.Index(server.cmd.Args, "--log-file")+1]
	var url string
	eventually(t, func() (err error) {
		url, err = listening(log)
		return err
	})

	until := time.Now().Add(*soak)
	var calls atomic.Int64
	var working sync.WaitGroup
	for i := range clients {
		c := &soaker{t: t, calls: &calls, remote: remote{client: newClient(t), url: url + "/mcp", name: fmt.Sprintf("soak-%d", i)}}
		if i < overSSE {
			c.sse = url + "/sse"
		}
		working.Go(func() { c.work(t.Context(), until) })
	}
	quarter, end := watchMemory(t, server.cmd.Process.Pid, *soak)
	working.Wait()
	if t.Failed() {
		return
	}

	if err := server.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := server.wait(15 * time.Second); err != nil {
		t.Errorf("%v\n%s", err, server.output)
	}
	server.wantQuiet()
	growth := float64(end)/float64(quarter) - 1
	t.Logf("%d calls in %s, none failed; RSS %.1f MiB after a quarter, %.1f MiB at the end (%+.1f %%)",
		calls.Load(), *soak, float64(quarter)/1024, float64(end)/1024, 100*growth)
	if *soak >= 30*time.Second && growth > 0.1 {
		t.Error("it takes ever more memory")
	}
}

// startWatched starts the command within this program, which looks for
// goroutines that are left when it ends.
func startWatched(t *testing.T, args ...string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := polt(t, self, args...)
	cmd.Args[0] = "polt-mcp-watched"
	return start(t, cmd)
}

// listening returns the URL that a server has logged.
func listening(log string) (string, error) {
	text, err := os.ReadFile(log)
	if err != nil {
		return "", err
	}
	_, addr, found := strings.Cut(string(text), `"addr":"`)
	if !found {
		return "", fmt.Errorf("%s: no address: %s", log, text)
	}
	addr, _, _ = strings.Cut(addr, `"`)
	return "http://" + addr, nil
}

// soaker is a client that makes all kinds of calls.
type soaker struct {
	remote
	t     *testing.T
	calls *atomic.Int64
	sse   string         // the URL of /sse, if that is how it calls
	over  *client.Client // while it is connected to it
}

func (c *soaker) work(ctx context.Context, until time.Time) {
	if err := c.register(ctx); err != nil {
		c.t.Error(err)
		return
	}
	projects, err := c.ids(ctx, "list_projects", "projects", nil)
	if err != nil {
		c.t.Error(err)
		return
	}
	voting, err := c.ids(ctx, "list_projects", "projects", map[string]any{"status": "voting"})
	if err != nil {
		c.t.Error(err)
		return
	}
	// Replies pile up in one project, which is not read: its answers grow.
	projects = slices.DeleteFunc(projects, func(id string) bool { return id == voting[0] })
	for i := 0; time.Now().Before(until); i++ {
		// Now and then a client comes anew.
		if i%100 == 0 {
			c.client.CloseIdleConnections()
			if err := c.reconnect(ctx); err != nil {
				c.t.Errorf("%s: %v", c.name, err)
				return
			}
		}
		tool, arguments, fails := "list_tasks", map[string]any{"limit": strconv.Itoa(1 + i%50)}, false
		switch i % 13 {
		case 0:
			tool, arguments = "list_projects", nil
		case 1:
			tool, arguments = "verify_key", nil
		case 2:
			tool, arguments = "update_profile", map[string]any{"bio": fmt.Sprintf("For the %dth time.", i)}
		case 3:
			tool, arguments = "get_agent", map[string]any{"username": c.name}
		case 4:
			tool, arguments = "vote_on_project", map[string]any{"project_id": voting[0], "value": 1}
		case 5:
			tool, arguments = "get_leaderboard", map[string]any{"limit": 10, "detail": "full"}
		case 6:
			tool, arguments = "get_project", map[string]any{"project_id": projects[i%len(projects)]}
		case 7: // what is refused must leave nothing either
			tool, arguments, fails = "get_task", map[string]any{"task_id": "no-such-task"}, true
		case 8:
			tool, arguments, fails = "list_tasks", map[string]any{"limit": "many"}, true
		case 9:
			if i%10 == 0 {
				tool, arguments = "reply_to_project", map[string]any{"project_id": voting[0], "body": "Again."}
			}
		}
		if err := c.make(ctx, tool, arguments, fails); err != nil {
			c.t.Errorf("%s: %s: %v", c.name, tool, err)
			return
		}
		c.calls.Add(1)
	}
	if c.over != nil {
		_ = c.over.Close()
	}
}

// make makes a call, which must fail, or must not.
func (c *soaker) make(ctx context.Context, tool string, arguments any, fails bool) error {
	if c.over != nil {
		result, err := c.over.CallTool(ctx, mcp.CallToolRequest{Params: mcp.CallToolParams{Name: tool, Arguments: arguments}})
		if err == nil && result.IsError != fails {
			err = fmt.Errorf("%v", result.Content)
		}
		return err
	}
	_, err := c.call(ctx, tool, arguments)
	if fails {
		if err == nil {
			return fmt.Errorf("did not fail")
		}
		if strings.Contains(err.Error(), `"isError":true`) {
			return nil
		}
	}
	return err
}

func (c *soaker) reconnect(ctx context.Context) error {
	if c.sse == "" {
		return nil
	}
	if c.over != nil {
		_ = c.over.Close()
	}
	var err error
	if c.over, err = client.NewSSEMCPClient(c.sse, transport.WithHeaders(map[string]string{"Authorization": "Bearer " + c.key})); err != nil {
		return err
	}
	if err := c.over.Start(ctx); err != nil {
		return err
	}
	_, err = c.over.Initialize(ctx, mcp.InitializeRequest{})
	return err
}

// watchMemory returns how many KiB of memory a process has after a quarter of
// a time, and at its end: the median of a tenth of the time each, as garbage
// comes and goes. Where there is no /proc, it is nothing.
func watchMemory(t *testing.T, pid int, limit time.Duration) (quarter, end int) {
	t.Helper()
	const samples = 100
	tick := time.NewTicker(limit / samples)
	defer tick.Stop()
	var all []int
	for range samples - 2 {
		<-tick.C
		kib, err := rss(pid)
		if err != nil {
			t.Logf("memory is not watched: %v", err)
			return 0, 0
		}
		all = append(all, kib)
	}
	t.Logf("RSS in MiB: %v", deciles(all))
	median := func(some []int) int {
		some = slices.Sorted(slices.Values(some))
		return some[len(some)/2]
	}
	return median(all[samples/4 : samples/4+samples/10]), median(all[len(all)-samples/10:])
}

func deciles(kib []int) []int {
	var mib []int
	for i := 0; i < len(kib); i += len(kib) / 10 {
		mib = append(mib, kib[i]/1024)
	}
	return mib
}
