package watch

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	steadyReads = 4  // that show no change, before the pauses grow
	longest     = 20 // intervals of a pause
	// longestAsked is for how long an error may have a target not read, at least.
	longestAsked = longest * defaultInterval
	// farthest is how long an interval may be, so that no sum of pauses overflows.
	farthest = 365 * 24 * time.Hour
)

// pace says when a target is read.
type pace struct {
	interval time.Duration
	pause    time.Duration // without its variation
	steady   int           // reads without a change, one after the other
	next     time.Time
	earliest time.Time // before which the next read must not be
}

func newPace(interval time.Duration) *pace {
	p := &pace{interval: interval, pause: interval}
	p.plan(0)
	return p
}

func (p *pace) fastest() { p.pause, p.steady = p.interval, 0 }

func (p *pace) slower() {
	if p.steady++; p.steady >= steadyReads {
		p.pause = min(p.pause+p.pause/2, longest*p.interval)
	}
}

// plan says when to read next after a read that has just ended, and that asked
// to wait for some time: not for ever, or one answer could silence a target for
// good. What is asked of many at once is done at many times.
func (p *pace) plan(wait time.Duration) {
	now := time.Now()
	p.earliest = now.Add(vary(min(wait, max(longest*p.interval, longestAsked)), 1, 1.1))
	p.next = now.Add(vary(p.pause, 0.9, 1.1))
}

// join lets the next read come soon, for a watcher who has just joined.
func (p *pace) join() {
	p.fastest()
	if soon := time.Now().Add(vary(p.interval, 0.9, 1.1)); soon.Before(p.next) {
		p.next = soon
	}
}

// wait waits until the next read, and reports whether there is to be one.
func (p *pace) wait(ctx context.Context, joined <-chan struct{}) bool {
	timer := time.NewTimer(p.untilNext())
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-timer.C:
			return ctx.Err() == nil // at the same time, either may be first
		case <-joined:
			p.join()
			timer.Reset(p.untilNext())
		}
	}
}

func (p *pace) untilNext() time.Duration {
	return max(time.Until(p.next), time.Until(p.earliest))
}

// vary returns d, times something between from and to.
func vary(d time.Duration, from, to float64) time.Duration {
	//nolint:gosec // it must differ, and need not be hard to guess
	return time.Duration(float64(d) * (from + (to-from)*rand.Float64()))
}
