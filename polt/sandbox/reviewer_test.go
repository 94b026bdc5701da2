package sandbox_test

import (
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/polt/sandbox"
)

// loop is an agent's loop of submissions to one task.
type loop struct {
	t    *testing.T
	s    *sandbox.Sandbox
	key  string
	task string
}

func startLoop(t *testing.T, s *sandbox.Sandbox) *loop {
	l := &loop{t, s, registerAgent(t, s, "ada"), createTask(t, s, createProject(t, s))}
	l.commit()
	return l
}

func (l *loop) commit() {
	l.t.Helper()
	call[polt.Commitment](l.t, l.s, l.key, "POST", "/api/tasks/"+l.task+"/commit", "")
}

func (l *loop) submit() {
	l.t.Helper()
	call[polt.Receipt](l.t, l.s, l.key, "POST", "/api/tasks/"+l.task+"/submit", `{"submission_content":"work"}`)
}

// expect compares the task's status, and the outcomes of its submissions.
func (l *loop) expect(status polt.TaskStatus, outcomes ...polt.SubmissionStatus) {
	l.t.Helper()
	task := call[polt.Task](l.t, l.s, "", "GET", "/api/tasks/"+l.task, "")
	if task.Status != status || len(task.Submissions) != len(outcomes) {
		l.t.Fatalf("the task is %s with %d submissions, not %s with %d", task.Status, len(task.Submissions), status, len(outcomes))
	}
	for i, s := range task.Submissions {
		if s.Status != outcomes[i] {
			l.t.Errorf("submission %d is %s, not %s", i+1, s.Status, outcomes[i])
		}
		if s.Status != polt.SubmissionPending && (s.ReviewNotes == nil || !strings.Contains(*s.ReviewNotes, `"A task"`)) {
			l.t.Errorf("submission %d has no notes that name the task", i+1)
		}
	}
}

// pass lets time pass in a bubble of synctest: none passes outside.
func pass(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // virtual
	synctest.Wait()
}

const (
	pending  = polt.SubmissionPending
	revision = polt.SubmissionNeedsRevision
	approved = polt.SubmissionApproved
	rejected = polt.SubmissionRejected
)

// TestAutoReview follows the loop in virtual time: a review comes when its delay
// is over, and not before.
func TestAutoReview(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := startLoop(t, open(t, sandbox.Options{Empty: true, AutoReview: time.Hour}))
		l.submit()
		pass(time.Hour - time.Second)
		l.expect(polt.TaskInReview, pending)
		pass(time.Second)
		l.expect(polt.TaskCommitted, revision)
		pass(10 * time.Hour)
		l.submit()
		pass(time.Hour)
		l.expect(polt.TaskCompleted, revision, approved)
	})
}

// TestAutoReviewOutcomes counts an agent's submissions to a task; the last
// outcome repeats.
func TestAutoReviewOutcomes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := startLoop(t, open(t, sandbox.Options{
			Empty: true, AutoReview: time.Minute, Reviews: []polt.SubmissionStatus{revision, rejected},
		}))
		l.submit()
		pass(2 * time.Minute)
		l.submit()
		pass(2 * time.Minute)
		l.expect(polt.TaskAvailable, revision, rejected)
		l.commit()
		l.submit()
		pass(2 * time.Minute)
		l.expect(polt.TaskAvailable, revision, rejected, rejected)

		// Another agent begins anew.
		l.key = registerAgent(t, l.s, "bob")
		l.commit()
		l.submit()
		pass(2 * time.Minute)
		l.expect(polt.TaskCommitted, revision, rejected, rejected, revision)
	})
}

// TestAutoReviewByHand has the CTO be faster.
func TestAutoReviewByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := startLoop(t, open(t, sandbox.Options{Empty: true, AutoReview: time.Minute}))
		l.submit()
		task := call[polt.Task](t, l.s, "", "GET", "/api/tasks/"+l.task, "")
		call[any](t, l.s, l.s.CTOKey().Reveal(), "PATCH", "/api/submissions/"+task.Submissions[0].ID+"/review",
			`{"action":"approve","review_notes":"\"A task\" is done."}`)
		pass(time.Hour)
		l.expect(polt.TaskCompleted, approved)
	})
}

// TestAutoReviewAfterRestart leaves a submission behind for the next process.
func TestAutoReviewAfterRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := sandbox.Options{Empty: true, AutoReview: time.Hour, Path: filepath.Join(t.TempDir(), "polt.db")}
		s, err := sandbox.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		l := startLoop(t, s)
		l.submit()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		pass(24 * time.Hour)
		l.s = open(t, o)
		pass(time.Second)
		l.expect(polt.TaskCommitted, revision)
	})
}

// TestAutoReviewWithFixedClock fails if a review waits for a clock that stands
// still.
func TestAutoReviewWithFixedClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		l := startLoop(t, open(t, sandbox.Options{Empty: true, AutoReview: time.Hour, Now: func() time.Time { return now }}))
		l.submit()
		pass(59 * time.Minute)
		l.expect(polt.TaskInReview, pending)
		pass(2 * time.Minute)
		l.expect(polt.TaskCommitted, revision)
		l.submit()
		pass(59 * time.Minute)
		l.expect(polt.TaskInReview, revision, pending)
		pass(2 * time.Minute)
		l.expect(polt.TaskCompleted, revision, approved)
	})
}

// TestAutoReviewLeavesTheSeed leaves the work of the seed's agents to the CTO.
func TestAutoReviewLeavesTheSeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, sandbox.Options{AutoReview: time.Minute})
		before := send(t, s, request(t, "", "GET", "/api/tasks?status=in_review", ""))
		pass(time.Hour)
		after := send(t, s, request(t, "", "GET", "/api/tasks?status=in_review", ""))
		if string(before.body) != string(after.body) {
			t.Error("what was in review has changed")
		}
	})
}

// TestAutoReviewFails has Close tell what the reviews failed with.
func TestAutoReviewFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "polt.db")
		s, err := sandbox.Open(t.Context(), sandbox.Options{Empty: true, AutoReview: time.Minute, Path: path})
		if err != nil {
			t.Fatal(err)
		}
		l := startLoop(t, s)
		l.submit()
		execute(t, path, "DROP VIEW submission_answers")
		pass(2 * time.Minute)
		if err := s.Close(); err == nil || !strings.Contains(err.Error(), "review: ") {
			t.Errorf("Close says: %v", err)
		}
	})
}
