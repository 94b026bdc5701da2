package main_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var loadTime = flag.Duration("load", 3*time.Second, "how long TestLoad attacks a server")

const (
	loadMemory  = 256 << 20
	loadHonest  = 10
	loadHostile = 500
	loadPace    = 2 * time.Second // from one attack of a caller to the next
	// loadPatience is how long an honest call may take while the server is
	// attacked, beside what it takes on a server that is not.
	loadPatience = 2 * time.Second
)

// TestLoad has 500 hostile callers attack a server that may take 256 MiB, beside
// 10 honest ones:
//
//	go test ./cmd/polt-mcp -run TestLoad -load 30s
//
// The server stays within its memory, no honest call fails or takes more than
// 2 s, and when the attack is over the memory comes back. How busy the machine is
// tells another server, which is not attacked and is called meanwhile.
func TestLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	command := build(t, ".")
	attacked := startLoaded(t, command)
	other := startLoaded(t, command)
	addr := strings.TrimSuffix(strings.TrimPrefix(attacked.url, "http://"), "/mcp")
	honest := attacked.agents(t, loadHonest)
	control := other.agents(t, 1)

	ctx, stop := context.WithTimeout(t.Context(), *loadTime)
	defer stop()
	var hostile, working sync.WaitGroup
	for i := range loadHostile {
		attack := attacks[i%len(attacks)]
		hostile.Go(func() {
			// As much as a network brings: on loopback, the attackers would take all of
			// the machine's time.
			for pause := time.Duration(i) * loadPace / loadHostile; wait(ctx, pause); pause = loadPace {
				attack(ctx, addr, fmt.Sprintf("polt_made_up_%06d", i))
			}
		})
	}
	var calls, slowest, unattacked atomic.Int64
	work := func(agent *remote, slowest *atomic.Int64) {
		for wait(ctx, 100*time.Millisecond) { // as an agent does, which thinks between its calls
			begun := time.Now()
			if _, err := agent.call(t.Context(), "list_tasks", map[string]any{"limit": 5}); err != nil {
				t.Errorf("%s: an honest call: %v", agent.name, err)
				return
			}
			calls.Add(1)
			most(slowest, int64(time.Since(begun)))
		}
	}
	for _, agent := range honest {
		working.Go(func() { work(agent, &slowest) })
	}
	working.Go(func() { work(control[0], &unattacked) })
	var memory atomic.Int64
	for wait(ctx, 50*time.Millisecond) {
		most(&memory, residentMemory(t, attacked.process.cmd.Process.Pid))
	}
	working.Wait()
	hostile.Wait()
	took, elsewhere := time.Duration(slowest.Load()), time.Duration(unattacked.Load())
	t.Logf("%d honest calls, the slowest took %s, and %s where nobody attacks; %d MiB at most", calls.Load(), took.Round(time.Millisecond), elsewhere.Round(time.Millisecond), memory.Load()>>20)
	if memory.Load() > loadMemory {
		t.Errorf("the server took %d MiB", memory.Load()>>20)
	}
	if calls.Load() < loadHonest {
		t.Error("hardly an honest call was made")
	}
	if took > loadPatience+2*elsewhere { // fewer calls are made there, so that the slowest is seldom among them
		t.Errorf("an honest call took %s", took)
	}
	// What is not used is given back within some minutes by itself, and what is
	// reachable is gone as soon as the callers are.
	eventually(t, func() error {
		if heap := heapInUse(t, honest[0], addr); heap > loadMemory/4 {
			return fmt.Errorf("%d MiB of the heap are in use after the attack", heap>>20)
		}
		return nil
	})
}

// loaded is a server on a platform of its own.
type loaded struct {
	process *process
	url     string
}

func startLoaded(t *testing.T, command string) *loaded {
	t.Helper()
	process := start(t, polt(t, command, "http", "--addr", "127.0.0.1:0", "--api-url", startSandbox(t, command), "--max-memory", "256MiB"))
	return &loaded{process, process.prints(`polt-mcp on (\S+)`, 0)[0]}
}

// agents registers agents.
func (l *loaded) agents(t *testing.T, n int) []*remote {
	t.Helper()
	agents := make([]*remote, n)
	for i := range agents {
		agents[i] = &remote{client: newClient(t), url: l.url, name: fmt.Sprintf("honest-%d", i)}
		if err := agents[i].register(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return agents
}

// wait waits, and reports whether ctx goes on.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// attacks are what hostile callers do, until they are refused or ctx is done.
var attacks = []func(ctx context.Context, addr, key string){slowBody, unreadAnswers, hugeBatch, subscriptionFlood, unreadStream}

// dial returns a connection that is closed when ctx is done.
func dial(ctx context.Context, addr string) (net.Conn, bool) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil { // the server has enough connections
		return nil, false
	}
	context.AfterFunc(ctx, func() { _ = conn.Close() })
	return conn, true
}

// head returns the head of a request.
func head(path, key string, length int, extra string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"+
		"Accept: application/json, text/event-stream\r\nContent-Length: %d\r\n%s\r\n", path, key, length, extra)
}

// slowBody sends most of a large body, and the rest byte by byte.
func slowBody(ctx context.Context, addr, key string) {
	conn, ok := dial(ctx, addr)
	if !ok {
		return
	}
	defer conn.Close()
	const size = 4 << 20
	if _, err := io.WriteString(conn, head("/mcp", key, size, "")); err != nil {
		return
	}
	chunk := bytes.Repeat([]byte(" "), 64<<10)
	for sent := 0; sent < size-len(chunk); sent += len(chunk) {
		if _, err := conn.Write(chunk); err != nil {
			return
		}
	}
	for wait(ctx, 200*time.Millisecond) {
		if _, err := conn.Write(chunk[:1]); err != nil {
			return
		}
	}
}

// largeAsk asks for the largest answer that the platform has.
const largeAsk = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_tasks","arguments":{"limit":100,"detail":"full"}}}`

// unreadAnswers asks for large answers again and again, and reads none.
func unreadAnswers(ctx context.Context, addr, key string) {
	conn, ok := dial(ctx, addr)
	if !ok {
		return
	}
	defer conn.Close()
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetReadBuffer(4 << 10)
	}
	_ = conn.SetWriteDeadline(time.Now().Add(2 * time.Second))
	for ctx.Err() == nil {
		if _, err := io.WriteString(conn, head("/mcp", key, len(largeAsk), "")+largeAsk); err != nil {
			break
		}
	}
}

// hugeBatch sends as many messages as fit into one.
func hugeBatch(ctx context.Context, addr, key string) {
	const ask = `{"jsonrpc":"2.0","id":1,"method":"tools/list"},`
	body := "[" + strings.Repeat(ask, 80_000)
	body = body[:len(body)-1] + "]"
	exchange(ctx, addr, head("/mcp", key, len(body), "Mcp-Protocol-Version: 2025-03-26\r\n")+body)
}

// subscriptionFlood listens to as many things as it may.
func subscriptionFlood(ctx context.Context, addr, key string) {
	uris := make([]string, 100)
	for i := range uris {
		uris[i] = fmt.Sprintf("polt://tasks/%s-%d", key, i)
	}
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": map[string]any{
		"notifications": map[string]any{"resourceSubscriptions": uris},
		"_meta":         map[string]any{"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": struct{}{}},
	}})
	if err != nil {
		panic(err)
	}
	exchange(ctx, addr, head("/mcp", key, len(body), "Mcp-Protocol-Version: 2026-07-28\r\nMcp-Method: subscriptions/listen\r\n")+string(body))
}

// unreadStream opens a stream of SSE, asks for large answers on it, and reads none.
func unreadStream(ctx context.Context, addr, key string) {
	conn, ok := dial(ctx, addr)
	if !ok {
		return
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := fmt.Fprintf(conn, "GET /sse HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\nAccept: text/event-stream\r\n\r\n", key); err != nil {
		return
	}
	lines := bufio.NewReaderSize(conn, 1<<10)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		if endpoint, ok := strings.CutPrefix(strings.TrimSpace(line), "data: "); ok {
			for range 20 {
				exchange(ctx, addr, head(endpoint, key, len(largeAsk), "Connection: close\r\n")+largeAsk)
			}
			break
		}
	}
	wait(ctx, loadPace)
}

// exchange sends a request and reads what comes, for a while.
func exchange(ctx context.Context, addr, request string) {
	conn, ok := dial(ctx, addr)
	if !ok {
		return
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.WriteString(conn, request); err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, conn)
}

// heapInUse returns how many bytes a server's metrics say that its heap has in
// use.
func heapInUse(t *testing.T, through *remote, addr string) int {
	t.Helper()
	resp, err := through.client.Get("http://" + addr + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "go_memstats_heap_inuse_bytes "); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				t.Fatal(err)
			}
			return int(n)
		}
	}
	t.Fatalf("no go_memstats_heap_inuse_bytes: %.2000s", text)
	return 0
}
