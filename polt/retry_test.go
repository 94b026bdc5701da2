package polt_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openpolt/polt-mcp/polt"
)

// In these tests time is virtual: waiting takes none, and what was waited for
// is known to the nanosecond.

func getTask(ctx context.Context, c *polt.Client) error {
	_, err := polt.GetTask.Call(ctx, c, polt.GetTaskInput{TaskID: "42"})
	return err
}

func commit(ctx context.Context, c *polt.Client) error {
	_, err := polt.CommitToTask.Call(ctx, c, polt.CommitToTaskInput{TaskID: "42"})
	return err
}

func TestReadIsRetriedWithGrowingRandomWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var shortest, longest [2]time.Duration
		shortest[0], shortest[1] = time.Hour, time.Hour
		for range 200 {
			var at []time.Time
			client := fake(t, polt.Options{}, func(int, *http.Request) (*http.Response, error) {
				at = append(at, time.Now())
				return answer(503, ""), nil
			})
			wantCode(t, getTask(t.Context(), client), polt.CodeUpstreamError)
			if len(at) != 3 {
				t.Fatalf("%d attempts, want 3", len(at))
			}
			for i, most := range []time.Duration{400 * time.Millisecond, 800 * time.Millisecond} {
				wait := at[i+1].Sub(at[i])
				if wait > most {
					t.Fatalf("wait %d is %s, want at most %s", i+1, wait, most)
				}
				shortest[i], longest[i] = min(shortest[i], wait), max(longest[i], wait)
			}
		}
		// Of 200 waits spread evenly, none at either end has odds of 1 : 10⁹.
		if shortest[0] > 40*time.Millisecond || shortest[1] > 80*time.Millisecond || longest[0] < 360*time.Millisecond || longest[1] < 720*time.Millisecond {
			t.Errorf("waits are from %s to %s: no full jitter", shortest, longest)
		}
	})
}

func TestRetryEndsWithTheAnswer(t *testing.T) {
	for _, failing := range []func(*http.Request) (*http.Response, error){
		func(*http.Request) (*http.Response, error) { return answer(500, `{"error":"x"}`), nil },
		func(*http.Request) (*http.Response, error) { return answer(502, "<html>"), nil },
		func(*http.Request) (*http.Response, error) { return answer(429, ""), nil },
		func(*http.Request) (*http.Response, error) { return answer(408, ""), nil },
		func(*http.Request) (*http.Response, error) { return nil, syscall.ECONNRESET },
	} {
		synctest.Test(t, func(t *testing.T) {
			tries := 0
			client := fake(t, polt.Options{}, func(n int, req *http.Request) (*http.Response, error) {
				if tries = n; n < 3 {
					return failing(req)
				}
				return answer(200, `{"id":"42"}`), nil
			})
			if err := getTask(t.Context(), client); err != nil || tries != 3 {
				t.Errorf("%d tries, error %v", tries, err)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	inSeconds := func(s string) func() string { return func() string { return s } }
	for name, test := range map[string]struct {
		status int
		header func() string
		waited time.Duration // by the end of the call
		tries  int
		left   time.Duration // the RetryAfter of the error
	}{
		"twice":              {429, inSeconds("2"), 4 * time.Second, 3, 2 * time.Second},
		"with a fraction":    {429, inSeconds("0.5"), time.Second, 3, 500 * time.Millisecond},
		"on 503":             {503, inSeconds(" 1 "), 2 * time.Second, 3, time.Second},
		"once in the budget": {429, inSeconds("6"), 6 * time.Second, 2, 6 * time.Second},
		"all of the budget":  {429, inSeconds("10"), 10 * time.Second, 2, 10 * time.Second},
		"over the budget":    {429, inSeconds("11"), 0, 1, 11 * time.Second},
		"on 503 over it":     {503, inSeconds("3600"), 0, 1, time.Hour},
		"over all time":      {429, inSeconds("99999999999999999999"), 0, 1, 1e9 * time.Second},
		"forever":            {429, inSeconds("Inf"), 0, 1, 1e9 * time.Second},
		"as a date":          {429, func() string { return time.Now().Add(20 * time.Second).UTC().Format(http.TimeFormat) }, 0, 1, 20 * time.Second},
		"as a near date":     {429, func() string { return time.Now().Add(3 * time.Second).UTC().Format(http.TimeFormat) }, 6 * time.Second, 3, 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start, tries := time.Now(), 0
				client := fake(t, polt.Options{}, func(n int, _ *http.Request) (*http.Response, error) {
					tries = n
					return answer(test.status, "", "Retry-After", test.header()), nil
				})
				e := failure(t, getTask(t.Context(), client))
				if waited := time.Since(start); waited != test.waited || tries != test.tries || e.RetryAfter != test.left || !e.Retryable {
					t.Errorf("waited %s, %d tries, RetryAfter %s: %v", waited, tries, e.RetryAfter, e)
				}
				if test.status == 429 && e.Code != polt.CodeRateLimited {
					t.Errorf("code is %s", e.Code)
				}
			})
		})
	}
}

func TestRetryAfterOfNoUseIsAsNone(t *testing.T) {
	for _, header := range []string{"", "0", "-5", "NaN", "soon", "Mon, 01 Jan 1990 00:00:00 GMT"} {
		synctest.Test(t, func(t *testing.T) {
			start, tries := time.Now(), 0
			client := fake(t, polt.Options{}, func(n int, _ *http.Request) (*http.Response, error) {
				tries = n
				return answer(429, "", "Retry-After", header), nil
			})
			e := wantCode(t, getTask(t.Context(), client), polt.CodeRateLimited)
			if waited := time.Since(start); tries != 3 || waited > 1200*time.Millisecond || e.RetryAfter != 0 {
				t.Errorf("%q: %d tries in %s, RetryAfter %s", header, tries, waited, e.RetryAfter)
			}
		})
	}
}

func TestSlowTriesUseUpTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		client := fake(t, polt.Options{}, func(n int, _ *http.Request) (*http.Response, error) {
			tries = n
			time.Sleep(9500 * time.Millisecond)
			return answer(503, "", "Retry-After", "1"), nil
		})
		wantCode(t, getTask(t.Context(), client), polt.CodeUpstreamError)
		if tries != 1 {
			t.Errorf("%d tries", tries)
		}
	})
}

func TestWithoutRetriesIsOnce(t *testing.T) {
	tries := 0
	client := fake(t, polt.Options{}, func(n int, _ *http.Request) (*http.Response, error) {
		tries = n
		return answer(503, ""), nil
	})
	if e := wantCode(t, getTask(t.Context(), client.WithoutRetries()), polt.CodeUpstreamError); tries != 1 || !e.Retryable {
		t.Errorf("%d tries: %v", tries, e)
	}
}

func TestShortTimeoutIsTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		client := fake(t, polt.Options{Timeout: 2 * time.Second}, func(int, *http.Request) (*http.Response, error) {
			return answer(429, "", "Retry-After", "3"), nil
		})
		wantCode(t, getTask(t.Context(), client), polt.CodeRateLimited)
		if waited := time.Since(start); waited != 0 {
			t.Errorf("waited %s for what the timeout would have cut off", waited)
		}
	})
}

func TestReadIsNotRetriedInVain(t *testing.T) {
	for _, status := range []int{301, 400, 401, 403, 404, 409, 410, 422, 501} {
		synctest.Test(t, func(t *testing.T) {
			tries := 0
			client := fake(t, polt.Options{}, func(n int, _ *http.Request) (*http.Response, error) {
				tries = n
				return answer(status, `{"error":"no"}`), nil
			})
			if e := failure(t, getTask(t.Context(), client)); tries != 1 || e.HTTPStatus != status || e.Retryable {
				t.Errorf("%d tries: %+v", tries, *e)
			}
		})
	}
}

// A write that may have arrived is never sent again, whatever comes back.
func TestWriteIsSentOnce(t *testing.T) {
	for _, endpoint := range endpoints {
		if endpoint.Method() == http.MethodGet {
			continue
		}
		for _, status := range []int{0, 200, 408, 429, 500, 502, 503, 504} {
			t.Run(fmt.Sprint(route(endpoint.Method(), endpoint.Path()), " ", status), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					tries := 0
					client := fake(t, polt.Options{}, func(n int, _ *http.Request) (*http.Response, error) {
						if tries = n; status == 0 {
							return nil, syscall.ECONNRESET
						}
						return answer(status, "<html>"), nil
					})
					_, err := endpoint.call(t.Context(), client, fillPlain)
					e := failure(t, err)
					unknown := status != 429 && status != 503
					if tries != 1 || unknown != (e.Code == polt.CodeOutcomeUnknown) || unknown && e.Retryable {
						t.Errorf("%d tries: %+v", tries, *e)
					}
					if status == 0 && !errors.Is(err, syscall.ECONNRESET) {
						t.Errorf("the cause is lost: %v", err)
					}
				})
			})
		}
	}
}

// A transport of somebody's own need not say when it begins to send.
func TestWriteCountsAsSentByATransportThatDoesNotSay(t *testing.T) {
	for _, one := range []struct {
		err  error
		code polt.Code
	}{
		{errors.New("reset after the request"), polt.CodeOutcomeUnknown},
		{syscall.ECONNRESET, polt.CodeOutcomeUnknown},
		{&net.OpError{Op: "dial", Err: errors.New("no route")}, polt.CodeUpstreamUnreachable},
		{&net.DNSError{Err: "no such host", IsNotFound: true}, polt.CodeUpstreamUnreachable},
	} {
		synctest.Test(t, func(t *testing.T) {
			tries := 0
			client := newClient(t, polt.Options{Transport: roundTrips(func(*http.Request) (*http.Response, error) {
				tries++
				return nil, fmt.Errorf("somebody's own: %w", one.err)
			})})
			wantCode(t, commit(t.Context(), client), one.code)
			if sent := one.code == polt.CodeOutcomeUnknown; sent && tries != 1 || !sent && tries != 3 {
				t.Errorf("%v: %d tries", one.err, tries)
			}
		})
	}
}

func TestWriteIsRetriedWhereNothingWasSent(t *testing.T) {
	for _, succeeds := range []int{2, 3, 4} {
		synctest.Test(t, func(t *testing.T) {
			tries := 0
			client := newClient(t, polt.Options{Transport: roundTrips(func(req *http.Request) (*http.Response, error) {
				if tries++; tries < succeeds {
					return nil, syscall.ECONNREFUSED
				}
				connect(req)
				return answer(200, `{"message":"Successfully committed to task"}`), nil
			})})
			err := commit(t.Context(), client)
			if succeeds <= 3 && (err != nil || tries != succeeds) {
				t.Errorf("%d tries, error %v", tries, err)
			}
			if succeeds > 3 {
				if e := wantCode(t, err, polt.CodeUpstreamUnreachable); tries != 3 || !e.Retryable || e.HTTPStatus != 0 {
					t.Errorf("%d tries: %+v", tries, *e)
				}
			}
		})
	}
}
