package watch_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/openpolt/polt-mcp/internal/watch"
)

// backingOff are the pauses, in intervals, where nothing changes.
var backingOff = []float64{1, 1, 1, 1, 1.5, 2.25, 3.375, 5.0625, 7.59375, 11.390625, 17.0859375, 20, 20, 20}

func TestPausesGrowWhileNothingChanges(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := watch.New(watch.Options{})
		s := newSource("target", "1")
		w := follow(t, h, s)
		wantPauses(t, s.pauses(len(backingOff)), backingOff...)
		s.set("2")
		wantPauses(t, s.pauses(1), 20)
		w.want(1)
		wantPauses(t, s.pauses(len(backingOff)), backingOff...)
		w.want(1)
	})
}

func TestPausesVaryByATenth(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := watch.New(watch.Options{})
		n := 0
		s := newSource("target", "")
		s.is(func(context.Context) ([]byte, error) { n++; return strconv.AppendInt(nil, int64(n), 10), nil })
		follow(t, h, s)
		pauses := s.pauses(1000)
		wantPauses(t, pauses, slices.Repeat([]float64{1}, len(pauses))...)
		if least, most := slices.Min(pauses), slices.Max(pauses); least > interval*92/100 || most < interval*108/100 {
			t.Errorf("the pauses are from %v to %v", least, most)
		}
	})
}

func TestThingsThatAreWatchedAtOnceAreNotReadAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := watch.New(watch.Options{})
		times := map[time.Time]bool{}
		var sources []*source
		for id := range 100 {
			s := newSource(id, "")
			follow(t, h, s)
			sources = append(sources, s)
		}
		pass(interval * 3 / 2)
		for _, s := range sources {
			s.wantReads(t, 2)
			times[s.readAt()[1]] = true
		}
		if len(times) < len(sources)/2 {
			t.Errorf("%d targets were read at %d times", len(sources), len(times))
		}
	})
}

func TestIntervalIsAnOption(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := newSource("target", "1")
		w := follow(t, watch.New(watch.Options{Interval: 20 * interval}), s)
		wantPauses(t, s.pauses(4), 20, 20, 20, 20)
		w.want(0)
		hardly := watch.New(watch.Options{Interval: 1<<63 - 1})
		for id := range 20 {
			s := newSource(id, "")
			follow(t, hardly, s)
			pass(24 * time.Hour)
			s.wantReads(t, 1)
		}
	})
}

func TestNewWatcherNeedNotWaitOutALongPause(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := watch.New(watch.Options{})
		s := newSource("target", "1")
		follow(t, h, s)
		s.pauses(14)
		pass(5 * interval) // of 20
		joined := time.Now()
		follow(t, h, s)
		s.pauses(1)
		wantPauses(t, []time.Duration{time.Since(joined)}, 1)
		wantPauses(t, s.pauses(len(backingOff)-1), backingOff[1:]...)
	})
}

func TestWatchersWhoJoinAllTheTimeNeitherHurryNorDelayReads(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := watch.New(watch.Options{})
		s := newSource("target", "1")
		follow(t, h, s)
		for range 1000 {
			follow(t, h, s)
			pass(interval / 10)
		}
		reads := s.readAt()
		for i := 1; i < len(reads); i++ {
			wantPauses(t, []time.Duration{reads[i].Sub(reads[i-1])}, 1)
		}
		if len(reads) < 90 {
			t.Errorf("%d reads in 100 intervals", len(reads))
		}
	})
}

func TestNewWatcherDuringARead(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := watch.New(watch.Options{})
		s := newSource("target", "state")
		w := follow(t, h, s)
		s.pauses(14)
		release, _ := s.hang()
		s.pauses(1)
		s.wantReads(t, 16)
		follow(t, h, s) // does not wait for the read
		s.wantReads(t, 16)
		release()
		released := time.Now()
		s.pauses(1)
		wantPauses(t, []time.Duration{time.Since(released)}, 1)
		w.want(0)
	})
}

// busy is the error of who asks to wait.
type busy time.Duration

func (b busy) Error() string                     { return "busy" }
func (b busy) RetryAfterDuration() time.Duration { return time.Duration(b) }

func TestErrorsMayAskToWait(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		for _, test := range []struct{ asked, least, most time.Duration }{
			{-time.Hour, interval * 9 / 10, interval * 11 / 10},
			{time.Second, interval * 9 / 10, interval * 11 / 10},
			{interval, interval, interval * 11 / 10},
			{2 * interval, 2 * interval, 2 * interval * 11 / 10},
			{20 * interval, 20 * interval, 20 * interval * 11 / 10},
			{time.Hour, 20 * interval, 20 * interval * 11 / 10},
			{1e9 * time.Second, 20 * interval, 20 * interval * 11 / 10},
			{1<<63 - 1, 20 * interval, 20 * interval * 11 / 10},
		} {
			h := watch.New(watch.Options{})
			s := newSource("target", "1")
			follow(t, h, s)
			s.fail(fmt.Errorf("read: %w", busy(test.asked)))
			s.pauses(1)
			s.set("1")
			newcomer := follow(t, h, s) // does not shorten it
			if pause := s.pauses(1)[0]; pause < test.least || pause > test.most {
				t.Errorf("asked to wait for %v, and waited for %v", test.asked, pause)
			}
			newcomer.want(0)
			h.Close()
		}
	})
}

// Whoever looks often waits for as long as others where that is asked for.
func TestShortIntervalDoesNotShortenWhatIsAskedFor(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		for asked, want := range map[time.Duration]time.Duration{time.Minute: time.Minute, time.Hour: 5 * time.Minute} {
			h := watch.New(watch.Options{Interval: 100 * time.Millisecond})
			s := newSource("target", "1")
			follow(t, h, s)
			s.fail(busy(asked))
			s.pauses(1)
			if pause := s.pauses(1)[0]; pause < want || pause > want*11/10 {
				t.Errorf("asked to wait for %v, and waited for %v", asked, pause)
			}
			h.Close()
		}
	})
}

func TestManyWhoAreAskedToWaitDoNotReadAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := watch.New(watch.Options{})
		var pauses []time.Duration
		for id := range 200 {
			s := newSource(id, "1")
			w := follow(t, h, s)
			s.fail(busy(10 * interval))
			s.pauses(1)
			s.set("1")
			pauses = append(pauses, s.pauses(1)...)
			w.stop()
		}
		least, most := slices.Min(pauses), slices.Max(pauses)
		if least < 10*interval || least > 10*interval*102/100 || most < 10*interval*108/100 || most > 11*interval {
			t.Errorf("the pauses are from %v to %v", least, most)
		}
	})
}

func TestFailedReadsAreNoChangeAndSlowThePace(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		broken := errors.New("broken")
		told := 0
		h := watch.New(watch.Options{OnError: func(id any, err error) {
			if told++; id != "target" || !errors.Is(err, broken) {
				t.Errorf("told of %v: %v", id, err)
			}
		}})
		s := newSource("target", "1")
		w := follow(t, h, s)
		s.fail(broken)
		wantPauses(t, s.pauses(len(backingOff)), backingOff...)
		if told != len(backingOff) {
			t.Errorf("told of %d errors", told)
		}
		s.set("1")
		wantPauses(t, s.pauses(1), 20)
		w.want(0)
		s.set("2")
		s.pauses(1)
		w.want(1)
	})
}
