package polt_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/openpolt/polt-mcp/polt"
)

// startLines starts a platform that speaks HTTP/1.1 byte by byte: answer is
// called for each request that begins to arrive, the nth of all, from 1, and
// reports whether the connection stays open.
func startLines(t testing.TB, answer func(conn net.Conn, r *bufio.Reader, n int) bool) (url string, arrived *atomic.Int32) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	arrived = new(atomic.Int32)
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				r := bufio.NewReader(conn)
				for {
					if _, err := r.Peek(1); err != nil || !answer(conn, r, int(arrived.Add(1))) {
						return
					}
				}
			})
		}
	})
	t.Cleanup(serving.Wait) // the client, made later, has closed its connections by then
	t.Cleanup(func() { _ = listener.Close() })
	return "http://" + listener.Addr().String(), arrived
}

// Wherever a connection breaks, new or in use before, a write arrives once, a
// read as often as it may be tried, and no request is sent that is not an
// attempt that was told.
func TestHTTP1FailureSendsNothingAgain(t *testing.T) {
	const whole = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"id\":\"42\"}"
	ok := func(conn net.Conn, r *bufio.Reader) bool {
		req, err := http.ReadRequest(r)
		if err != nil {
			return false
		}
		_, _ = io.Copy(io.Discard, req.Body) // what is missing fails the next request
		_, err = io.WriteString(conn, whole)
		return err == nil
	}
	// After so many bytes the platform closes the connection: of the request,
	// each of which has more, or of its answer to all of it.
	failures := map[string]struct {
		bytes int
		fail  func(conn net.Conn, r *bufio.Reader, bytes int)
	}{
		"request": {120, func(_ net.Conn, r *bufio.Reader, bytes int) { _, _ = r.Discard(bytes) }},
		"answer": {len(whole), func(conn net.Conn, r *bufio.Reader, bytes int) {
			if req, err := http.ReadRequest(r); err == nil {
				_, _ = io.Copy(io.Discard, req.Body)
				_, _ = io.WriteString(conn, whole[:bytes])
			}
		}},
	}
	operations := map[string]func(context.Context, *polt.Client) error{"get_task": getTask, "commit": commit, "submit": submit}
	var cases sync.WaitGroup // side by side, since reads wait between their tries
	for name, failure := range failures {
		for bytes := range failure.bytes {
			for operation, call := range operations {
				for _, used := range []int{0, 1} { // requests that the connection has answered before
					cases.Go(func() {
						name := fmt.Sprintf("%s after byte %d of the %s, after %d", operation, bytes, name, used)
						url, arrived := startLines(t, func(conn net.Conn, r *bufio.Reader, n int) bool {
							if n <= used {
								return ok(conn, r)
							}
							failure.fail(conn, r, bytes)
							return false
						})
						var attempts []polt.Attempt
						client := newClient(t, polt.Options{BaseURL: url, OnAttempt: collect(&attempts)})
						for range used {
							if err := getTask(t.Context(), client); err != nil {
								t.Errorf("%s: %v", name, err)
							}
						}
						err := call(t.Context(), client)
						tries, want := 1, polt.CodeOutcomeUnknown
						if operation == "get_task" {
							tries, want = 3, polt.CodeUpstreamError
						}
						var e *polt.Error
						if !errors.As(err, &e) || e.Code != want {
							t.Errorf("%s: error %v, want the code %s", name, err, want)
						}
						if got := int(arrived.Load()); got != len(attempts) || got != used+tries {
							t.Errorf("%s: %d requests arrived, %d attempts were told, want %d", name, got, len(attempts), used+tries)
						}
					})
				}
			}
		}
	}
	cases.Wait()
}
