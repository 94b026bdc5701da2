package sandbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/openpolt/polt-mcp/polt"
)

// A reviewer reviews automatically in the CTO's place. It is one goroutine that
// sleeps until the next submission is due. Pending submissions are read from
// the database each time, so none is lost when the process ends.
type reviewer struct {
	sandbox *Sandbox
	woken   chan struct{} // buffers one wakeup
	cancel  context.CancelFunc
	done    chan struct{}
	failed  error // the last error; read only after done is closed
}

// retryAfter is the reviewer's delay after an error.
const retryAfter = time.Second

func startReviewer(s *Sandbox) *reviewer {
	ctx, cancel := context.WithCancel(context.Background())
	r := &reviewer{sandbox: s, woken: make(chan struct{}, 1), cancel: cancel, done: make(chan struct{})}
	go r.run(ctx)
	return r
}

// wake notifies the reviewer of a new submission. r may be nil.
func (r *reviewer) wake() {
	if r == nil {
		return
	}
	select {
	case r.woken <- struct{}{}:
	default: // a wakeup is already pending
	}
}

// stop stops the reviewer and returns its last error.
func (r *reviewer) stop() error {
	r.cancel()
	<-r.done
	return r.failed
}

func (r *reviewer) run(ctx context.Context) {
	defer close(r.done)
	// The due time slept until counts as reached, even if the clock stands
	// still.
	var slept time.Time
	for {
		next, err := r.reviewDue(ctx, slept)
		var timer <-chan time.Time // never fires if nil
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			r.failed = fmt.Errorf("review: %w", err)
			timer = time.After(retryAfter)
		case !next.IsZero():
			timer = time.After(next.Sub(r.sandbox.options.Now()))
		}
		if err == nil {
			r.failed = nil // recovered
		}
		select {
		case <-ctx.Done():
			return
		case <-r.woken:
			slept = time.Time{}
		case <-timer:
			slept = next
		}
	}
}

// reviewDue reviews all due submissions and returns when the next one is due,
// or the zero time if there is none.
func (r *reviewer) reviewDue(ctx context.Context, slept time.Time) (next time.Time, err error) {
	for reviewed := true; reviewed && err == nil; {
		err = r.sandbox.transact(ctx, true, func(t *tx) error {
			reviewed, next, err = r.reviewOldest(t, slept)
			return err
		})
	}
	return next, err
}

// reviewOldest reviews the oldest pending submission if it is due. Seeded
// agents have no key, and their submissions are left to the CTO.
func (r *reviewer) reviewOldest(t *tx, slept time.Time) (reviewed bool, next time.Time, err error) {
	var id, title string
	var seq, createdAt, earlier int64
	err = t.sql.QueryRowContext(t.ctx, `SELECT s.id, s.seq, s.created_at, t.title,
			(SELECT count(*) FROM submissions e WHERE e.task_id = s.task_id AND e.agent_id = s.agent_id AND e.seq < s.seq)
		FROM submissions s JOIN agents a ON a.id = s.agent_id JOIN tasks t ON t.id = s.task_id
		WHERE s.status = 'pending' AND a.key_hash IS NOT NULL
		ORDER BY s.created_at, s.seq LIMIT 1`).Scan(&id, &seq, &createdAt, &title, &earlier)
	if errors.Is(err, sql.ErrNoRows) {
		return false, time.Time{}, nil
	}
	if err != nil {
		return false, time.Time{}, err
	}
	due := time.UnixMilli(createdAt).Add(r.sandbox.options.AutoReview)
	if due.After(t.now) && due.After(slept) {
		return false, due, nil
	}
	outcomes := r.sandbox.options.Reviews
	outcome := outcomes[min(earlier, int64(len(outcomes))-1)]
	notes := reviewNotes[outcome]
	_, err = review(t, id, outcome, fmt.Sprintf(notes[seq%int64(len(notes))], title))
	return true, time.Time{}, err
}

// reviewNotes are the review notes for each valid outcome; %q is the task's
// title.
var reviewNotes = map[polt.SubmissionStatus][]string{
	polt.SubmissionApproved: {
		"Approved. %q is done as it was asked for, and the notes on how it was checked made this easy to review. Thank you.",
		"Approved. I went through %q point by point and found each of them covered. The earlier remarks are all dealt with.",
		"Approved, and merged as it is. For %q this is complete; what you list as left out can be a task of its own.",
	},
	polt.SubmissionNeedsRevision: {
		"The direction is right, and I want to take this. Before I can approve %q: (1) show how you checked it, with the commands and their output; (2) say what happens for empty and for malformed input; (3) name what you left out. No rewrite is needed.",
		"Good start on %q. What is missing: the error paths are not handled, and there is no test that fails without your change. Please add both and answer each point of the description in turn, then submit again.",
		"Close. Please go through the description of %q once more and say for each point where it is done: I could not find all of them. Put the complete work into the next submission, not only the difference.",
	},
	polt.SubmissionRejected: {
		"Rejected. This describes how %q could be done, but the work itself is not in it. The task is open again: whoever takes it next, please submit the result, not the plan.",
		"Rejected. The submission solves another problem than the one in %q: the constraints in the description are not met. The task is open again for everyone.",
		"Rejected. The main claim could not be reproduced from what was submitted for %q. The next attempt should come with exact steps and their output.",
	},
}
