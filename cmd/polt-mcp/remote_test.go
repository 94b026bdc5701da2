package main_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// process is a server as a child process.
type process struct {
	tb     testing.TB
	cmd    *exec.Cmd
	ended  chan struct{} // closed when it has ended, and err is set
	err    error
	output *output
}

// output is what a process has printed.
type output struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{} // closed at the next line
}

func (o *output) add(line []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(line)
	close(o.changed)
	o.changed = make(chan struct{})
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// end is the end of it, for a test that fails.
func (o *output) end() string {
	text := o.String()
	return text[max(0, len(text)-4000):]
}

// start starts a process, which ends with the test at the latest.
func start(tb testing.TB, cmd *exec.Cmd) *process {
	tb.Helper()
	p := &process{tb: tb, cmd: cmd, ended: make(chan struct{}), output: &output{changed: make(chan struct{})}}
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	read := make(chan struct{})
	go func() {
		defer close(read)
		lines := bufio.NewReader(r)
		for {
			line, err := lines.ReadBytes('\n')
			p.output.add(line)
			if err != nil {
				return
			}
		}
	}()
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	go func() {
		p.err = cmd.Wait()
		_ = w.Close()
		<-read
		close(p.ended)
	}()
	tb.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-p.ended
	})
	return p
}

// prints waits until the process has printed what the pattern matches, after
// the first from bytes, and returns what its groups match.
func (p *process) prints(pattern string, from int) []string {
	p.tb.Helper()
	re := regexp.MustCompile(pattern)
	timeout := time.After(30 * time.Second)
	for {
		p.output.mu.Lock()
		text, changed := p.output.text.String()[from:], p.output.changed
		p.output.mu.Unlock()
		if m := re.FindStringSubmatch(text); m != nil {
			return m[1:]
		}
		select {
		case <-changed:
		case <-p.ended:
			p.tb.Fatalf("%s has ended (%v) without printing %s:\n%s", p.cmd.Args, p.err, pattern, p.output.end())
		case <-timeout:
			p.tb.Fatalf("%s has not printed %s:\n%s", p.cmd.Args, pattern, p.output.end())
		}
	}
}

// wait waits for the process to end by itself, and returns what it ended with.
func (p *process) wait(limit time.Duration) error {
	p.tb.Helper()
	select {
	case <-p.ended:
		return p.err
	case <-time.After(limit):
		p.tb.Fatalf("%s has not ended in %s:\n%s", p.cmd.Args, limit, p.output.end())
		return nil
	}
}

// serves is all that a server prints where nothing is wrong.
var serves = regexp.MustCompile(`^polt-mcp on \S+\n$`)

// wantQuiet checks that a server has printed nothing but where it serves.
func (p *process) wantQuiet() {
	p.tb.Helper()
	if out := p.output.String(); !serves.MatchString(out) {
		p.tb.Errorf("%s has printed:\n%s", p.cmd.Args, out)
	}
}

// polt returns the built command with arguments, and with nobody's settings.
func polt(tb testing.TB, command string, args ...string) *exec.Cmd {
	cmd := exec.Command(command, args...)
	home := tb.TempDir()
	cmd.Env = []string{"HOME=" + home, "XDG_CONFIG_HOME=" + filepath.Join(home, ".config")}
	return cmd
}

// startSandbox starts a platform and returns its URL.
func startSandbox(tb testing.TB, command string, args ...string) string {
	tb.Helper()
	p := start(tb, polt(tb, command, append([]string{"sandbox", "--addr", "127.0.0.1:0"}, args...)...))
	return p.prints(`POLT sandbox on (\S+)`, 0)[0]
}

// remote is an agent that calls tools over streamable HTTP.
type remote struct {
	client *http.Client
	url    string
	name   string // which it registers with, and which its calls are told apart by
	key    string // if it has registered
	id     int    // of its last call
}

// requestID returns the id that its last call has in the server's log.
func (r *remote) requestID() string { return fmt.Sprintf("%s.%d", r.name, r.id) }

// newClient returns an HTTP client that keeps as many connections as are used.
func newClient(tb testing.TB) *http.Client {
	transport := &http.Transport{MaxIdleConnsPerHost: 1024}
	tb.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: time.Minute}
}

// call calls a tool and returns its answer. Whatever is not a tool's success
// is an error.
func (r *remote) call(ctx context.Context, tool string, arguments any) (json.RawMessage, error) {
	r.id++
	body, err := json.Marshal(map[string]any{
		"jsonrpc": "2.0", "id": r.id, "method": "tools/call",
		"params": map[string]any{"name": tool, "arguments": arguments},
	})
	if err != nil {
		return nil, err
	}
	answer, err := r.post(ctx, body)
	if err != nil {
		return nil, err
	}
	var m struct {
		ID     int
		Result *struct {
			IsError           bool
			StructuredContent json.RawMessage
		}
	}
	if err := json.Unmarshal(answer, &m); err != nil {
		return nil, fmt.Errorf("%w: %s", err, answer)
	}
	if m.ID != r.id || m.Result == nil || m.Result.IsError {
		return nil, fmt.Errorf("%s: %s", tool, answer)
	}
	return m.Result.StructuredContent, nil
}

// post posts a message and returns the answer.
func (r *remote) post(ctx context.Context, message []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url, bytes.NewReader(message))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	req.Header.Set("Mcp-Protocol-Version", "2025-11-25")
	req.Header.Set("X-Request-Id", r.requestID())
	if r.key != "" {
		req.Header.Set("Authorization", "Bearer "+r.key)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", resp.Status, answer)
	}
	return answer, nil
}

// register registers an agent, and goes on as that agent.
func (r *remote) register(ctx context.Context) error {
	answer, err := r.call(ctx, "register_agent", map[string]any{"username": r.name})
	if err != nil {
		return err
	}
	var registration struct {
		APIKey string `json:"api_key"`
	}
	if err := json.Unmarshal(answer, &registration); err != nil {
		return err
	}
	if !strings.HasPrefix(registration.APIKey, "polt_") {
		return fmt.Errorf("no key: %s", answer)
	}
	r.key = registration.APIKey
	return nil
}

// ids calls a tool that lists things and returns their ids.
func (r *remote) ids(ctx context.Context, tool, list string, arguments any) ([]string, error) {
	answer, err := r.call(ctx, tool, arguments)
	if err != nil {
		return nil, err
	}
	var lists map[string]json.RawMessage
	var things []struct{ ID string }
	if err := json.Unmarshal(answer, &lists); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(lists[list], &things); err != nil {
		return nil, err
	}
	ids := make([]string, len(things))
	for i, thing := range things {
		ids[i] = thing.ID
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("%s: nothing: %s", tool, answer)
	}
	return ids, nil
}
