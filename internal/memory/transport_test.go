package memory_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openpolt/polt-mcp/internal/memory"
)

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

// exchange reads an answer on an account.
func exchange(ctx context.Context, t *testing.T, method string, platform answers, account *memory.Account) (int, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(memory.With(ctx, account), method, "http://platform.invalid", nil)
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

func get(ctx context.Context, t *testing.T, platform answers, account *memory.Account) (int, error) {
	t.Helper()
	return exchange(ctx, t, http.MethodGet, platform, account)
}

// The time is virtual.
func TestLargeAnswersWaitForTheirTurn(t *testing.T) {
	for name, platform := range map[string]answers{"told": {8 * mib, true}, "not told": {8 * mib, false}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := memory.NewBudget(large)
				first := b.Open(ada)
				if n, err := get(t.Context(), t, platform, first); n != platform.bytes || err != nil {
					t.Fatal(n, err)
				}
				if b.Held() != 24*mib {
					t.Errorf("%d MiB are held for an answer of 8", b.Held()/mib)
				}
				second, done := b.Open(grace), false
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
				if n, err := get(t.Context(), t, answers{10 << 10, false}, b.Open(nobody())); n != 10<<10 || err != nil {
					t.Errorf("one of the usual size waits: %d, %v", n, err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				if _, err := get(ctx, t, platform, b.Open(nobody())); err == nil {
					t.Error("a call that has ended waits on")
				}
				first.Close()
				synctest.Wait()
				if !done {
					t.Error("the second still waits")
				}
				second.Close()
				if b.Held() != 0 {
					t.Errorf("%d bytes are held after the end", b.Held())
				}
			})
		})
	}
}

// The time is virtual.
func TestNoAnswerWaitsForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := memory.NewBudget(large)
		first := b.Open(ada)
		if _, err := get(t.Context(), t, answers{8 * mib, true}, first); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		_, err := get(t.Context(), t, answers{8 * mib, true}, b.Open(grace))
		busy, ok := errors.AsType[*memory.Error](err)
		if !ok || busy.RetryAfter() <= 0 || time.Since(began) > 10*time.Second {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
		// What was written must be told: that waits for as long as its call.
		done := false
		go func() {
			if _, err := exchange(t.Context(), t, http.MethodPost, answers{8 * mib, true}, b.Open(grace)); err != nil {
				t.Error(err)
			}
			done = true
		}()
		<-time.After(20 * time.Second)
		first.Close()
		synctest.Wait()
		if !done {
			t.Error("the answer to a write is not read")
		}
	})
}

func TestShortAnswerOfUnknownLengthHoldsLittle(t *testing.T) {
	b := memory.NewBudget(large)
	for range 20 {
		if _, err := get(t.Context(), t, answers{100 << 10, false}, b.Open(nobody())); err != nil {
			t.Fatal(err)
		}
	}
	if b.Held() != 20*3*100<<10 {
		t.Errorf("%d bytes are held", b.Held())
	}
}

// The time is virtual. Each has some room and needs more, which there is not for
// both.
func TestLargeAnswersDoNotBlockEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := memory.NewBudget(large)
		results := make(chan error)
		for range 6 {
			go func() {
				a := b.Open(nobody())
				_, err := get(t.Context(), t, answers{8 * mib, false}, a)
				a.Close()
				results <- err
			}()
		}
		began, read := time.Now(), 0
		for range 6 {
			if err := <-results; err == nil {
				read++
			}
		}
		if read == 0 || time.Since(began) > time.Second { // the others come again
			t.Errorf("%d were read after %s", read, time.Since(began))
		}
		if b.Held() != 0 {
			t.Errorf("%d bytes are held after the end", b.Held())
		}
	})
}

// Callers that do not take their answers have others wait, but not for long.
func TestLargeAnswerThatIsNotTakenGivesWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := memory.NewBudget(large)
		slow := b.Open(unknown)
		if _, err := get(t.Context(), t, answers{8 * mib, true}, slow); err != nil {
			t.Fatal(err)
		}
		slow.AwaitClient(func() {})
		if _, err := get(t.Context(), t, answers{8 * mib, true}, b.Open(memory.Caller{ID: "other"})); err != nil || !slow.GaveWay() {
			t.Errorf("%v; the other gave way: %v", err, slow.GaveWay())
		}
	})
}

// What waits on a stream to be written is held by its calls, and the client that
// does not take it is the stream's. The time is virtual.
func TestAnswersOnAStreamGiveWayWithIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := memory.NewBudget(large)
		stream, call := b.Open(unknown), b.Open(unknown)
		call.Join(stream)
		if _, err := get(t.Context(), t, answers{8 * mib, true}, call); err != nil {
			t.Fatal(err)
		}
		cut := make(chan struct{})
		stream.AwaitClient(func() { close(cut) })
		if _, err := get(t.Context(), t, answers{8 * mib, true}, b.Open(memory.Caller{ID: "other"})); err != nil || !stream.GaveWay() || !call.GaveWay() {
			t.Errorf("%v; the stream gave way: %v, its call: %v", err, stream.GaveWay(), call.GaveWay())
		}
		<-cut
	})
}
