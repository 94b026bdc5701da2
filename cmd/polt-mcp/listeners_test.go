package main_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// pacedTask is a platform with one task, which is another at each read. All
// reads but the first wait until the test lets one go.
type pacedTask struct {
	begun, answered atomic.Int64
	release         chan struct{}
}

func (p *pacedTask) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p.begun.Add(1) > 1 {
		select {
		case <-p.release:
		case <-r.Context().Done():
			return
		}
	}
	_, _ = fmt.Fprintf(w, `{"id":"t","version":%d}`, p.answered.Add(1))
}

// listen posts a subscriptions/listen and returns the stream's lines, without
// those before its acknowledgement.
func (r *remote) listen(ctx context.Context, uri string) (*bufio.Scanner, error) {
	const message = `{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{"resourceSubscriptions":[%q]},` +
		`"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url, strings.NewReader(fmt.Sprintf(message, uri)))
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "Accept": "application/json, text/event-stream",
		"Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": "subscriptions/listen",
	} {
		req.Header.Set(name, value)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(resp.Body)
	return lines, await(lines, "notifications/subscriptions/acknowledged")
}

// get returns what a server has at a path.
func (r *remote) get(t *testing.T, path string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.TrimSuffix(r.url, "/mcp")+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// await reads to the line that has a text.
func await(lines *bufio.Scanner, text string) error {
	for lines.Scan() {
		if strings.Contains(lines.Text(), text) {
			return nil
		}
	}
	return fmt.Errorf("the stream has ended without %s: %w", text, lines.Err())
}

func TestThousandListenersCostOneRequestAnInterval(t *testing.T) {
	t.Parallel()
	const listeners, changes = 1000, 5
	platform := &pacedTask{release: make(chan struct{})}
	upstream := httptest.NewServer(platform)
	t.Cleanup(upstream.Close)
	server := start(t, polt(t, build(t, "."), "http", "--addr", "127.0.0.1:0", "--api-url", upstream.URL,
		"--max-memory", "2GiB", // of 1 GiB, one caller's share is some 800 streams
		"--watch-interval", "10ms", "--caller-in-flight", "0", "--caller-rate", "0", "--log-level", "info"))
	agent := &remote{client: &http.Client{Transport: &http.Transport{}}, url: "http://" + server.prints(`listening addr=(\S+)`, 0)[0] + "/mcp"}

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var streams [listeners]*bufio.Scanner
	each := func(do func(i int) error) {
		t.Helper()
		var all sync.WaitGroup
		var failed atomic.Pointer[error]
		for i := range listeners {
			all.Go(func() {
				if err := do(i); err != nil {
					failed.CompareAndSwap(nil, &err)
				}
			})
		}
		all.Wait()
		if err := failed.Load(); err != nil {
			t.Fatal(*err)
		}
	}
	each(func(i int) (err error) {
		streams[i], err = agent.listen(ctx, "polt://tasks/t")
		return err
	})
	if metrics := agent.get(t, "/metrics"); !strings.Contains(metrics, "\npolt_mcp_watches 1000\n") {
		t.Errorf("the metrics do not tell of the watches: %s", metrics)
	}
	for range changes {
		platform.release <- struct{}{}
		each(func(i int) error { return await(streams[i], "notifications/resources/updated") })
	}
	if n := platform.answered.Load(); n != 1+changes {
		t.Errorf("%d reads for %d changes and %d listeners", n, changes, listeners)
	}

	// It ends with them open, at once and in good order.
	if err := server.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	each(func(i int) error { return await(streams[i], `"resultType":"complete"`) })
	close(platform.release)
	if err := server.wait(20 * time.Second); err != nil {
		t.Errorf("%v: %s", err, server.output)
	}
}
