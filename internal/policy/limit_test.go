package policy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openpolt/polt-mcp/internal/policy"
	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
)

func TestNoMinuteHasMoreWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 3
		p := &platform{}
		set := newSet(t, p, policy.Options{MaxPerMinute: most})
		var sent []time.Time
		for i := range 2000 {
			after(time.Duration(i*i%7919) * time.Millisecond)
			if !commit(as(t, "polt_k"), set).IsError {
				sent = append(sent, time.Now())
			}
		}
		for i := range len(sent) - most {
			if d := sent[i+most].Sub(sent[i]); d < time.Minute {
				t.Fatalf("%d writes within %s", most+1, d)
			}
		}
		p.wantSent(t, 0, len(sent))
	})
}

func TestRefusalSaysWhenToCallAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := newSet(t, &platform{}, policy.Options{MaxPerMinute: 2})
		ctx := as(t, "polt_k")
		wantOK(t, commit(ctx, set))
		after(20 * time.Second)
		wantOK(t, commit(ctx, set))
		after(500 * time.Millisecond)
		said, f := wantError(t, commit(ctx, set), polt.CodeRateLimited)
		want := "commit_to_task was not sent: this server's own limit is reached (--max-writes-per-minute 2). Wait 40 seconds, then call commit_to_task again."
		if said != want || f.RetryAfter != 40 || !f.Retryable || f.HTTPStatus != 0 {
			t.Errorf("%s %+v", said, f)
		}
		after(40 * time.Second)
		wantOK(t, commit(ctx, set))
		if _, f := wantError(t, commit(ctx, set), polt.CodeRateLimited); f.RetryAfter != 20 {
			t.Errorf("%+v", f)
		}
	})
}

func TestLimitIsForEachKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &platform{}
		set := newSet(t, p, policy.Options{MaxPerMinute: 1})
		register := json.RawMessage(`{"username":"ada"}`)
		for range 2 {
			wantOK(t, commit(as(t, "polt_1"), set))
			wantOK(t, commit(as(t, "polt_2"), set))
			wantError(t, commit(as(t, "polt_1"), set), polt.CodeRateLimited)
			wantOK(t, set.Call(t.Context(), "register_agent", register))
			wantError(t, set.Call(t.Context(), "register_agent", register), polt.CodeRateLimited)
			wantOK(t, set.Call(as(t, "polt_1"), "list_tasks", nil))
			after(time.Minute)
		}
		p.wantSent(t, 0, 8)
	})
}

// Whoever registers may bring any key, so it is counted by where it comes from.
func TestLimitIsForEachAddressWithoutAKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type from struct{}
		at := func(ctx context.Context, address string) context.Context {
			return context.WithValue(ctx, from{}, address)
		}
		p := &platform{}
		set := newSet(t, p, policy.Options{MaxPerMinute: 1, Address: func(ctx context.Context) string { s, _ := ctx.Value(from{}).(string); return s }})
		register := json.RawMessage(`{"username":"ada","another":true}`)
		wantOK(t, set.Call(at(t.Context(), "192.0.2.1"), "register_agent", register))
		wantOK(t, set.Call(at(t.Context(), "192.0.2.2"), "register_agent", register))
		for i := range 3 {
			ctx := at(as(t, fmt.Sprintf("polt_%d", i)), "192.0.2.1")
			wantError(t, set.Call(ctx, "register_agent", register), polt.CodeRateLimited)
			wantOK(t, commit(ctx, set))
			wantError(t, commit(at(ctx, "192.0.2.3"), set), polt.CodeRateLimited)
		}
		p.wantSent(t, 0, 5)
	})
}

func TestRefusedWritesDoNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &platform{owners: map[string]string{"polt_a": "ada", "polt_g": "grace"}}
		set, rules := newSetAndPolicy(t, p, policy.Options{Agent: "ada", MaxPerMinute: 1, Journal: filepath.Join(t.TempDir(), "journal")})
		set.Call(as(t, "polt_a"), "commit_to_task", nil)
		wantError(t, commit(as(t, "polt_g"), set), polt.CodeForbidden)
		wantError(t, commit(as(t, "polt_g"), set), polt.CodeForbidden)
		wantOK(t, commit(as(t, "polt_a"), set))
		wantError(t, commit(as(t, "polt_a"), set), polt.CodeRateLimited)
		after(time.Minute)
		if err := rules.Close(); err != nil { // so that nothing can be recorded
			t.Fatal(err)
		}
		for range 3 {
			wantError(t, commit(as(t, "polt_a"), set), polt.CodeInternal)
		}
		p.wantSent(t, 2, 1)
	})
}

// Keys can be made up, and must not keep out those that are not.
func TestWritesWithAKeyThatThePlatformDoesNotKnowDoNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rules, err := policy.New(policy.Options{MaxPerMinute: 2})
		if err != nil {
			t.Fatal(err)
		}
		begin := func(key string) (func(tools.Outcome), error) {
			return rules.OnWrite(t.Context(), tools.Write{Key: keyNamed(t, key)})
		}
		unknown := tools.Outcome{Err: &polt.Error{Code: polt.CodeUnauthenticated, HTTPStatus: 401}}
		mine, err := begin("polt_mine")
		if err != nil {
			t.Fatal(err)
		}
		for i := range 100_000 { // as many callers as are counted
			done, err := begin(fmt.Sprintf("polt_%d", i))
			if err != nil {
				t.Fatal(err)
			}
			done(unknown)
		}
		mine(tools.Outcome{})
		for range 3 { // the second of two counts only where it is written
			done, err := begin("polt_mine")
			if err != nil {
				t.Fatal(err)
			}
			done(unknown)
		}
		if _, err := begin("polt_mine"); err != nil {
			t.Error(err)
		}
		if _, err := begin("polt_mine"); err == nil {
			t.Error("a third write in a minute is let through")
		}
	})
}

func TestWritesThatFailCount(t *testing.T) {
	for name, write := range map[string]func(*http.Request) (int, string, error){
		"refused":        status(403),
		"not there":      status(404),
		"taken":          status(409),
		"too many":       status(429),
		"failed":         status(500),
		"unreachable":    func(*http.Request) (int, string, error) { return 0, "", errReset },
		"a server fault": func(*http.Request) (int, string, error) { panic("a fault") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				set := newSet(t, &platform{write: write}, policy.Options{MaxPerMinute: 1})
				if r := commit(as(t, "polt_k"), set); !r.IsError {
					t.Error("it did not fail")
				}
				if said, _ := wantError(t, commit(as(t, "polt_k"), set), polt.CodeRateLimited); !strings.Contains(said, "this server's own limit") {
					t.Error(said)
				}
			})
		})
	}
}

// Of more callers than are counted, those that came first are counted on, and
// forgotten once that changes nothing.
func TestManyCallersAreCountedWithinBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const callers = 2000
		rules, err := policy.New(policy.Options{MaxPerMinute: 1, MaxCallers: callers})
		if err != nil {
			t.Fatal(err)
		}
		write := func(i int) error {
			_, err := rules.OnWrite(t.Context(), tools.Write{Key: keyNamed(t, fmt.Sprintf("polt_%d", i))})
			return err
		}
		for i := range callers {
			if err := write(i); err != nil {
				t.Fatal(err)
			}
		}
		for _, i := range []int{0, callers - 1, callers} {
			if err := write(i); err == nil {
				t.Errorf("caller %d may write", i)
			}
		}
		if err := write(callers); !strings.Contains(err.Error(), "more callers") {
			t.Error(err)
		}
		after(time.Minute)
		for i := range callers {
			if err := write(i + callers); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestNegativeLimitIsAnError(t *testing.T) {
	if _, err := policy.New(policy.Options{MaxPerMinute: -1}); err == nil {
		t.Error("it was taken")
	}
}
