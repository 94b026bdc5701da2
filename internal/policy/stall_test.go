package policy_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"github.com/openpolt/polt-mcp/internal/policy"
	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
)

// more than a pipe takes that nobody reads.
const more = 1 << 18

// stalled is why nothing can be recorded in such a pipe.
const stalled = "the journal cannot be written (it is not a regular file, and its reader is too slow)"

func workOf(size int) json.RawMessage {
	return json.RawMessage(`{"task_id":"t","submission_content":"` + strings.Repeat("x", size) + `"}`)
}

// pipe returns a pipe, and the path that it can be written to at.
func pipe(t *testing.T) (read, write *os.File, path string) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { read.Close(); write.Close() })
	return read, write, fmt.Sprintf("/dev/fd/%d", write.Fd())
}

// A part of a line is in the pipe when it stalls, and takes no other with it.
func TestPipeThatIsNotReadStopsWritesUntilItIs(t *testing.T) {
	t.Parallel()
	read, write, path := pipe(t)
	p := &platform{}
	set, rules := newSetAndPolicy(t, p, policy.Options{Journal: path})
	ctx := as(t, "polt_k")
	said, _ := wantError(t, set.Call(ctx, "submit_work", workOf(more)), polt.CodeInternal)
	if want := "submit_work was not sent: " + stalled + ". This is a fault of the server; tell the user."; said != want {
		t.Errorf("%s\nis not\n%s", said, want)
	}
	p.wantSent(t, 0, 0)

	var b bytes.Buffer
	var reader sync.WaitGroup
	reader.Go(func() { _, _ = b.ReadFrom(read) })
	wantOK(t, set.Call(ctx, "submit_work", workOf(more)))
	if err := rules.Close(); err != nil {
		t.Error(err)
	}
	write.Close()
	reader.Wait()
	lines := strings.Split(b.String(), "\n")
	if len(lines) != 4 || lines[3] != "" {
		t.Fatalf("there are %d lines", len(lines))
	}
	if json.Valid([]byte(lines[0])) || !strings.HasPrefix(lines[0], `{"event":"write",`) {
		t.Errorf("the first is no part of one: %.200s", lines[0])
	}
	for i, event := range []string{"write", "outcome"} {
		var l line
		if err := json.Unmarshal([]byte(lines[1+i]), &l); err != nil || l.Event != event {
			t.Errorf("%v in %.200s", err, lines[1+i])
		}
	}
}

// However many outcomes there are, they are not waited for one by one: that
// would last for an hour.
func TestPipeThatIsNotReadHoldsUpNoEnd(t *testing.T) {
	t.Parallel()
	const writes = 1800
	read, write, path := pipe(t)
	var log bytes.Buffer
	rules, err := policy.New(policy.Options{Journal: path, Log: zerolog.New(&log)})
	if err != nil {
		t.Fatal(err)
	}
	for range writes {
		if _, err := rules.OnWrite(t.Context(), tools.Write{Tool: "submit_work", Arguments: workOf(1)}); err != nil {
			t.Fatal(err)
		}
		if _, err := read.Read(make([]byte, more)); err != nil {
			t.Fatal(err)
		}
	}
	var filler sync.WaitGroup
	filler.Go(func() { _, _ = write.Write(make([]byte, more)) })
	if _, err := read.Read(make([]byte, 1)); err != nil { // it is full by then
		t.Fatal(err)
	}
	if err := rules.Close(); err != nil {
		t.Error(err)
	}
	read.Close()
	filler.Wait()
	if s := log.String(); strings.Count(s, "its reader is too slow") != writes || strings.Count(s, `"outcome":"outcome_unknown"`) != writes {
		t.Errorf("the log has %.1000s", s)
	}
}

// recordOnStderr records a write with so much work in it on standard error,
// between lines of a log, and says on standard output why it cannot. It runs in
// a process of its own.
func recordOnStderr(size string) {
	n, err := strconv.Atoi(size)
	if err != nil {
		panic(err)
	}
	rules, err := policy.New(policy.Options{Journal: "/dev/stderr", Log: zerolog.Nop()})
	if err != nil {
		panic(err)
	}
	_, _ = os.Stderr.WriteString("before\n")
	done, err := rules.OnWrite(context.Background(), tools.Write{Tool: "submit_work", Arguments: workOf(n)})
	if err == nil {
		_, _ = os.Stderr.WriteString("between\n")
		done(tools.Outcome{})
		_, _ = os.Stderr.WriteString("after\n")
	}
	if err := errors.Join(err, rules.Close()); err != nil {
		_, _ = os.Stdout.WriteString(err.Error())
	}
}

// onStderr runs recordOnStderr, and returns what it says.
func onStderr(t *testing.T, stderr *os.File, size int) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", sizeSetting, size))
	cmd.Stderr = stderr
	said, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(said)
}

func TestStandardErrorThatIsNotReadStopsWrites(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux opens a pipe anew by the name of what is open")
	}
	t.Parallel()
	_, write, _ := pipe(t)
	if said := onStderr(t, write, more); !strings.Contains(said, stalled) {
		t.Errorf("it said %s", said)
	}
}

// Whatever standard error is, the log's lines are kept in it, and in their order.
func TestStandardErrorIsSharedWithTheLog(t *testing.T) {
	for name, open := range map[string]func() (write *os.File, read io.Reader){
		"pipe": func() (*os.File, io.Reader) {
			read, write, _ := pipe(t)
			return write, read
		},
		"file": func() (*os.File, io.Reader) {
			path := filepath.Join(t.TempDir(), "stderr")
			write, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			read, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { write.Close(); read.Close() })
			return write, read
		},
		"socket": func() (*os.File, io.Reader) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			client, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			read, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			write, err := client.(*net.TCPConn).File()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { read.Close(); write.Close() })
			return write, read
		},
	} {
		t.Run(name, func(t *testing.T) {
			write, read := open()
			if said := onStderr(t, write, 1); said != "" {
				t.Fatal(said)
			}
			write.Close()
			b, err := io.ReadAll(read)
			if err != nil {
				t.Fatal(err)
			}
			var events []string
			for text := range strings.Lines(string(b)) {
				l := line{Event: strings.TrimSpace(text)}
				_ = json.Unmarshal([]byte(text), &l) // the log's are not JSON
				events = append(events, l.Event)
			}
			if want := []string{"before", "write", "between", "outcome", "after"}; !slices.Equal(events, want) {
				t.Errorf("there are %q in %s", events, b)
			}
		})
	}
}
