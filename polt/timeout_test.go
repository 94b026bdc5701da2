package polt_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openpolt/polt-mcp/polt"
)

// silent never answers.
func silent(_ int, req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// halting answers 200, and never ends the body.
func halting(_ int, req *http.Request) (*http.Response, error) {
	resp := answer(200, "")
	resp.ContentLength = -1
	resp.Body = io.NopCloser(readers(func([]byte) (int, error) {
		<-req.Context().Done()
		return 0, req.Context().Err()
	}))
	return resp, nil
}

type readers func([]byte) (int, error)

func (f readers) Read(b []byte) (int, error) { return f(b) }

// unanswered is a read and a write, and what becomes of them without an answer.
var unanswered = []struct {
	call func(context.Context, *polt.Client) error
	code polt.Code
}{{getTask, polt.CodeTimeout}, {commit, polt.CodeOutcomeUnknown}}

func TestCallEndsInTime(t *testing.T) {
	for name, platform := range map[string]func(int, *http.Request) (*http.Response, error){"silent": silent, "halting": halting} {
		for _, timeout := range []time.Duration{0, 3 * time.Second, time.Minute} {
			t.Run(name+timeout.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					want := timeout
					if timeout == 0 {
						want = 30 * time.Second
					}
					client := fake(t, polt.Options{Timeout: timeout}, platform)
					for _, one := range unanswered {
						start := time.Now()
						err := one.call(t.Context(), client)
						wantCode(t, err, one.code)
						if took := time.Since(start); took != want || !errors.Is(err, context.DeadlineExceeded) {
							t.Errorf("took %s, want %s: %v", took, want, err)
						}
					}
				})
			})
		}
	}
}

func TestCallersDeadlineComesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		e := wantCode(t, getTask(ctx, fake(t, polt.Options{}, silent)), polt.CodeTimeout)
		if took := time.Since(start); took != time.Second || !e.Retryable {
			t.Errorf("took %s: %+v", took, *e)
		}
	})
}

func TestCancelledInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, one := range unanswered {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			start := time.Now()
			err := one.call(ctx, fake(t, polt.Options{}, silent))
			e := wantCode(t, err, one.code)
			if took := time.Since(start); took != time.Second || e.Retryable == (e.Code == polt.CodeOutcomeUnknown) || !errors.Is(err, context.Canceled) {
				t.Errorf("took %s: %+v", took, *e)
			}
		}
	})
}

func TestCancelledBeforeTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		client := newClient(t, polt.Options{Transport: roundTrips(func(req *http.Request) (*http.Response, error) { return silent(1, req) })})
		if e := wantCode(t, commit(ctx, client), polt.CodeTimeout); e.Message != "the call was cancelled" {
			t.Errorf("%+v", *e)
		}
	})
}

func TestCancelledWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		start, tries := time.Now(), 0
		client := fake(t, polt.Options{}, func(n int, _ *http.Request) (*http.Response, error) {
			tries = n
			time.AfterFunc(time.Second, cancel)
			return answer(429, "", "Retry-After", "5"), nil
		})
		wantCode(t, getTask(ctx, client), polt.CodeRateLimited)
		if took := time.Since(start); took != time.Second || tries != 1 {
			t.Errorf("%d tries, took %s", tries, took)
		}
	})
}
