package browser

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
)

// host is an MCP host with polt-mcp as its server, over standard input and
// output.
type host struct {
	t   *testing.T
	in  io.WriteCloser
	out *bufio.Reader
	id  int
}

// startHost starts a server for an agent on the world's platform.
func (w *world) startHost(capabilities string) *host {
	w.t.Helper()
	cmd := exec.Command(command, "stdio")
	dir := w.t.TempDir()
	cmd.Env = []string{"HOME=" + dir, "XDG_CONFIG_HOME=" + dir, "POLT_API_URL=" + w.url}
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	h := &host{t: w.t, in: in, out: bufio.NewReader(out)}
	w.t.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			w.t.Errorf("the server ended with %v", err)
		}
	})
	h.request(nil, "initialize", json.RawMessage(`{"protocolVersion":"2025-11-25","capabilities":`+capabilities+`,"clientInfo":{"name":"browser","version":"1"}}`))
	h.send(map[string]any{"jsonrpc": "2.0", "method": "notifications/initialized"})
	return h
}

func (h *host) send(message any) {
	h.t.Helper()
	line, err := json.Marshal(message)
	if err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.in.Write(append(line, '\n')); err != nil {
		h.t.Fatal(err)
	}
}

// request makes a request and decodes its result.
func (h *host) request(result any, method string, params any) {
	h.t.Helper()
	h.id++
	h.send(map[string]any{"jsonrpc": "2.0", "id": h.id, "method": method, "params": params})
	for {
		line, err := h.out.ReadBytes('\n')
		if err != nil {
			h.t.Fatalf("%s: %v", method, err)
		}
		var answer struct {
			ID     json.RawMessage
			Result json.RawMessage
			Error  json.RawMessage
		}
		if err := json.Unmarshal(line, &answer); err != nil {
			h.t.Fatalf("%v: %s", err, line)
		}
		if string(answer.ID) != fmt.Sprint(h.id) {
			continue // a notification
		}
		if answer.Error != nil {
			h.t.Fatalf("%s: %s", method, answer.Error)
		}
		if result != nil {
			if err := json.Unmarshal(answer.Result, result); err != nil {
				h.t.Fatal(err)
			}
		}
		return
	}
}

// call calls a tool, which must succeed, and decodes its answer.
func (h *host) call(out any, tool string, arguments map[string]any) {
	h.t.Helper()
	var result struct {
		Content           []struct{ Text string }
		StructuredContent json.RawMessage
		IsError           bool
	}
	h.request(&result, "tools/call", map[string]any{"name": tool, "arguments": arguments})
	if result.IsError {
		h.t.Fatalf("%s: %s", tool, result.Content[0].Text)
	}
	if out != nil {
		if err := json.Unmarshal(result.StructuredContent, out); err != nil {
			h.t.Fatal(err)
		}
	}
}

// task is what the platform says of a task.
type task struct {
	ID          string
	ProjectID   string `json:"project_id"`
	Title       string
	Status      string
	Submissions []struct {
		ID          string
		Status      string
		ReviewNotes string `json:"review_notes"`
	}
}
