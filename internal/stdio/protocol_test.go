package stdio_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/openpolt/polt-mcp/internal/rpc"
	"github.com/openpolt/polt-mcp/internal/stdio"
)

func TestHandshakeAgreesOnEachVersion(t *testing.T) {
	for _, v := range []string{"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"} {
		p := serve(t, newServer(nil), stdio.Options{})
		p.send(initialize(v))
		contains(t, string(p.next().Result), `"protocolVersion":"`+v+`"`)
		p.close()
	}
}

const modern = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"}}`

func TestModernRequestsNeedNoHandshake(t *testing.T) {
	p := serve(t, newServer(map[string]handler{"echo": echo}), stdio.Options{})
	p.send(`{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{` + modern + `}}`)
	contains(t, string(p.next().Result), `"2026-07-28"`)
	p.send(`{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{` + modern + `}}`)
	contains(t, string(p.next().Result), `"ttlMs"`)
	p.send(`{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"echo","arguments":{"a":1},` + modern + `}}`)
	m := p.next()
	contains(t, string(m.Result), `"resultType":"complete"`)
	contains(t, string(m.Result), `"_meta"`)
}

func TestWhatIsNoRequest(t *testing.T) {
	p := serve(t, newServer(map[string]handler{"echo": echo}), stdio.Options{})
	for line, code := range map[string]int{
		`{"jsonrpc":"2.0","id":1,`: mcp.PARSE_ERROR,
		"\xff\xfe":                 mcp.PARSE_ERROR,
		`[1,`:                      mcp.PARSE_ERROR,
		`[]`:                       mcp.INVALID_REQUEST,
		`7`:                        mcp.INVALID_REQUEST,
		`"a"`:                      mcp.INVALID_REQUEST,
		`{}`:                       mcp.INVALID_REQUEST,
		`{"jsonrpc":"2.0","id":null,"method":"ping"}`:    mcp.INVALID_REQUEST,
		`{"jsonrpc":"2.0","id":{"a":1},"method":"ping"}`: mcp.INVALID_REQUEST,
		`{"jsonrpc":"2.0","id":true,"method":"ping"}`:    mcp.INVALID_REQUEST,
		`{"jsonrpc":"1.0","id":1,"method":"ping"}`:       mcp.INVALID_REQUEST,
		`{"jsonrpc":"2.0","id":1,"method":"no/method"}`:  mcp.METHOD_NOT_FOUND,
		call("1", "no_tool"):                             mcp.INVALID_PARAMS,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call"}`: mcp.INVALID_PARAMS,
	} {
		p.send(line)
		if m := p.next(); m.Error == nil || m.Error.Code != code {
			t.Errorf("%s: %+v", line, m)
		}
	}
}

func TestWhatIsNotAnswered(t *testing.T) {
	p := serve(t, newServer(nil), stdio.Options{})
	p.send("", "  \r", `{"jsonrpc":"2.0","method":"notifications/initialized"}`, `{"jsonrpc":"2.0","method":"notifications/unknown"}`,
		`{"jsonrpc":"2.0","id":9,"result":{}}`, `{"jsonrpc":"2.0","id":9,"error":{"code":1,"message":"no"}}`,
		`{"jsonrpc":"2.0","method":"notifications/cancelled"}`, `[{"jsonrpc":"2.0","method":"notifications/initialized"}]`)
	if rest := p.close(); len(rest) > 0 {
		t.Errorf("answered: %+v", rest)
	}
}

func TestIDComesBackAsItWasWritten(t *testing.T) {
	p := serve(t, newServer(nil), stdio.Options{})
	for _, id := range []string{"0", "-1", "12345678901234567890", `"1"`, `"é\u00e9"`, `""`} {
		p.send(`{"jsonrpc":"2.0","id":` + id + `,"method":"ping"}` + "\r")
		if m := p.next(); string(m.ID) != id {
			t.Errorf("%s came back as %s", id, m.ID)
		}
	}
}

func TestByteOrderMarkIsSkipped(t *testing.T) {
	p := serve(t, newServer(nil), stdio.Options{})
	p.send("\ufeff" + `{"jsonrpc":"2.0","id":1,"method":"ping"}`)
	if m := p.next(); string(m.ID) != "1" || m.Result == nil {
		t.Errorf("%+v", m)
	}
}

func TestBatchOfTooManyIsRefused(t *testing.T) {
	p := serve(t, newServer(nil), stdio.Options{})
	ping := `{"jsonrpc":"2.0","id":1,"method":"ping"}`
	p.send(`[` + strings.Repeat(ping+",", rpc.MaxBatch) + ping + `]`)
	m := p.next()
	if m.Error == nil || m.Error.Code != mcp.INVALID_REQUEST {
		t.Fatalf("%+v", m)
	}
	contains(t, m.Error.Message, "exceeds the maximum of 50 messages")
}

func TestBatchIsAnsweredAsOne(t *testing.T) {
	p := serve(t, newServer(map[string]handler{"echo": echo}), stdio.Options{})
	p.send(`[` + call("1", "echo") + `,{"jsonrpc":"2.0","method":"notifications/initialized"},{"jsonrpc":"2.0","id":2,"method":"ping"},3]`)
	var answers []message
	if err := json.Unmarshal([]byte(<-p.lines), &answers); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, a := range answers {
		ids = append(ids, string(a.ID))
	}
	slices.Sort(ids)
	if strings.Join(ids, " ") != " 1 2" {
		t.Errorf("answers to %v", ids)
	}
}

func TestPanicIsAnErrorWithoutItsText(t *testing.T) {
	var told any
	s := newServer(map[string]handler{"bad": func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		panic("polt_secret")
	}})
	p := serveWith(t, rpc.Options{Server: s, OnPanic: func(p any) { told = p }}, stdio.Options{})
	p.send(call("1", "bad"))
	m := p.next()
	if m.Error == nil || m.Error.Code != mcp.INTERNAL_ERROR || strings.Contains(m.Error.Message, "secret") {
		t.Errorf("%+v", m.Error)
	}
	p.close()
	if told != "polt_secret" {
		t.Errorf("told of %v", told)
	}
}

func TestResultThatCannotBeEncodedIsAnError(t *testing.T) {
	p := serve(t, newServer(map[string]handler{"bad": func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return &mcp.CallToolResult{StructuredContent: make(chan int)}, nil
	}}), stdio.Options{})
	p.send(call("1", "bad"))
	if m := p.next(); m.Error == nil || string(m.ID) != "1" {
		t.Errorf("%+v", m)
	}
}

func TestEndOfContextEndsTheSessionWithinTheDrainTime(t *testing.T) {
	began := make(chan struct{})
	p := serve(t, newServer(map[string]handler{"slow": func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		close(began)
		<-ctx.Done()
		return text("cut off"), nil
	}}), stdio.Options{Drain: 500 * time.Millisecond})
	p.send(call("1", "slow"))
	<-began
	p.stop() // the input stays open
	m := p.next()
	contains(t, string(m.Result), "cut off")
	if err := <-p.done; err != nil {
		t.Error(err)
	}
	p.once.Do(func() {})
}

func TestHandlerThatNeverEndsDoesNotHoldTheSession(t *testing.T) {
	began, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	p := serve(t, newServer(map[string]handler{"deaf": func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		close(began)
		<-release
		return text("late"), nil
	}}), stdio.Options{Drain: 50 * time.Millisecond})
	p.send(call("1", "deaf"))
	<-began
	if rest := p.close(); len(rest) > 0 {
		t.Errorf("answered: %+v", rest)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestClientThatIsGoneEndsTheSession(t *testing.T) {
	in, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- stdio.Serve(context.Background(), dispatcher(newServer(nil)), in, brokenWriter{}, stdio.Options{})
	}()
	if _, err := io.WriteString(w, `{"jsonrpc":"2.0","id":1,"method":"ping"}`+"\n"); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err == nil || !strings.Contains(err.Error(), "broken pipe") {
		t.Errorf("the session ended with %v", err)
	}
	_ = w.Close()
}

// stalledWriter is a client that reads nothing. It may be written to once.
type stalledWriter struct{ stalled, release chan struct{} }

func (w stalledWriter) Write(p []byte) (int, error) {
	close(w.stalled)
	<-w.release
	return 0, errors.New("gone")
}

func TestClientThatDoesNotReadDoesNotHoldTheEnd(t *testing.T) {
	w := stalledWriter{make(chan struct{}), make(chan struct{})}
	defer close(w.release)
	err := stdio.Serve(context.Background(), dispatcher(newServer(nil)), strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"ping"}`), w,
		stdio.Options{Drain: 50 * time.Millisecond})
	if err != nil {
		t.Error(err)
	}
}

// endless is an input with the same line again and again.
type endless string

func (e endless) Read(p []byte) (int, error) { return copy(p, e), nil }

// Who takes in messages waits for the client to read, and must not be waited for.
func TestClientThatSendsAndDoesNotReadDoesNotHoldTheEnd(t *testing.T) {
	for _, line := range []string{`{"jsonrpc":"2.0","id":1,"method":"ping"}`, "garbage", "[]"} {
		ctx, cancel := context.WithCancel(t.Context())
		w := stalledWriter{make(chan struct{}), make(chan struct{})}
		done := make(chan error, 1)
		go func() {
			done <- stdio.Serve(ctx, dispatcher(newServer(nil)), endless(line+"\n"), w, stdio.Options{Drain: 50 * time.Millisecond})
		}()
		<-w.stalled
		awaitStalledIntake(t)
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(patience):
			t.Fatalf("%s: the session did not end", line)
		}
		close(w.release)
	}
}

// stalledIntake matches the stack of what takes in messages while it waits.
var stalledIntake = regexp.MustCompile(`(?s)\[(select|chan send)[^\n]*\]:\n[^\n]*internal/rpc\..*internal/stdio\.read\(`)

// awaitStalledIntake waits until no more messages are taken in, which nothing
// outside tells.
func awaitStalledIntake(t *testing.T) {
	t.Helper()
	stacks := make([]byte, 1<<22) // there are thousands of goroutines
	for end := time.Now().Add(patience); time.Now().Before(end); {
		for _, stack := range bytes.Split(stacks[:runtime.Stack(stacks, true)], []byte("\n\n")) {
			if stalledIntake.Match(stack) {
				return
			}
		}
	}
	t.Fatal("it goes on taking in messages")
}

func TestInputThatFailsIsAnError(t *testing.T) {
	err := stdio.Serve(context.Background(), dispatcher(newServer(nil)), io.MultiReader(strings.NewReader("{}\n"), failing{}), io.Discard, stdio.Options{})
	if err == nil || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("%v", err)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("cut off") }
