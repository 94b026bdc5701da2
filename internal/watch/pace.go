package watch

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	steadyReads = 4  // consecutive reads without a change before the pauses grow
	longest     = 20 // maximum pause, in intervals
	// longestAsked caps an error's retry-after, unless longest intervals are more.
	longestAsked = longest * defaultInterval
	// farthest is the maximum interval, so that no sum of pauses overflows.
	farthest = 365 * 24 * time.Hour
)

// pace schedules the reads of a target.
type pace struct {
	interval time.Duration
	pause    time.Duration // without jitter
	steady   int           // consecutive reads without a change
	next     time.Time
	earliest time.Time // of the next read, from an error's retry-after
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

// plan schedules the next read after one that has just ended, no sooner than wait.
// That is capped, or one response could stop the polling of a target for good, and
// jittered, as many targets may be asked to wait at once.
func (p *pace) plan(wait time.Duration) {
	now := time.Now()
	p.earliest = now.Add(vary(min(wait, max(longest*p.interval, longestAsked)), 1, 1.1))
	p.next = now.Add(vary(p.pause, 0.9, 1.1))
}

// join moves the next read to within an interval, for a watcher that has just
// joined.
func (p *pace) join() {
	p.fastest()
	if soon := time.Now().Add(vary(p.interval, 0.9, 1.1)); soon.Before(p.next) {
		p.next = soon
	}
}

// wait waits until the next read is due. It returns false if ctx is done.
func (p *pace) wait(ctx context.Context, joined <-chan struct{}) bool {
	timer := time.NewTimer(p.untilNext())
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-timer.C:
			return ctx.Err() == nil // select is random if both are ready
		case <-joined:
			p.join()
			timer.Reset(p.untilNext())
		}
	}
}

func (p *pace) untilNext() time.Duration {
	return max(time.Until(p.next), time.Until(p.earliest))
}

// vary returns d times a random factor between from and to.
func vary(d time.Duration, from, to float64) time.Duration {
	//nolint:gosec // it must differ, and need not be hard to guess
	return time.Duration(float64(d) * (from + (to-from)*rand.Float64()))
}
