package watch_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/openpolt/polt-mcp/internal/watch"
)

// as watches a target for a caller.
func as(t *testing.T, h *watch.Hub, caller watch.Caller, id any) (stop func(), err error) {
	t.Helper()
	_, stop, err = h.WatchAs(t.Context(), caller, watch.Target{ID: id, Read: func(context.Context) ([]byte, error) { return []byte(`{}`), nil }}, func([]byte) {})
	return stop, err
}

func TestCallerWatchesNoMoreThanItMay(t *testing.T) {
	open := 0
	h := watch.New(watch.Options{MaxOfCaller: 3, OnWatch: func(by int) { open += by }})
	defer h.Close()
	a, b := watch.Caller{ID: "a"}, watch.Caller{ID: "b"}
	var stops []func()
	watchAs := func(c watch.Caller, id any) error {
		stop, err := as(t, h, c, id)
		if err == nil {
			stops = append(stops, stop)
		}
		return err
	}
	for _, id := range []any{1, 2, 3, 1, 1, 2} { // what is watched already takes nothing more
		if err := watchAs(a, id); err != nil {
			t.Fatal(err)
		}
	}
	if err := watchAs(a, 4); !errors.Is(err, watch.ErrCallerTooMany) {
		t.Errorf("a fourth: %v", err)
	}
	if err := watchAs(b, 4); err != nil {
		t.Errorf("another caller: %v", err)
	}
	stops[0]() // of 1, which is watched twice more
	stops[0]()
	if err := watchAs(a, 4); !errors.Is(err, watch.ErrCallerTooMany) {
		t.Errorf("a fourth, while all three are watched: %v", err)
	}
	stops[2]() // of 3
	if err := watchAs(a, 4); err != nil {
		t.Errorf("in the place of another: %v", err)
	}
	if open != 6 {
		t.Errorf("%d watches are counted", open)
	}
}

func TestWatchThatDoesNotBeginTakesNoPlace(t *testing.T) {
	h := watch.New(watch.Options{MaxOfCaller: 1})
	defer h.Close()
	broken := watch.Target{ID: "broken", Read: func(context.Context) ([]byte, error) { return nil, errors.New("no") }}
	for range 3 {
		if _, _, err := h.WatchAs(t.Context(), watch.Caller{ID: "a"}, broken, nil); err == nil || errors.Is(err, watch.ErrCallerTooMany) {
			t.Fatal(err)
		}
	}
	if _, err := as(t, h, watch.Caller{ID: "a"}, 1); err != nil {
		t.Error(err)
	}
}

func TestCallersThatAreNotKnownHaveAShare(t *testing.T) {
	h := watch.New(watch.Options{MaxTargets: 20, MaxOfUnknown: 4})
	defer h.Close()
	unknown := func(id string) watch.Caller {
		return watch.Caller{ID: id, IsKnown: func(context.Context) bool { return false }}
	}
	for i := range 5 {
		_, err := as(t, h, unknown("a"), i)
		if (err == nil) != (i < 4) || err != nil && !errors.Is(err, watch.ErrUnknownTooMany) {
			t.Errorf("the %dth of one: %v", i, err)
		}
	}
	n := 0
	for i := range 20 { // callers with keys that they have made up
		if _, err := as(t, h, unknown(fmt.Sprint("made up ", i)), 100+i); err == nil {
			n++
		}
	}
	if n != 6 {
		t.Errorf("all of them together watch %d more", n)
	}
	asked := 0
	known := watch.Caller{ID: "known", IsKnown: func(context.Context) bool { asked++; return true }}
	for i := range 10 {
		if _, err := as(t, h, known, 200+i); err != nil {
			t.Errorf("the %dth of one who is known: %v", i, err)
		}
	}
	if asked == 0 {
		t.Error("nobody was asked whether it is known")
	}
}
