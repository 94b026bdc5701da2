package watch_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/openpolt/polt-mcp/internal/watch"
)

func TestFirstReadThatFails(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		told := 0
		h := watch.New(watch.Options{OnError: func(any, error) { told++ }})
		broken := errors.New("broken")
		for _, test := range []struct {
			err  error
			told int
		}{{broken, 1}, {fmt.Errorf("target: %w", watch.ErrGone), 0}} {
			s := newSource("target", "")
			release := make(chan struct{})
			s.is(func(context.Context) ([]byte, error) { <-release; return nil, test.err })
			errs := make(chan error, 10)
			for range cap(errs) {
				go func() {
					_, err := h.Watch(t.Context(), s.target(), nil)
					errs <- err
				}()
			}
			synctest.Wait()
			told = 0
			close(release)
			for range cap(errs) {
				if err := <-errs; !errors.Is(err, test.err) {
					t.Errorf("Watch: %v", err)
				}
			}
			pass(100 * interval)
			s.wantReads(t, 1)
			if told != test.told {
				t.Errorf("%v: told of %d errors", test.err, told)
			}
			s.set("1")
			follow(t, h, s).stop()
			s.wantReads(t, 2)
		}
	})
}

func TestGoneAndBack(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := watch.New(watch.Options{OnError: func(_ any, err error) { t.Errorf("told of %v", err) }})
		s := newSource("target", "1")
		w := follow(t, h, s)
		s.fail(fmt.Errorf("target: %w", watch.ErrGone))
		s.pauses(1)
		w.want(1)
		wantPauses(t, s.pauses(6), 1, 1, 1, 1, 1.5, 2.25) // as for any state that stays
		w.want(1)
		newcomer := follow(t, h, s) // knows that it is gone
		wantPauses(t, s.pauses(3), 1, 1, 1)
		s.set("1")
		wantPauses(t, s.pauses(1), 1)
		w.want(2)
		newcomer.want(1)
		wantPauses(t, s.pauses(2), 1, 1)
		w.want(2)
	})
}

func TestFailureWhileGone(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := watch.New(watch.Options{})
		s := newSource("target", "1")
		w := follow(t, h, s)
		s.fail(watch.ErrGone)
		s.pauses(1)
		s.fail(errors.New("broken"))
		wantPauses(t, s.pauses(2), 1, 1)
		s.fail(watch.ErrGone)
		s.pauses(1)
		w.want(1)
	})
}

func TestPanics(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var told []string
		h := watch.New(watch.Options{OnError: func(id any, err error) { told = append(told, fmt.Sprint(id, ": ", err)) }})
		s := newSource("target", "1")
		panics := func(context.Context) ([]byte, error) { panic("oops") }
		s.is(panics)
		if _, err := h.Watch(t.Context(), s.target(), nil); err == nil || !strings.Contains(err.Error(), "oops") {
			t.Errorf("Watch: %v", err)
		}
		s.set("1")
		w := follow(t, h, s)
		stop, err := h.Watch(t.Context(), s.target(), func() { panic("no news") })
		if err != nil {
			t.Fatal(err)
		}
		s.is(panics)
		s.pauses(1)
		w.want(0)
		for _, state := range []string{"2", "3"} {
			s.set(state)
			s.pauses(1)
		}
		w.want(2)
		stop()
		want := []string{"target: reading it panicked: oops", "target: reading it panicked: oops",
			"target: telling of its change panicked: no news", "target: telling of its change panicked: no news"}
		if fmt.Sprint(told) != fmt.Sprint(want) {
			t.Errorf("told of %q", told)
		}
	})
}
