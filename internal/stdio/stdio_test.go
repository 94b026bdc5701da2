package stdio_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
	"go.uber.org/goleak"

	"github.com/openpolt/polt-mcp/internal/rpc"
	"github.com/openpolt/polt-mcp/internal/stdio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must come; it is never waited for
// when all is well.
const patience = 20 * time.Second

type handler = server.ToolHandlerFunc

func newServer(tools map[string]handler) *server.MCPServer {
	s := server.NewMCPServer("test", "1", server.WithToolCapabilities(false))
	for name, h := range tools {
		s.AddTool(mcp.Tool{Name: name, RawInputSchema: json.RawMessage(`{"type":"object","properties":{}}`)}, h)
	}
	return s
}

func text(s string) *mcp.CallToolResult {
	return &mcp.CallToolResult{Content: []mcp.Content{mcp.NewTextContent(s)}}
}

func echo(_ context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	return text(string(r.Params.RawArguments)), nil
}

// message is any message of the server.
type message struct {
	JSONRPC string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params"`
	Result  json.RawMessage `json:"result"`
	Error   *struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// peer is the client's end of a session.
type peer struct {
	t     *testing.T
	in    *io.PipeWriter
	lines chan string
	done  chan error
	once  sync.Once
	stop  context.CancelFunc
}

// dispatcher returns a dispatcher of a server.
func dispatcher(s *server.MCPServer) *rpc.Dispatcher {
	return rpc.NewDispatcher(rpc.Options{Server: s})
}

// serve begins a session that ends with the test at the latest.
func serve(t *testing.T, s *server.MCPServer, o stdio.Options) *peer {
	t.Helper()
	return serveWith(t, rpc.Options{Server: s}, o)
}

func serveWith(t *testing.T, d rpc.Options, o stdio.Options) *peer {
	t.Helper()
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	p := &peer{t: t, in: inW, lines: make(chan string, 10000), done: make(chan error, 1), stop: cancel}
	go func() {
		p.done <- stdio.Serve(ctx, rpc.NewDispatcher(d), inR, outW, o)
		_ = outW.Close()
		_ = inR.Close()
	}()
	go func() {
		defer close(p.lines)
		r := bufio.NewReader(outR)
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			p.lines <- line
		}
	}()
	t.Cleanup(func() { p.close(); cancel() })
	return p
}

func (p *peer) send(lines ...string) {
	p.t.Helper()
	for _, line := range lines {
		if _, err := io.WriteString(p.in, line+"\n"); err != nil {
			p.t.Fatal(err)
		}
	}
}

// next returns the next message.
func (p *peer) next() message {
	p.t.Helper()
	select {
	case line, ok := <-p.lines:
		if !ok {
			p.t.Fatal("the session has ended")
		}
		return decode(p.t, line)
	case <-time.After(patience):
		p.t.Fatal("no message came")
	}
	panic("unreachable")
}

func decode(t *testing.T, line string) message {
	t.Helper()
	var m message
	if err := json.Unmarshal([]byte(line), &m); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	if m.JSONRPC != "2.0" {
		t.Fatalf("not JSON-RPC: %s", line)
	}
	return m
}

// close ends the input and waits for the end of the session. It returns the
// messages that had not been read.
func (p *peer) close() []message {
	p.t.Helper()
	_ = p.in.Close()
	p.once.Do(func() {
		select {
		case err := <-p.done:
			if err != nil {
				p.t.Error(err)
			}
		case <-time.After(patience):
			p.t.Fatal("the session did not end")
		}
	})
	var rest []message
	for line := range p.lines {
		rest = append(rest, decode(p.t, line))
	}
	return rest
}

func call(id, tool string) string {
	return `{"jsonrpc":"2.0","id":` + id + `,"method":"tools/call","params":{"name":"` + tool + `","arguments":{}}}`
}

func initialize(version string) string {
	return `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"` + version + `","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`
}

func contains(t *testing.T, s, part string) {
	t.Helper()
	if !strings.Contains(s, part) {
		t.Errorf("%q has no %q", s, part)
	}
}
