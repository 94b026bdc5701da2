package watch_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openpolt/polt-mcp/internal/watch"
)

func TestThousandWatchersMissNoneOfThousandChanges(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := watch.New(watch.Options{})
		s := newSource("target", "0")
		var watchers []*told
		for range 1000 {
			watchers = append(watchers, follow(t, h, s))
		}
		var state atomic.Int64
		s.is(func(context.Context) ([]byte, error) { return strconv.AppendInt(nil, state.Add(1), 10), nil })
		const changes = 1000
		began := time.Now()
		s.pauses(changes)
		took := time.Since(began)
		for _, w := range watchers {
			w.want(changes)
		}
		s.wantReads(t, 1+changes)
		if n := took.Seconds() / interval.Seconds(); n < 0.97*changes || n > 1.03*changes {
			t.Errorf("%d reads took %.1f intervals", changes, n)
		}
	})
}

func TestBaselineIsTheStateWhenTheWatchBegan(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := watch.New(watch.Options{})
		s := newSource("target", "before")
		first := follow(t, h, s)
		s.wantReads(t, 1)
		s.set("after")
		second := follow(t, h, s) // to whom the state is what the first knows
		s.wantReads(t, 1)
		s.pauses(1)
		first.want(1)
		second.want(1)
		third := follow(t, h, s)
		pass(10 * interval)
		first.want(1)
		third.want(0)
	})
}

func TestThingsAreApart(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		type id struct{ whose, what string }
		h := watch.New(watch.Options{})
		mine, yours := newSource(id{"me", "target"}, "1"), newSource(id{"you", "target"}, "1")
		me, you := follow(t, h, mine), follow(t, h, yours)
		mine.set("2")
		mine.pauses(1)
		yours.pauses(1)
		me.want(1)
		you.want(0)
	})
}

// hang makes reads wait until release is called, or until their context ends,
// which is counted.
func (s *source) hang() (release func(), ended *atomic.Int64) {
	released := make(chan struct{})
	ended = new(atomic.Int64)
	s.is(func(ctx context.Context) ([]byte, error) {
		select {
		case <-released:
			return []byte("state"), nil
		case <-ctx.Done():
			ended.Add(1)
			return nil, ctx.Err()
		}
	})
	return sync.OnceFunc(func() { close(released) }), ended
}

func TestThousandFirstWatchersShareOneRead(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := watch.New(watch.Options{})
		s := newSource("target", "")
		release, _ := s.hang()
		first, giveUp := context.WithCancel(t.Context())
		errs := make(chan error, 1000)
		for i := range cap(errs) {
			ctx := t.Context()
			if i%2 == 0 {
				ctx = first
			}
			go func() {
				stop, err := h.Watch(ctx, s.target(), func() {})
				if err == nil {
					t.Cleanup(stop)
				}
				errs <- err
			}()
			synctest.Wait() // so that the first one is one that gives up
		}
		giveUp()
		for range cap(errs) / 2 {
			if err := <-errs; !errors.Is(err, context.Canceled) {
				t.Errorf("one who gave up got %v", err)
			}
		}
		release()
		for range cap(errs) / 2 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		s.wantReads(t, 1)
		h.Close()
	})
}

func TestReadForWhichNobodyWaitsIsCancelled(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := watch.New(watch.Options{OnError: func(_ any, err error) { t.Errorf("told of %v", err) }})
		s := newSource("target", "")
		_, ended := s.hang()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for range 2 {
			if _, err := h.Watch(ctx, s.target(), nil); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Watch: %v", err)
			}
			synctest.Wait()
			if ended.Load() != 1 {
				t.Errorf("%d reads were cancelled", ended.Load())
			}
		}
		s.wantReads(t, 1) // as the second one's time was over before
		s.set("state")
		follow(t, h, s)
		s.wantReads(t, 2)
	})
}

func TestReadHasAContextOfItsOwn(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		type key struct{}
		h := watch.New(watch.Options{})
		s := newSource("target", "")
		s.is(func(ctx context.Context) ([]byte, error) {
			if ctx.Value(key{}) != nil || ctx.Err() != nil {
				t.Errorf("a read's context: %v, %v", ctx.Value(key{}), ctx.Err())
			}
			return nil, nil
		})
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "value"))
		stop, err := h.Watch(ctx, s.target(), func() {})
		if err != nil {
			t.Fatal(err)
		}
		cancel() // ends nothing any more
		s.pauses(1)
		stop()
	})
}

func TestTooManyThings(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		for _, test := range []struct{ option, most int }{{0, 1000}, {3, 3}} {
			h := watch.New(watch.Options{MaxTargets: test.option})
			var watchers []*told
			for i := range test.most {
				watchers = append(watchers, follow(t, h, newSource(i, "")))
			}
			another := newSource("another", "")
			if _, err := h.Watch(t.Context(), another.target(), nil); !errors.Is(err, watch.ErrTooMany) {
				t.Errorf("Watch: %v", err)
			}
			another.wantReads(t, 0)
			again := follow(t, h, newSource(0, "")) // is no other target
			watchers[0].stop()
			if _, err := h.Watch(t.Context(), another.target(), nil); !errors.Is(err, watch.ErrTooMany) {
				t.Errorf("Watch: %v", err)
			}
			again.stop()
			follow(t, h, another)
			h.Close()
		}
	})
}
