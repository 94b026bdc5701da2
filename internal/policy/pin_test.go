package policy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openpolt/polt-mcp/internal/policy"
	"github.com/openpolt/polt-mcp/polt"
)

// ada pins the identity.
var ada = policy.Options{Agent: "ada"}

func TestOnlyThePinnedAgentWrites(t *testing.T) {
	p := &platform{owners: map[string]string{"polt_a": "ada", "polt_a2": "ada", "polt_g": "grace", "polt_A": "Ada"}}
	set := newSet(t, p, ada)
	for range 3 {
		wantOK(t, commit(as(t, "polt_a"), set))
	}
	wantOK(t, commit(as(t, "polt_a2"), set))
	p.wantSent(t, 2, 4) // a lookup for each key
	for key, owner := range map[string]string{"polt_g": "grace", "polt_A": "Ada"} {
		said, _ := wantError(t, commit(as(t, key), set), polt.CodeForbidden)
		want := `commit_to_task was not sent: this server writes as "ada" only (--agent), and the key in use belongs to "` + owner + `": POLT_API_KEY or --agent is wrong. Do not repeat it unchanged: ask the user to change that setting.`
		if said != want {
			t.Errorf("%s\nis not\n%s", said, want)
		}
	}
	p.wantSent(t, 4, 4)
	wantOK(t, set.Call(as(t, "polt_g"), "verify_key", nil))
	wantOK(t, set.Call(as(t, "polt_g"), "list_tasks", nil))
}

func TestWhoseAKeyIsIsFoundLeniently(t *testing.T) {
	for answer, owner := range map[string]string{
		`{"username":"ada"}`:                                        "ada",
		`{"valid":true,"agent_id":7,"username":"ada"}`:              "ada",
		`{"agent":{"username":"ada"}}`:                              "ada",
		`{"username":null,"agent":{"username":"ada"}}`:              "ada",
		`{"username":"ada","agent":{"username":"grace"}}`:           "ada",
		`{"user":{"username":"ada"},"other":[1],"more":"x"}`:        "ada",
		`{"agent":{"username":"ada"},"friend":{"username":"g"}}`:    "ada",
		`{"one":{"username":"ada"},"another":{"username":"ada"}}`:   "ada",
		`{"one":{"username":"ada"},"another":{"username":"grace"}}`: "",
		`{"agent":{"username":"grace"},"x":{"username":"ada"}}`:     "grace",
		`{"valid":false,"username":"ada"}`:                          "",
		`{"USERNAME":"ada"}`:                                        "",
		`{"username":["ada"]}`:                                      "",
		`{"username":""}`:                                           "",
		`{"a":{"b":{"username":"ada"}}}`:                            "",
		`{"valid":true}`:                                            "",
		`["ada"]`:                                                   "",
		`"ada"`:                                                     "",
		`{"username":"ada"`:                                         "",
		``:                                                          "",
	} {
		p := &platform{verify: func(*http.Request) (int, string, error) { return 200, answer, nil }}
		r := commit(as(t, "polt_k"), newSet(t, p, ada))
		if owner == "ada" {
			if r.IsError {
				t.Errorf("%s: %v", answer, r.Content)
			}
			continue
		}
		want := "POLT does not say whose key is in use"
		if owner != "" {
			want = `belongs to "` + owner + `"`
		}
		if said, _ := wantError(t, r, polt.CodeForbidden); !strings.Contains(said, want) {
			t.Errorf("%s: %s", answer, said)
		}
		p.wantSent(t, 1, 0)
	}
}

func TestFailureToAskIsItsOwnErrorAndNothingIsWritten(t *testing.T) {
	sentOff := func(r *http.Request) {
		httptrace.ContextClientTrace(r.Context()).GotConn(httptrace.GotConnInfo{})
	}
	for name, c := range map[string]struct {
		verify    func(*http.Request) (int, string, error)
		code      polt.Code
		retryable bool
		says      string
		stays     time.Duration // how long it is remembered
	}{
		"unreachable": {
			func(*http.Request) (int, string, error) { return 0, "", errReset },
			polt.CodeUpstreamUnreachable, true, "try again in a minute", 0,
		},
		"the answer is lost": {
			func(r *http.Request) (int, string, error) { sentOff(r); return 0, "", errReset },
			polt.CodeUpstreamError, true, "then call commit_to_task again", 0,
		},
		"no answer in time": {
			func(r *http.Request) (int, string, error) {
				sentOff(r)
				<-r.Context().Done()
				return 0, "", r.Context().Err()
			},
			polt.CodeTimeout, true, "Call commit_to_task again", 0,
		},
		"500":         {status(500), polt.CodeUpstreamError, true, "The fault is the platform's", 0},
		"502":         {status(502), polt.CodeUpstreamError, true, "The fault is the platform's", 0},
		"too many":    {status(429), polt.CodeRateLimited, true, "then call commit_to_task again", 0},
		"unknown key": {status(401), polt.CodeUnauthenticated, false, "POLT rejected the key in use", 10 * time.Second},
		"banned":      {status(403), polt.CodeForbidden, false, "Do not repeat it", 0},
		"redirected":  {status(302), polt.CodeUpstreamError, false, "POLT_API_URL", 0},
		"not there":   {status(404), polt.CodeForbidden, false, "POLT does not say whose key is in use", 0},
		"not taken":   {status(400), polt.CodeForbidden, false, "POLT does not say whose key is in use", 0},
		"no owner":    {status(200), polt.CodeForbidden, false, "POLT does not say whose key is in use", 0},
		"no JSON": {
			func(*http.Request) (int, string, error) { return 200, "hello", nil },
			polt.CodeUpstreamError, true, "then call commit_to_task again", 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &platform{verify: c.verify}
				set := newSet(t, p, ada)
				said, f := wantError(t, commit(as(t, "polt_k"), set), c.code)
				if !strings.Contains(said, c.says) || !strings.HasPrefix(said, "commit_to_task was not sent: ") || f.Retryable != c.retryable {
					t.Errorf("%s %+v", said, f)
				}
				for _, wrong := range []string{"may not have been done", "correct the arguments", "Check the", "failed with"} {
					if strings.Contains(said, wrong) {
						t.Errorf("it says %q: %s", wrong, said)
					}
				}
				if _, writes := p.sent(); writes > 0 {
					t.Error("it was written")
				}
				p.verify = func(*http.Request) (int, string, error) { return 200, `{"username":"ada"}`, nil }
				after(c.stays)
				wantOK(t, commit(as(t, "polt_k"), set))
			})
		})
	}
}

func status(code int) func(*http.Request) (int, string, error) {
	return func(*http.Request) (int, string, error) { return code, `{"error":"no"}`, nil }
}

func TestThatAKeyIsNotTheAgentsIsRememberedForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &platform{owners: map[string]string{"polt_g": "grace"}}
		set := newSet(t, p, ada)
		for key, code := range map[string]polt.Code{"polt_g": polt.CodeForbidden, "polt_unknown": polt.CodeUnauthenticated} {
			asked, _ := p.sent()
			first, f := wantError(t, commit(as(t, key), set), code)
			for range 20 {
				after(499 * time.Millisecond)
				if said, same := wantError(t, commit(as(t, key), set), code); said != first || same != f {
					t.Errorf("%s %+v\nis not\n%s %+v", said, same, first, f)
				}
			}
			p.wantSent(t, asked+1, 0)
			after(20 * time.Millisecond)
			wantError(t, commit(as(t, key), set), code)
			p.wantSent(t, asked+2, 0)
		}
		// What is asked then counts.
		after(10 * time.Second)
		p.owners = map[string]string{"polt_g": "ada"}
		wantOK(t, commit(as(t, "polt_g"), set))
	})
}

// Of too many keys all are forgotten, and asked about again.
func TestKeysAreRememberedWithinBounds(t *testing.T) {
	for owner, code := range map[string]polt.Code{"ada": "", "grace": polt.CodeForbidden} {
		synctest.Test(t, func(t *testing.T) {
			const most = 1000
			p := &platform{verify: func(*http.Request) (int, string, error) { return 200, `{"username":"` + owner + `"}`, nil }}
			set := newSet(t, p, ada)
			check := func(i, lookups int) {
				t.Helper()
				before, _ := p.sent()
				if r := commit(as(t, fmt.Sprintf("polt_%d", i)), set); code == "" {
					wantOK(t, r)
				} else {
					wantError(t, r, code)
				}
				if now, _ := p.sent(); now-before != lookups {
					t.Errorf("%s: write %d made %d lookups", owner, i, now-before)
				}
			}
			for i := range most {
				check(i, 1)
			}
			check(0, 0)
			check(most-1, 0)
			check(most, 1)
			check(most, 0)
			check(0, 1)
		})
	}
}

// An answer is for all who wait, though the one who asked does not any more.
func TestAnswerThatComesTooLateForTheFirstIsTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, cancel := context.WithCancel(as(t, "polt_k"))
		p := &platform{verify: func(*http.Request) (int, string, error) {
			after(time.Second)
			cancel()
			return 200, `{"username":"grace"}`, nil
		}}
		set := newSet(t, p, ada)
		var all sync.WaitGroup
		for _, ctx := range []context.Context{first, as(t, "polt_k"), as(t, "polt_k")} {
			all.Go(func() { wantError(t, commit(ctx, set), polt.CodeForbidden) })
			synctest.Wait()
		}
		all.Wait()
		p.wantSent(t, 1, 0)
	})
}

// Nobody takes a lookup that failed for one that was done.
func TestWaiterAsksItselfWhereTheFirstPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := true
		p := &platform{verify: func(*http.Request) (int, string, error) {
			if first {
				first = false
				after(time.Second)
				panic("a fault")
			}
			return 200, `{"username":"grace"}`, nil
		}}
		set := newSet(t, p, ada)
		var all sync.WaitGroup
		for _, code := range []polt.Code{polt.CodeInternal, polt.CodeForbidden} {
			ctx := as(t, "polt_k")
			all.Go(func() { wantError(t, commit(ctx, set), code) })
			synctest.Wait()
		}
		all.Wait()
		wantError(t, commit(as(t, "polt_k"), set), polt.CodeForbidden)
		p.wantSent(t, 2, 0)
	})
}

func TestConcurrentFirstWritesAskOnce(t *testing.T) {
	for owner, ok := range map[string]bool{"ada": true, "grace": false} {
		synctest.Test(t, func(t *testing.T) {
			p := &platform{verify: func(*http.Request) (int, string, error) {
				after(time.Second)
				return 200, `{"username":"` + owner + `"}`, nil
			}}
			set := newSet(t, p, ada)
			ctx := as(t, "polt_k")
			var all sync.WaitGroup
			for range 50 {
				all.Go(func() {
					if r := commit(ctx, set); r.IsError == ok {
						t.Error(r.Content)
					}
				})
			}
			all.Wait()
			if ok {
				p.wantSent(t, 1, 50)
			} else {
				p.wantSent(t, 1, 0)
			}
		})
	}
}

// Who asks first must not take the others' answer along.
func TestWaiterAsksItselfWhereTheFirstGoesAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &platform{verify: func(r *http.Request) (int, string, error) {
			select {
			case <-time.After(time.Second):
				return 200, `{"username":"ada"}`, nil
			case <-r.Context().Done():
				return 0, "", r.Context().Err()
			}
		}}
		set := newSet(t, p, ada)
		first, cancel := context.WithCancel(as(t, "polt_k"))
		var all sync.WaitGroup
		all.Go(func() {
			if said, _ := wantError(t, commit(first, set), polt.CodeTimeout); !strings.Contains(said, "cancelled") {
				t.Error(said)
			}
		})
		synctest.Wait()
		waiting := as(t, "polt_k")
		all.Go(func() { wantOK(t, commit(waiting, set)) })
		impatient, cancelImpatient := context.WithCancel(as(t, "polt_k"))
		all.Go(func() { wantError(t, commit(impatient, set), polt.CodeTimeout) })
		synctest.Wait()
		cancelImpatient()
		synctest.Wait()
		cancel()
		all.Wait()
		p.wantSent(t, 2, 1)
	})
}

func TestOnlyThePinnedAgentIsRegistered(t *testing.T) {
	p := &platform{
		owners: map[string]string{"polt_g": "grace"},
		write:  func(*http.Request) (int, string, error) { return 201, `{"agent_id":"7","api_key":"polt_new"}`, nil },
	}
	set := newSet(t, p, ada)
	for _, ctx := range []context.Context{t.Context(), as(t, "polt_g")} {
		for _, name := range []string{"grace", "Ada"} {
			said, f := wantError(t, set.Call(ctx, "register_agent", json.RawMessage(`{"another":true,"username":"`+name+`"}`)), polt.CodeForbidden)
			if f.Field != "username" || !strings.Contains(said, `writes as "ada" only`) {
				t.Errorf("%s %+v", said, f)
			}
		}
		wantOK(t, set.Call(ctx, "register_agent", json.RawMessage(`{"username":"ada","another":true}`)))
	}
	p.wantSent(t, 0, 2)
}

func TestPinWithoutAClientIsAnError(t *testing.T) {
	if _, err := policy.New(ada); err == nil {
		t.Error("it was taken")
	}
}
