package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"

	"github.com/mark3labs/mcp-go/mcp"
)

// demoHost is an MCP host with one server, a child process, and one request at
// a time. mcp-go's client would add as much to the binary as all prompts and
// resources.
type demoHost struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	id  int
	// updated counts the notifications about changed resources.
	updated int
}

// startHost starts the server, which ends with ctx at the latest.
func startHost(cmd *exec.Cmd) (*demoHost, error) {
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &demoHost{cmd: cmd, in: in, out: bufio.NewReader(out)}, cmd.Start()
}

// close ends the session and returns the server's exit error.
func (h *demoHost) close() error {
	return errors.Join(h.in.Close(), h.cmd.Wait())
}

// request makes a request and decodes its result.
func (h *demoHost) request(method string, params, result any) error {
	h.id++
	if err := h.send(map[string]any{"jsonrpc": mcp.JSONRPC_VERSION, "id": h.id, "method": method, "params": params}); err != nil {
		return err
	}
	for {
		m, err := h.receive()
		if err != nil {
			return fmt.Errorf("%s: %w", method, err)
		}
		switch {
		case m.ID != h.id:
		case m.Error != nil:
			return fmt.Errorf("%s: %s", method, m.Error.Message)
		default:
			return json.Unmarshal(m.Result, result)
		}
	}
}

// awaitUpdate waits for a resource notification, unless one has arrived since
// the last call.
func (h *demoHost) awaitUpdate() error {
	for h.updated == 0 {
		if _, err := h.receive(); err != nil {
			return err
		}
	}
	h.updated = 0
	return nil
}

func (h *demoHost) send(message any) error {
	line, err := json.Marshal(message)
	if err != nil {
		return err
	}
	_, err = h.in.Write(append(line, '\n'))
	return err
}

// hostMessage is a message from the server. A notification has no id.
type hostMessage struct {
	ID     int
	Method string
	Result json.RawMessage
	Error  *struct{ Message string }
}

func (h *demoHost) receive() (m hostMessage, err error) {
	line, err := h.out.ReadBytes('\n')
	if err != nil {
		return m, fmt.Errorf("the server has ended: %w", err)
	}
	if err := json.Unmarshal(line, &m); err != nil {
		return m, fmt.Errorf("the server's message is not JSON: %w", err)
	}
	if m.Method == mcp.MethodNotificationResourceUpdated {
		h.updated++
	}
	return m, nil
}
