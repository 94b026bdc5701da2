package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/mcp"
)

// TestCopiesBehindHAProxy drives agents through deploy/haproxy, while the three
// copies behind it are ended and started again, one after the other. Told to
// end, a copy must lose no call. Killed, it may lose those that it had in hand,
// and nothing is written twice.
func TestCopiesBehindHAProxy(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 20 s")
	}
	haproxy, err := exec.LookPath("haproxy")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("haproxy is missing")
		}
		t.Skip("haproxy is missing; Debian's package has the same name")
	}
	t.Parallel()
	const agents = 32
	command := build(t, ".")
	platform := startSandbox(t, command)
	c := &cluster{t: t, command: command, platform: platform}
	for range 3 {
		c.copies = append(c.copies, &serverCopy{addr: freeAddr(t), log: filepath.Join(t.TempDir(), "log")})
	}
	for _, copy := range c.copies {
		c.start(copy)
	}
	c.startBalancer(haproxy)

	t.Run("Address", c.logsTheCaller)
	load := startLoad(t, c.url+"/mcp", agents)
	t.Run("SSE", func(t *testing.T) { listOverSSE(t, c.url+"/sse") })

	for i := range c.copies {
		before := load.calls()
		if err := c.copies[i].process.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := c.copies[i].process.wait(15 * time.Second); err != nil {
			t.Errorf("copy %d: %v", i+1, err)
		}
		c.copies[i].process.wantQuiet()
		c.restart(i)
		load.progress()
		t.Logf("copy %d told to end and started again: 0 of %d calls may fail", i+1, load.calls()-before)
		if failures := load.failures(); len(failures) > 0 {
			t.Fatalf("%d calls failed, the first: %v", len(failures), failures[0])
		}
	}

	killed := map[string]int{} // by the ids of the calls that failed then: the copy
	for i := range c.copies {
		calls, failures := load.calls(), len(load.failures())
		log := len(c.balancer.output.String())
		if err := c.copies[i].process.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = c.copies[i].process.wait(5 * time.Second)
		dead := time.Now()
		c.balancer.prints(fmt.Sprintf(`Server streamable/copy%d is DOWN`, i+1), log)
		load.progress()
		c.restart(i)
		load.progress()
		lost := load.failures()[failures:]
		t.Logf("copy %d killed and started again: %d of %d calls failed", i+1, len(lost), load.calls()-calls)
		for _, f := range lost {
			killed[f.id] = i + 1
			if f.began.After(dead.Add(100 * time.Millisecond)) { // as long as HAProxy may take to see it
				t.Errorf("it was dead at %s, and a later call failed: %v", dead.Format(time.StampMilli), f)
			}
		}
	}

	load.stop()
	load.checkReplies(platform)
	// Each copy has logged the calls that it has answered: none was made twice,
	// and none that failed was in other hands than those of a killed copy.
	answered := c.answered()
	for id, by := range answered {
		if len(by) > 1 {
			t.Errorf("the call %s was answered by the copies %v", id, by)
		}
	}
	for _, f := range load.failures() {
		if by := answered[f.id]; len(by) > 0 && by[0] != killed[f.id] {
			t.Errorf("copy %d had answered a call that failed as copy %d was killed: %v", by[0], killed[f.id], f)
		}
	}
	if n := load.calls() - len(load.failures()); len(answered) < n {
		t.Errorf("%d calls succeeded, and %d are in the logs", n, len(answered))
	}
}

// cluster is copies of the server behind a load balancer, on one platform.
type cluster struct {
	t                 *testing.T
	command, platform string
	copies            []*serverCopy
	balancer          *process
	url               string
}

type serverCopy struct {
	addr, log string
	process   *process
}

func (c *cluster) start(copy *serverCopy) {
	c.t.Helper()
	copy.process = start(c.t, polt(c.t, c.command, "http", "--addr", copy.addr, "--api-url", c.platform,
		"--shutdown-delay", "1500ms", "--caller-rate", "0", "--trusted-proxy", "127.0.0.1", "--log-level", "info", "--log-file", copy.log))
}

// restart starts copy i again, and waits until it is sent calls.
func (c *cluster) restart(i int) {
	c.t.Helper()
	log := len(c.balancer.output.String())
	c.start(c.copies[i])
	c.balancer.prints(fmt.Sprintf(`Server streamable/copy%d is UP`, i+1), log)
}

// logsTheCaller calls from an address of its own, and pretends to be elsewhere:
// the copies must log the address that HAProxy saw.
func (c *cluster) logsTheCaller(t *testing.T) {
	transport := &http.Transport{DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}).DialContext}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.url+"/mcp", strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"ping"}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "X-Request-Id": "who-am-i",
		"X-Forwarded-For": "203.0.113.66", "Forwarded": "for=203.0.113.66",
	} {
		req.Header.Set(name, value)
	}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	eventually(t, func() error {
		for _, copy := range c.copies {
			log, err := os.ReadFile(copy.log)
			if err != nil {
				return err
			}
			for line := range bytes.Lines(log) {
				if !bytes.Contains(line, []byte(`"request_id":"who-am-i"`)) {
					continue
				}
				if !bytes.Contains(line, []byte(`"client":"addr:127.0.0.2","address":"127.0.0.2"`)) {
					t.Errorf("%s", line)
				}
				return nil
			}
		}
		return errors.New("no copy has logged the request")
	})
}

// answered returns the copies that have logged each call, by the ids that the
// callers gave them.
func (c *cluster) answered() map[string][]int {
	c.t.Helper()
	answered := map[string][]int{}
	for i, copy := range c.copies {
		log, err := os.ReadFile(copy.log)
		if err != nil {
			c.t.Fatal(err)
		}
		for line := range bytes.Lines(log) {
			var entry struct {
				Message   string
				RequestID string `json:"request_id"`
			}
			// Killed, a copy may leave a line that is cut off.
			if json.Unmarshal(line, &entry) == nil && entry.Message == "request" {
				answered[entry.RequestID] = append(answered[entry.RequestID], i+1)
			}
		}
	}
	return answered
}

func (c *cluster) startBalancer(haproxy string) {
	c.t.Helper()
	addr := freeAddr(c.t)
	config := filepath.Join("..", "..", "deploy", "haproxy", "haproxy.cfg")
	cmd := exec.Command(haproxy, "-db", "-f", config)
	cmd.Env = []string{"TZ=UTC", "POLT_BIND=" + addr}
	for i, copy := range c.copies {
		cmd.Env = append(cmd.Env, fmt.Sprintf("POLT_COPY_%d=%s", i+1, copy.addr))
		eventually(c.t, func() error { return get("http://"+copy.addr+"/readyz", nil) })
	}
	c.balancer, c.url = start(c.t, cmd), "http://"+addr
	eventually(c.t, func() error {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			_ = conn.Close()
		}
		return err
	})
	for _, path := range []string{"/metrics", "/readyz", "/healthz", "/"} {
		if resp, err := http.Get(c.url + path); err != nil || resp.StatusCode != http.StatusNotFound {
			c.t.Errorf("GET %s of callers: %v, %v", path, resp, err)
		} else {
			_ = resp.Body.Close()
		}
	}
}

// freeAddr returns an address that a server can take again and again: outgoing
// connections get their ports from 32768 on.
func freeAddr(tb testing.TB) string {
	for range 1000 {
		addr := "127.0.0.1:" + strconv.Itoa(20000+rand.IntN(12000))
		if l, err := net.Listen("tcp", addr); err == nil {
			_ = l.Close()
			return addr
		}
	}
	tb.Fatal("no port is free")
	return ""
}

// eventually tries until there is no error.
func eventually(tb testing.TB, try func() error) {
	tb.Helper()
	timeout := time.After(20 * time.Second)
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-again.C:
		case <-timeout:
			tb.Fatal(err)
		}
	}
}

func get(url string, into any) error {
	resp, err := http.Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, resp.Status)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

func listOverSSE(t *testing.T, url string) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for range 5 { // with more copies than one, a message would miss its stream
		c, err := client.NewSSEMCPClient(url)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Initialize(ctx, mcp.InitializeRequest{}); err != nil {
			t.Fatal(err)
		}
		if list, err := c.ListTools(ctx, mcp.ListToolsRequest{}); err != nil || len(list.Tools) != 20 {
			t.Fatal(list, err)
		}
		_ = c.Close()
	}
}

// load is agents that make calls until they are stopped.
type load struct {
	t       *testing.T
	agents  []*loadAgent
	cancel  context.CancelFunc
	working sync.WaitGroup
	project string

	mu      sync.Mutex
	replies map[string]bool // by their text; whether they were acknowledged
	failed  []failure
	done    int
}

type loadAgent struct {
	remote
	done int // calls that succeeded; guarded by load.mu
}

type failure struct {
	id, tool string
	began    time.Time
	err      error
}

// startLoad registers agents and has them work.
func startLoad(t *testing.T, url string, agents int) *load {
	t.Helper()
	l := &load{t: t, replies: map[string]bool{}}
	http := newClient(t)
	var ctx context.Context
	ctx, l.cancel = context.WithCancel(t.Context())
	t.Cleanup(l.stop)
	for i := range agents {
		name := fmt.Sprintf("agent-%d", i)
		a := &loadAgent{remote: remote{client: http, url: url, name: name}}
		if err := a.register(ctx); err != nil {
			t.Fatal(err)
		}
		l.agents = append(l.agents, a)
	}
	projects, err := l.agents[0].ids(ctx, "list_projects", "projects", map[string]any{"status": "voting"})
	if err != nil {
		t.Fatal(err)
	}
	tasks, err := l.agents[0].ids(ctx, "list_tasks", "tasks", map[string]any{"status": "available"})
	if err != nil {
		t.Fatal(err)
	}
	l.project = projects[0]
	for i, a := range l.agents {
		l.working.Go(func() { l.work(ctx, a, tasks[i%len(tasks)]) })
	}
	return l
}

// work makes calls as an agent does: it reads, and at times it writes.
func (l *load) work(ctx context.Context, a *loadAgent, task string) {
	for i := 0; ctx.Err() == nil; i++ {
		tool, arguments := "get_task", map[string]any{"task_id": task}
		reply := ""
		switch i % 5 {
		case 0:
			reply = fmt.Sprintf("Reply %d of %s.", i, a.name)
			tool, arguments = "reply_to_project", map[string]any{"project_id": l.project, "body": reply}
		case 1:
			tool, arguments = "list_tasks", map[string]any{"limit": "10", "sort": "payout"}
		case 2:
			tool, arguments = "list_committed_tasks", map[string]any{"username": a.name}
		case 3:
			tool, arguments = "verify_key", nil
		}
		began := time.Now()
		_, err := a.call(ctx, tool, arguments)
		l.mu.Lock()
		l.done++
		switch {
		case err == nil:
			a.done++
		case ctx.Err() == nil:
			l.failed = append(l.failed, failure{a.requestID(), tool, began, err})
		}
		if reply != "" {
			l.replies[reply] = err == nil
		}
		l.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(5+rand.IntN(20)) * time.Millisecond):
		}
	}
}

func (l *load) failures() []failure {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}

func (l *load) calls() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.done
}

// progress waits until every agent has had three more calls answered.
func (l *load) progress() {
	l.t.Helper()
	counts := func() []int {
		l.mu.Lock()
		defer l.mu.Unlock()
		var counts []int
		for _, a := range l.agents {
			counts = append(counts, a.done)
		}
		return counts
	}
	before := counts()
	eventually(l.t, func() error {
		for i, n := range counts() {
			if n < before[i]+3 {
				return fmt.Errorf("%s has got no more answers; of all calls: %v", l.agents[i].name, l.failures())
			}
		}
		return nil
	})
}

func (l *load) stop() {
	l.cancel()
	l.working.Wait()
}

// checkReplies looks on the platform itself at what was written: each reply
// that was acknowledged is there once, and none is there twice.
func (l *load) checkReplies(platform string) {
	l.t.Helper()
	var project struct{ Replies []struct{ Body string } }
	if err := get(platform+"/api/projects/"+l.project, &project); err != nil {
		l.t.Fatal(err)
	}
	there := map[string]int{}
	for _, r := range project.Replies {
		there[r.Body]++
	}
	unknown := 0
	for reply, acknowledged := range l.replies {
		switch n := there[reply]; {
		case n > 1:
			l.t.Errorf("%q was written %d times", reply, n)
		case n == 0 && acknowledged:
			l.t.Errorf("%q was acknowledged, and is not there", reply)
		case !acknowledged:
			unknown++
		}
	}
	l.t.Logf("%d replies on the platform; %d calls to write one had no answer", len(project.Replies), unknown)
}
