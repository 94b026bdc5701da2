package memory_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/openpolt/polt-mcp/internal/memory"
)

const least = 96 << 20 // of which 8 MiB are given out at once, and 8 MiB to large answers

func TestWhatDoesNotFitIsRefusedUntilThereIsRoom(t *testing.T) {
	b := memory.NewBudget(least)
	first, second := b.Open(), b.Open()
	if !first.Take(6<<20) || !second.Take(2<<20) {
		t.Fatal("what fits was refused")
	}
	if second.Take(1) {
		t.Error("more than there is was taken")
	}
	first.Close()
	first.Close() // gives back once
	if !second.Take(6<<20) || second.Take(1) {
		t.Error("it is not as much as was given back")
	}
	if first.Take(1) {
		t.Error("a closed account takes more")
	}
	second.Close()
	var none *memory.Budget
	account := none.Open()
	if !account.Take(1 << 40) {
		t.Error("no budget refuses")
	}
	account.Close()
}

// answers is a platform that answers with so many bytes, and says so or not.
type answers struct {
	bytes int
	told  bool
}

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	resp := &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(strings.Repeat("x", a.bytes))), ContentLength: -1, Request: r}
	if a.told {
		resp.ContentLength = int64(a.bytes)
	}
	return resp, nil
}

// get reads an answer on an account.
func get(ctx context.Context, t *testing.T, platform answers, account *memory.Account) (int, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(memory.With(ctx, account), http.MethodGet, "http://platform.invalid", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := memory.Transport(platform).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return len(body), err
}

func TestLargeAnswersWaitForTheirTurn(t *testing.T) {
	for name, platform := range map[string]answers{"told": {2 << 20, true}, "not told": {2 << 20, false}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := memory.NewBudget(least)
				first := b.Open()
				if n, err := get(t.Context(), t, platform, first); n != platform.bytes || err != nil {
					t.Fatal(n, err)
				}
				second, done := b.Open(), false
				go func() {
					if n, err := get(t.Context(), t, platform, second); n != platform.bytes || err != nil {
						t.Error(n, err)
					}
					done = true
				}()
				synctest.Wait()
				if done {
					t.Error("two large answers are held at once")
				}
				if n, err := get(t.Context(), t, answers{10 << 10, false}, b.Open()); n != 10<<10 || err != nil {
					t.Errorf("one of the usual size waits: %d, %v", n, err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				if _, err := get(ctx, t, platform, b.Open()); err == nil {
					t.Error("a call that has ended waits on")
				}
				first.Close()
				synctest.Wait()
				if !done {
					t.Error("the second still waits")
				}
				second.Close()
			})
		})
	}
}

func TestLimits(t *testing.T) {
	for text, want := range map[string]int64{"512MiB": 512 << 20, "1GiB": 1 << 30, "200000KiB": 200000 << 10, "134217728": 128 << 20, "": memory.Limit()} {
		if got, err := memory.ParseLimit(text); got != want || err != nil {
			t.Errorf("%q is %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"1MiB", "0", "-1GiB", "much", "1 TB", "9999999999GiB", "1.5GiB"} {
		if _, err := memory.ParseLimit(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}
