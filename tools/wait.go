package tools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/openpolt/polt-mcp/internal/envelope"
	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools/internal/shape"
)

const (
	defaultWait = 50  // seconds; shorter than most hosts' call timeout
	maxWait     = 600 // seconds
)

// waitInput are the arguments of wait_for_review.
type waitInput struct {
	TaskID    string `json:"task_id"`
	TimeoutS  int    `json:"timeout_s,omitempty" jsonschema:"1 to 600 seconds, default 50" minimum:"1" maximum:"600"`
	AnyChange bool   `json:"any_change,omitempty" jsonschema:"wait for any change, not only for a review"`
}

func waitForReview() *definition {
	return own[waitInput, polt.Task](Tool{
		Name:        "wait_for_review",
		Title:       "Wait for a review",
		Description: "Wait until your submitted task is reviewed, then return it as get_task does. Instead of polling; call again if it is still in review.",
		Summary:     shape.Submissions,
		Says:        []func(*answer) string{afterReading},
	}, func(ctx context.Context, s *Set, p prepared, client *polt.Client) ([]byte, addition, error) {
		return s.waitForReview(ctx, p, client)
	})
}

// waitForReview waits until a task leaves review or, with any_change, changes.
func (s *Set) waitForReview(ctx context.Context, p prepared, client *polt.Client) ([]byte, addition, error) {
	w := &waiting{set: s, id: p.given.text("task_id"), anyChange: p.given.is("any_change"), changed: make(chan []byte, 1)}
	seconds := p.given["timeout_s"].number
	if seconds == 0 {
		seconds = defaultWait
	}
	task, notice, err := w.wait(ctx, client, time.Duration(seconds)*time.Second)
	if err != nil {
		return nil, addition{}, err
	}
	if notice != "" && p.summary != shape.Whole {
		task = membersOf(task, "id", "task_id", "title", "status")
	}
	return client.Key().Redact(task), addition{notice: notice}, nil // the read was shared, so it is redacted here
}

// waiting is a wait for a task.
type waiting struct {
	set       *Set
	id        string
	anyChange bool
	changed   chan []byte // newest unprocessed state
}

// wait starts the watch before it reads the task. It skips the read if the
// watch's last state suffices; otherwise it reads, because that state may be
// older than the call.
func (w *waiting) wait(ctx context.Context, client *polt.Client, patience time.Duration) (task []byte, notice string, err error) {
	last, stop, failed := w.set.options.Watch(ctx, "polt://tasks/"+w.id, func(state []byte) {
		select {
		case <-w.changed:
		default:
		}
		w.changed <- state
	})
	if failed == nil {
		defer stop()
	}
	task = last
	if failed != nil || w.anyChange || statusOf(last) != polt.TaskInReview {
		if task, err = w.set.readShared(ctx, client, w.id); err != nil {
			return nil, "", err
		}
	}
	switch status := statusOf(task); {
	case !w.anyChange && status == "":
		return task, "the answer has no status, so it is not known whether the task is in review", nil
	case !w.anyChange && status != polt.TaskInReview:
		return task, "", nil
	case failed != nil:
		return nil, "", waitError(failed)
	}
	return w.await(ctx, task, patience)
}

// isOver reports whether the awaited change happened between two states.
func (w *waiting) isOver(before, now []byte) bool {
	if w.anyChange {
		return !isSame(before, now)
	}
	return statusOf(now) != polt.TaskInReview
}

func statusOf(task []byte) polt.TaskStatus {
	var t struct{ Status polt.TaskStatus }
	task, _ = envelope.Object(task, "status")
	_ = json.Unmarshal(task, &t) // if invalid, there is no status
	return t.Status
}

// isSame reports whether two answers look the same in a result.
func isSame(a, b []byte) bool {
	var shown [2]any
	for i, raw := range [][]byte{a, b} {
		shaped, err := shape.JSON(raw, shape.Options{Drop: noticeMember})
		if err != nil || json.Unmarshal(shaped.JSON, &shown[i]) != nil {
			return false
		}
	}
	return reflect.DeepEqual(shown[0], shown[1])
}

// await waits for the change, at most for patience.
func (w *waiting) await(ctx context.Context, task []byte, patience time.Duration) (_ []byte, notice string, _ error) {
	start := time.Now()
	over := time.NewTimer(patience)
	defer over.Stop()
	tick := time.NewTicker(progressInterval)
	defer tick.Stop()
	still := "still in review"
	if w.anyChange {
		still = "no change"
	}
	next := "; call again, or do other work; get_task shows the whole task"
	for {
		select {
		case state := <-w.changed:
			if len(state) == 0 {
				return nil, "", &polt.Error{Code: polt.CodeNotFound, HTTPStatus: 404, Message: "the task is not there any more"}
			}
			if w.isOver(task, state) {
				return state, "", nil
			}
			task = state
		case <-tick.C:
			reportProgress(ctx, time.Since(start).Round(time.Second).Seconds(), patience.Seconds(), still)
		case <-over.C:
			return task, fmt.Sprintf("%s after %d s%s", still, int(patience.Seconds()), next), nil
		case <-w.set.options.Ending(ctx):
			return task, still + ", and this server is shutting down" + next, nil
		case <-ctx.Done():
			return nil, "", cancelled(ctx)
		}
	}
}

func cancelled(ctx context.Context) error {
	return &polt.Error{Code: polt.CodeTimeout, Message: "the call was cancelled", Retryable: true, Err: ctx.Err()}
}

// readShared reads a task, once for all concurrent callers. Tasks are public,
// so it is read without a key.
func (s *Set) readShared(ctx context.Context, client *polt.Client, id string) ([]byte, error) {
	read := s.reads.DoChan(id, func() (any, error) {
		answer, err := polt.GetTask.Call(context.WithoutCancel(ctx), client.As(polt.Key{}), polt.GetTaskInput{TaskID: id})
		return answer.Raw, err
	})
	select {
	case r := <-read:
		raw, _ := r.Val.([]byte)
		return raw, r.Err
	case <-ctx.Done():
		return nil, cancelled(ctx)
	}
}

// waitError converts the error of a failed watch into the call's error.
func waitError(err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		return &polt.Error{Code: e.Code(), Message: e.Message, Retryable: e.facts.Retryable, RetryAfter: e.RetryAfterDuration()}
	}
	return err
}
