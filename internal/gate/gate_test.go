package gate_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openpolt/polt-mcp/internal/gate"
)

type callerKey struct{}

// platform answers when it is told to.
type platform struct {
	arrived chan string // who asks
	answer  chan struct{}
}

func (p *platform) RoundTrip(r *http.Request) (*http.Response, error) {
	p.arrived <- r.Context().Value(callerKey{}).(gate.Caller).ID
	<-p.answer
	return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
}

// open returns what asks the platform through a gate.
func open(t *testing.T) (*platform, func(context.Context, gate.Caller) error) {
	p := &platform{arrived: make(chan string, 1000), answer: make(chan struct{})}
	g := gate.New(func(ctx context.Context) gate.Caller {
		c, _ := ctx.Value(callerKey{}).(gate.Caller)
		return c
	})
	return p, func(ctx context.Context, c gate.Caller) error {
		r, err := http.NewRequestWithContext(context.WithValue(ctx, callerKey{}, c), http.MethodGet, "http://platform.invalid", strings.NewReader(""))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := g.Transport(p).RoundTrip(r)
		if err == nil {
			err = resp.Body.Close()
		}
		return err
	}
}

// A hundred callers that nobody knows ask for much at once.
func TestKnownCallersDoNotWaitForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, ask := open(t)
		results := make(chan error, 1000)
		go func() {
			for i := range 100 {
				go func() { results <- ask(context.Background(), gate.Caller{ID: fmt.Sprint("made up ", i)}) }()
			}
		}()
		synctest.Wait()
		if len(p.arrived) != gate.Most {
			t.Errorf("%d are with the platform at a time", len(p.arrived))
		}
		for range gate.Most {
			<-p.arrived
		}
		for _, c := range []gate.Caller{{ID: "ada", Known: true}, {}} {
			go func() { results <- ask(context.Background(), c) }()
			synctest.Wait()
			if got := <-p.arrived; got != c.ID {
				t.Errorf("%q has arrived", got)
			}
		}
		for range 102 {
			p.answer <- struct{}{}
		}
		for range 102 {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
	})
}

func TestUnknownCallersTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, ask := open(t)
		results := make(chan error, 1000)
		for range 50 {
			go func() { results <- ask(context.Background(), gate.Caller{ID: "greedy"}) }()
		}
		synctest.Wait()
		go func() { results <- ask(context.Background(), gate.Caller{ID: "modest"}) }()
		synctest.Wait()
		for range gate.Most {
			<-p.arrived
		}
		var next []string
		for range 2 {
			p.answer <- struct{}{}
			synctest.Wait()
			next = append(next, <-p.arrived)
		}
		if !slices.Contains(next, "modest") {
			t.Errorf("the next are %q", next)
		}
		for range 49 {
			p.answer <- struct{}{}
		}
		for range 51 {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
	})
}

func TestWhoStopsWaitingTakesNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, ask := open(t)
		results := make(chan error, 1000)
		for range gate.Most {
			go func() { results <- ask(context.Background(), gate.Caller{ID: "a"}) }()
		}
		synctest.Wait()
		ctx, cancel := context.WithCancel(context.Background())
		for range 5 {
			go func() { results <- ask(ctx, gate.Caller{ID: "b"}) }()
		}
		synctest.Wait()
		cancel()
		for range 5 {
			if err := <-results; !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
		for range gate.Most {
			p.answer <- struct{}{}
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
		for range gate.Most { // all places are free again
			go func() { results <- ask(context.Background(), gate.Caller{ID: "c"}) }()
		}
		synctest.Wait()
		if len(p.arrived) != 2*gate.Most {
			t.Errorf("%d have arrived", len(p.arrived))
		}
		for range gate.Most {
			p.answer <- struct{}{}
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
	})
}

func TestNobodyWaitsForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, ask := open(t)
		results := make(chan error, gate.Most)
		for range gate.Most {
			go func() { results <- ask(context.Background(), gate.Caller{ID: "a"}) }()
		}
		synctest.Wait()
		began := time.Now()
		err := ask(context.Background(), gate.Caller{ID: "b"})
		if busy, ok := errors.AsType[*gate.Error](err); !ok || busy.RetryAfter() <= 0 || time.Since(began) > 15*time.Second {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
		for range gate.Most {
			p.answer <- struct{}{}
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
	})
}
