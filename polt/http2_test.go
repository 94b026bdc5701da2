package polt_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/openpolt/polt-mcp/internal/http2test"
	"github.com/openpolt/polt-mcp/polt"
	"golang.org/x/net/http2"
	"golang.org/x/sync/errgroup"
)

// callOver makes a call with a new client of the server, and returns its
// attempts and error.
func callOver(t testing.TB, server *http2test.Server, call func(context.Context, *polt.Client) error) ([]polt.Attempt, error) {
	var attempts []polt.Attempt
	client := newClient(t, polt.Options{BaseURL: server.URL, CAFile: server.CAFile, OnAttempt: collect(&attempts)})
	err := call(t.Context(), client)
	return attempts, err
}

func submit(ctx context.Context, c *polt.Client) error {
	_, err := polt.SubmitWork.Call(ctx, c, polt.SubmitWorkInput{TaskID: "42", SubmissionContent: "done"})
	return err
}

// Whatever a platform does with a stream or a connection, a write arrives
// once, a read as often as it may be tried, and no request is sent that is not
// an attempt that was told.
func TestHTTP2FailureSendsNothingAgain(t *testing.T) {
	goAway := func(last func(uint32) uint32) func(*http2test.Conn, uint32, http2.ErrCode) bool {
		return func(c *http2test.Conn, stream uint32, code http2.ErrCode) bool {
			c.GoAway(last(stream), code)
			return false
		}
	}
	failures := map[string]struct {
		fail    func(*http2test.Conn, uint32, http2.ErrCode) bool
		refuses func(http2.ErrCode) bool
	}{
		"reset before the answer": {
			func(c *http2test.Conn, stream uint32, code http2.ErrCode) bool {
				c.Reset(stream, code)
				return true
			},
			func(code http2.ErrCode) bool { return code == http2.ErrCodeRefusedStream },
		},
		"reset within the answer": {
			func(c *http2test.Conn, stream uint32, code http2.ErrCode) bool {
				c.Header(stream)
				c.Data(stream, `{"id":`, false)
				c.Reset(stream, code)
				return true
			},
			func(http2.ErrCode) bool { return false },
		},
		"go away with the stream": {goAway(func(stream uint32) uint32 { return stream }), func(http2.ErrCode) bool { return false }},
		"go away before it":       {goAway(func(uint32) uint32 { return 0 }), func(http2.ErrCode) bool { return true }},
	}
	operations := map[string]func(context.Context, *polt.Client) error{"get_task": getTask, "commit": commit, "submit": submit}
	// Side by side, since reads wait between their tries; but not so many that
	// their handshakes take too long.
	var cases errgroup.Group
	cases.SetLimit(32)
	for name, failure := range failures {
		for _, code := range http2test.ErrCodes() {
			for operation, call := range operations {
				for _, used := range []int{0, 1} { // requests that the connection has answered before
					cases.Go(func() error {
						name := fmt.Sprintf("%s, %s of %s, after %d", name, code, operation, used)
						p := &http2test.Server{Answer: func(c *http2test.Conn, stream uint32, n int) bool {
							if n <= used {
								c.OK(stream, `{"id":"42"}`)
								return true
							}
							return failure.fail(c, stream, code)
						}}
						p.Start(t)
						attempts, err := callOver(t, p, func(ctx context.Context, client *polt.Client) error {
							for range used {
								if err := getTask(ctx, client); err != nil {
									t.Errorf("%s: %v", name, err)
								}
							}
							return call(ctx, client)
						})
						tries, want := 1, polt.CodeOutcomeUnknown
						if operation == "get_task" {
							tries = 3
						}
						if operation == "get_task" || failure.refuses(code) {
							want = polt.CodeUpstreamError
						}
						var e *polt.Error
						if !errors.As(err, &e) || e.Code != want || e.Retryable != (want == polt.CodeUpstreamError) {
							t.Errorf("%s: error %#v, want the code %s", name, err, want)
						}
						if arrived := int(p.Arrived.Load()); arrived != len(attempts) || arrived != used+tries {
							t.Errorf("%s: %d requests arrived, %d attempts were told, want %d", name, arrived, len(attempts), used+tries)
						}
						return nil
					})
				}
			}
		}
	}
	_ = cases.Wait() // no case returns an error
}

// A platform that goes away after it has answered costs no call. (An attempt may
// dial, and then find that a connection has become free.)
func TestHTTP2ConnectionIsReplaced(t *testing.T) {
	p := &http2test.Server{Answer: func(c *http2test.Conn, stream uint32, _ int) bool {
		c.GoAway(stream, http2.ErrCodeNo)
		c.OK(stream, `{"id":"42"}`)
		return true
	}}
	p.Start(t)
	const calls = 20
	attempts, err := callOver(t, p, func(ctx context.Context, client *polt.Client) error {
		for range calls {
			if err := commit(ctx, client); err != nil {
				return err
			}
		}
		return nil
	})
	if n := p.Connections.Load(); err != nil || len(attempts) != calls || p.Arrived.Load() != calls || n < calls || n > 2*calls {
		t.Errorf("%d attempts, %d arrived on %d connections: %v", len(attempts), p.Arrived.Load(), p.Connections.Load(), err)
	}
}

// A platform that turns every connection away is dialed at most once an attempt:
// an attempt may find a connection before it is known to be closed.
func TestHTTP2ConnectionsThatAreTurnedAway(t *testing.T) {
	p := &http2test.Server{TurnsAway: true}
	p.Start(t)
	attempts, err := callOver(t, p, getTask)
	_ = failure(t, err)
	if len(attempts) != 3 || p.Connections.Load() > 3 {
		t.Errorf("%d attempts on %d connections: %v", len(attempts), p.Connections.Load(), err)
	}
}

// Many calls at once share a connection, and take more, or wait, where it is
// full: also a new one, of which nobody knows yet how many it takes.
func TestHTTP2ConnectionsAreShared(t *testing.T) {
	// The more threads, the more calls choose a connection before its settings
	// have come.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(16))
	const burst = 64
	for _, c := range []struct {
		streams uint32
		isNew   bool
	}{{1000, false}, {4, false}, {4, true}, {1, true}, {4, true}, {1, true}, {4, true}, {1, true}} {
		// Those that requests arrive on: net/http may dial more, which are closed unused.
		var connections sync.Map
		p := &http2test.Server{
			Settings: []http2.Setting{{ID: http2.SettingMaxConcurrentStreams, Val: c.streams}},
			Answer: func(c *http2test.Conn, stream uint32, _ int) bool {
				connections.Store(c, true)
				c.OK(stream, `{"id":"42"}`)
				return true
			},
		}
		p.Start(t)
		client := newClient(t, polt.Options{BaseURL: p.URL, CAFile: p.CAFile})
		want := int32(burst)
		if !c.isNew {
			if err := commit(t.Context(), client); err != nil { // the settings are known after it
				t.Fatal(err)
			}
			want++
		}
		var calls sync.WaitGroup
		for range burst {
			calls.Go(func() {
				if err := commit(t.Context(), client); err != nil {
					t.Error(err)
				}
			})
		}
		calls.Wait()
		used := 0
		connections.Range(func(any, any) bool { used++; return true })
		if p.Arrived.Load() != want || c.streams > burst && used > 1 {
			t.Errorf("%+v: %d requests arrived on %d connections", c, p.Arrived.Load(), used)
		}
	}
}
