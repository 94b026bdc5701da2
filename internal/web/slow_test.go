package web_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/openpolt/polt-mcp/internal/memory"
	"github.com/openpolt/polt-mcp/internal/web"
)

// Clients that send or read slowly, or not at all.

// large is a tool whose answer no connection without buffers takes.
func large(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	return text(strings.Repeat("x", 1<<20)), nil
}

// The time is virtual.
func TestBodyThatComesTooSlowlyIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, end := pipeTo(t, options(nil))
		defer end()
		began := time.Now()
		go func() {
			_, _ = io.WriteString(conn, "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")
		}()
		answer, err := io.ReadAll(conn)
		if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 400") {
			t.Errorf("%v %s", err, answer)
		}
		if took := time.Since(began); took > 15*time.Second {
			t.Errorf("after %s", took)
		}
	})
}

// The time is virtual.
func TestAnswerThatIsNotTakenIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options(map[string]handler{"large": large})
		o.Limits.CallerInFlight = 1
		conn, end := pipeTo(t, o)
		defer end()
		postOver(t, conn, call("1", "large"))
		taken := 0
		for range 5 { // a client that takes a part now and then is waited for
			pass(20 * time.Second)
			n, err := io.ReadFull(conn, make([]byte, 70<<10))
			if taken += n; err != nil {
				t.Fatal(err)
			}
		}
		pass(31 * time.Second)
		rest, _ := io.ReadAll(conn)
		if taken+len(rest) > 1<<20 {
			t.Error("all of it came")
		}
	})
}

// A body that comes slowly, and an answer that is not taken, give way to others
// that need their memory. The time is virtual.
func TestSlowClientsGiveWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options(map[string]handler{"who": who, "large": large})
		o.Memory = memory.NewBudget(96 << 20) // of which 6 MiB are for calls, and 4 MiB for large messages
		listener := newPipeListener()
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- web.New(o).Serve(ctx, listener) }()
		dial := func(head, body string) net.Conn {
			conn, err := listener.dial(ctx, "", "")
			if err != nil {
				t.Fatal(err)
			}
			_ = conn.SetDeadline(time.Now().Add(time.Minute))
			if _, err := io.WriteString(conn, head+body); err != nil {
				t.Fatal(err)
			}
			return conn
		}
		var slow []net.Conn
		post := func(key string, length int) string {
			return fmt.Sprintf("POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: Bearer polt_made_up_%s\r\nContent-Length: %d\r\n\r\n", key, length)
		}
		for i := range 3 { // which have all that there is for large messages
			slow = append(slow, dial(post(fmt.Sprint("body_", i), 1<<20), strings.Repeat(" ", 600<<10)))
		}
		for i := range 60 { // and all that there is for calls
			body := call("1", "large")
			slow = append(slow, dial(post(fmt.Sprint("answer_", i), len(body)), body))
		}
		pass(2 * time.Second)
		r := runningOn(t, listener)
		for _, body := range []string{call("1", "who"), call("1", "who") + strings.Repeat(" ", 1<<20)} {
			if got := r.do(request{body: body}); got.status != 200 {
				t.Errorf("one of %d bytes is answered with %d: %s", len(body), got.status, got.body)
			}
		}
		// Those that gave way are told, or cut off, at once.
		told, cut := 0, 0
		for i, conn := range slow {
			_ = conn.SetDeadline(time.Now().Add(time.Millisecond))
			answer := make([]byte, 12)
			n, err := conn.Read(answer)
			switch {
			case i < 3 && string(answer[:n]) == "HTTP/1.1 429":
				told++
			case i >= 3 && errors.Is(err, io.EOF):
				cut++
			}
			_ = conn.Close()
		}
		if told == 0 || cut == 0 {
			t.Errorf("of 3 bodies that come slowly %d were refused, and of 60 answers that are not taken %d were cut off", told, cut)
		}
		r.client.CloseIdleConnections()
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if held := o.Memory.Held(); held != 0 {
			t.Errorf("%d bytes are held after the end", held)
		}
	})
}

// An answer that a client does not take is no call that runs: others must not be
// told that there are too many.
func TestAnswerThatIsNotTakenTakesNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options(map[string]handler{"who": who, "large": large})
		o.Limits.TotalInFlight = 1
		listener, conn, end := pipesTo(t, o)
		defer end()
		postOver(t, conn, call("1", "large"))
		synctest.Wait()
		other, err := listener.dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		postOver(t, other, call("2", "who"))
		status := make([]byte, len("HTTP/1.1 200"))
		if _, err := io.ReadFull(other, status); err != nil || string(status) != "HTTP/1.1 200" {
			t.Errorf("another call is answered with %s, %v", status, err)
		}
	})
}

// The time is virtual.
func TestStreamsThatAreNotReadGiveWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options(map[string]handler{"who": who, "large": large})
		o.Memory = memory.NewBudget(96 << 20) // of which 5 MiB are for streams and calls of unknown callers
		o.Limits.TotalInFlight = 200
		listener, conn, end := pipesTo(t, o)
		defer end()
		r := runningOn(t, listener)
		defer r.client.CloseIdleConnections()
		for i := range 90 {
			if i > 0 {
				var err error
				if conn, err = listener.dial(t.Context(), "", ""); err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
			}
			key := fmt.Sprintf("polt_made_up_%d", i)
			endpoint := sseOver(t, conn, key)
			// A short answer waits where it is flushed.
			if got := r.do(request{path: endpoint, body: call("1", "who"), header: bearer(key)}); got.status != 202 {
				t.Fatalf("the message of stream %d is answered with %d: %s", i, got.status, got.body)
			}
			synctest.Wait()
		}
		pass(2 * time.Second)
		for range 10 {
			body := "[" + strings.Repeat(call("1", "who")+",", 7) + call("1", "who") + "]"
			if got := r.do(request{body: body, header: map[string]string{"Mcp-Protocol-Version": "2025-03-26"}}); got.status != 200 {
				t.Errorf("a batch that needs their room is answered with %d: %s", got.status, got.body)
			}
		}
	})
}

// An answer that waits on a stream is no call that runs. The time is virtual.
func TestAnswerThatIsNotTakenFromAStreamTakesNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options(map[string]handler{"who": who, "large": large})
		o.Limits.TotalInFlight = 1
		listener, conn, end := pipesTo(t, o)
		defer end()
		r := runningOn(t, listener)
		defer r.client.CloseIdleConnections()
		endpoint := sseOver(t, conn, "polt_of_a")
		if got := r.do(request{path: endpoint, body: call("1", "large"), header: bearer("polt_of_a")}); got.status != 202 {
			t.Fatalf("%d: %s", got.status, got.body)
		}
		synctest.Wait()
		if got := r.do(request{body: call("2", "who")}); got.status != 200 {
			t.Errorf("another call is answered with %d: %s", got.status, got.body)
		}
	})
}

// A client that takes a part of a message now and then is waited for, and one that
// takes nothing for long is not. The time is virtual.
func TestStreamWaitsForAClientThatReadsSlowlyAndForNoOther(t *testing.T) {
	for name, c := range map[string]struct {
		pause time.Duration
		whole bool
	}{"slowly": {25 * time.Second, true}, "not": {31 * time.Second, false}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				listener, conn, end := pipesTo(t, options(map[string]handler{"large": large}))
				defer end()
				r := runningOn(t, listener)
				defer r.client.CloseIdleConnections()
				endpoint := sseOver(t, conn, "polt_of_a")
				if got := r.do(request{path: endpoint, body: call("1", "large"), header: bearer("polt_of_a")}); got.status != 202 {
					t.Fatalf("%d: %s", got.status, got.body)
				}
				read := 0
				for range 4 {
					pass(c.pause)
					n, _ := io.ReadFull(conn, make([]byte, 256<<10))
					read += n
				}
				if (read == 1<<20) != c.whole {
					t.Errorf("%d bytes of the message came", read)
				}
			})
		})
	}
}

// pipeTo serves a connection that has no buffers.
func pipeTo(t *testing.T, o web.Options) (net.Conn, func()) {
	t.Helper()
	_, conn, end := pipesTo(t, o)
	return conn, end
}

// pipesTo serves such connections, and opens the first.
func pipesTo(t *testing.T, o web.Options) (*pipeListener, net.Conn, func()) {
	t.Helper()
	listener := newPipeListener()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- web.New(o).Serve(ctx, listener) }()
	conn, err := listener.dial(ctx, "", "")
	if err != nil {
		t.Fatal(err)
	}
	return listener, conn, func() {
		_ = conn.Close()
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// sseOver opens a stream of SSE on a connection that has no buffers, of which no
// more is read than where messages go.
func sseOver(t *testing.T, conn net.Conn, key string) (endpoint string) {
	t.Helper()
	if _, err := fmt.Fprintf(conn, "GET /sse HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n", key); err != nil {
		t.Fatal(err)
	}
	var read []byte
	for !strings.HasSuffix(string(read), "\n\n\r\n") {
		b := make([]byte, 1)
		if _, err := conn.Read(b); err != nil {
			t.Fatal(err)
		}
		read = append(read, b...)
	}
	_, after, _ := strings.Cut(string(read), "data: ")
	return strings.TrimSpace(after)
}

// runningOn returns the server that a listener belongs to, for usual requests.
func runningOn(t *testing.T, listener *pipeListener) *running {
	return &running{t: t, URL: "http://localhost", client: &http.Client{Transport: &http.Transport{DialContext: listener.dial}}}
}

// postOver sends a message, whose answer is not read.
func postOver(t *testing.T, conn net.Conn, message string) {
	t.Helper()
	if _, err := fmt.Fprintf(conn, "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(message), message); err != nil {
		t.Fatal(err)
	}
}
