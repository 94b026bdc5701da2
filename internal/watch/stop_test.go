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

// restless returns a target that every read shows changed.
func restless(id any) *source {
	s := newSource(id, "")
	var n atomic.Int64
	s.is(func(context.Context) ([]byte, error) { return strconv.AppendInt(nil, n.Add(1), 10), nil })
	return s
}

func TestLastStopEndsThePolling(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := watch.New(watch.Options{})
		s := restless("target")
		first, second := follow(t, h, s), follow(t, h, s)
		s.pauses(1)
		first.want(1)
		first.stop()
		first.stop()
		s.pauses(1)
		first.want(1)
		second.want(2)
		second.stop()
		pass(100 * interval)
		s.wantReads(t, 3)
		third := follow(t, h, s)
		first.stop() // and still that is another watch
		second.stop()
		fourth := follow(t, h, s) // shares the third's reads
		s.wantReads(t, 4)
		s.pauses(1)
		third.want(1)
		fourth.want(1)
		third.stop()
		fourth.stop()
		// That the bubble ends without Close shows that nothing is left.
	})
}

func TestStopDoesNotWaitForARead(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := watch.New(watch.Options{OnError: func(_ any, err error) { t.Errorf("told of %v", err) }})
		hanging, other := newSource("hanging", "1"), restless("other")
		w := follow(t, h, hanging)
		_, ended := hanging.hang()
		hanging.pauses(1)
		began := time.Now()
		o := follow(t, h, other)
		o.stop()
		w.stop()
		if took := time.Since(began); took != 0 {
			t.Errorf("stopping took %v", took)
		}
		synctest.Wait()
		if ended.Load() != 1 {
			t.Error("the read goes on")
		}
	})
}

func TestStopWaitsForARunningCall(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := watch.New(watch.Options{})
		s := restless("target")
		release := make(chan struct{})
		var running atomic.Bool
		stop, err := h.Watch(t.Context(), s.target(), func() {
			running.Store(true)
			<-release
			running.Store(false)
		})
		if err != nil {
			t.Fatal(err)
		}
		s.pauses(1)
		var stopped atomic.Int64
		for range 10 {
			go func() {
				stop()
				if running.Load() {
					t.Error("stop has returned before changed")
				}
				stopped.Add(1)
			}()
		}
		closed := make(chan struct{})
		go func() { h.Close(); close(closed) }()
		synctest.Wait()
		if n := stopped.Load(); n != 0 || !running.Load() {
			t.Errorf("%d stops did not wait", n)
		}
		select {
		case <-closed:
			t.Error("Close did not wait")
		default:
		}
		close(release)
		<-closed
		synctest.Wait()
		if n := stopped.Load(); n != 10 {
			t.Errorf("%d stops returned", n)
		}
	})
}

// TestWhoStopsWhileOthersAreToldIsNotTold stops the one of two watchers whose
// turn has not come.
func TestWhoStopsWhileOthersAreToldIsNotTold(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := watch.New(watch.Options{})
		s := newSource("target", "1")
		release := make(chan struct{})
		var calls [2]atomic.Int64
		var stops [2]func()
		for i := range stops {
			stop, err := h.Watch(t.Context(), s.target(), func() {
				calls[i].Add(1)
				<-release
			})
			if err != nil {
				t.Fatal(err)
			}
			stops[i] = stop
			defer stop()
		}
		s.set("2")
		s.pauses(1)
		first, next := 0, 1
		if calls[first].Load() == 0 { // they have no order
			first, next = next, first
		}
		stops[next]()
		close(release)
		s.set("3")
		s.pauses(1)
		if n := calls[first].Load(); n != 2 {
			t.Errorf("who watches on was told %d times", n)
		}
		if n := calls[next].Load(); n != 0 {
			t.Errorf("who had stopped was told %d times", n)
		}
	})
}

func TestNoWatcherIsToldAfterClose(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := watch.New(watch.Options{})
		s := restless("target")
		release := make(chan struct{})
		calls := 0
		for range 10 {
			stop, err := h.Watch(t.Context(), s.target(), func() { calls++; <-release })
			if err != nil {
				t.Fatal(err)
			}
			defer stop()
		}
		s.pauses(1)
		go h.Close()
		synctest.Wait()
		close(release)
		h.Close()
		if calls != 1 {
			t.Errorf("%d were told", calls)
		}
	})
}

func TestClose(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := watch.New(watch.Options{OnError: func(_ any, err error) { t.Errorf("told of %v", err) }})
		known, unknown := restless("known"), newSource("unknown", "")
		w := follow(t, h, known)
		_, endedKnown := known.hang()
		_, endedUnknown := unknown.hang()
		known.pauses(1)
		failed := make(chan error)
		go func() {
			_, err := h.Watch(t.Context(), unknown.target(), nil)
			failed <- err
		}()
		synctest.Wait()
		for range 3 {
			go h.Close()
		}
		if err := <-failed; !errors.Is(err, watch.ErrClosed) {
			t.Errorf("who was waiting got %v", err)
		}
		h.Close()
		if endedKnown.Load() != 1 || endedUnknown.Load() != 1 {
			t.Error("a read goes on")
		}
		if _, err := h.Watch(t.Context(), known.target(), nil); !errors.Is(err, watch.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
		w.want(0)
		w.stop()
		known.wantReads(t, 2)
	})
}

// TestRaces joins, stops and closes as fast as it can, in real time.
func TestRaces(t *testing.T) {
	h := watch.New(watch.Options{Interval: time.Microsecond, MaxTargets: 3})
	targets := []watch.Target{restless(0).target(), restless(1).target(), restless(2).target(), restless(3).target()}
	targets[2].Read = func(context.Context) ([]byte, error) { return nil, watch.ErrGone }
	closed := make(chan struct{})
	var working sync.WaitGroup
	var calls atomic.Int64
	for i := range 8 {
		working.Go(func() {
			for n := i; ; n++ {
				ctx, cancel := context.WithCancel(t.Context())
				if n%5 == 0 {
					go cancel()
				}
				var running, stopped atomic.Bool
				told := make(chan struct{}, 1)
				stop, err := h.Watch(ctx, targets[n%len(targets)], func() {
					if running.Swap(true) {
						t.Error("two calls at a time")
					}
					if stopped.Load() {
						t.Error("told after stop")
					}
					calls.Add(1)
					select {
					case told <- struct{}{}:
					default:
					}
					running.Store(false)
				})
				if errors.Is(err, watch.ErrClosed) {
					cancel()
					return
				}
				if err == nil {
					if n%3 == 0 {
						select {
						case <-told:
						case <-closed: // there will be nothing to tell
						}
					}
					go stop()
					stop()
					stopped.Store(true)
				}
				cancel()
			}
		})
	}
	for calls.Load() < 5000 {
		time.Sleep(time.Millisecond) //nolint:forbidigo // the time is real, and its length does not matter
	}
	h.Close()
	close(closed)
	at := calls.Load()
	working.Wait()
	if calls.Load() != at {
		t.Error("told after Close")
	}
}
