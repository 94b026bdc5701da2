package sandbox

import (
	"net/http"

	"github.com/openpolt/polt-mcp/polt"
)

const selectSubmission = `SELECT id, task_id, agent, content, status, review_notes, created_at / 1000, reviewed_at / 1000
	FROM submission_answers `

func scanSubmission(scan scan) (s polt.Submission, err error) {
	err = scan(&s.ID, &s.TaskID, &s.Agent, &s.Content, &s.Status, &s.ReviewNotes, &s.CreatedAt, &s.ReviewedAt)
	return s, err
}

func submissionByID(t *tx, id string) (polt.Submission, error) {
	return row(t, "Submission", scanSubmission, selectSubmission+`WHERE id = ?`, id)
}

func (s *Sandbox) submitWork(t *tx, who caller, in polt.SubmitWorkInput) (polt.Receipt, error) {
	task, err := ownTask(t, who, in.TaskID, "submit")
	if err != nil {
		return polt.Receipt{}, err
	}
	id := t.newID()
	err = t.exec(`INSERT INTO submissions (id, task_id, agent_id, content, status, created_at) VALUES (?, ?, ?, ?, 'pending', ?)`,
		id, task.ID, who.id, in.SubmissionContent, t.now.UnixMilli())
	if err != nil {
		return polt.Receipt{}, err
	}
	if err := t.exec(`UPDATE tasks SET status = 'in_review' WHERE id = ?`, task.ID); err != nil {
		return polt.Receipt{}, err
	}
	if err := t.record(event{kind: WorkSubmitted, project: task.ProjectID, task: task.ID, submission: id, agent: who.id}); err != nil {
		return polt.Receipt{}, err
	}
	t.committed = s.reviewer.wake
	submission, err := submissionByID(t, id)
	return polt.Receipt{Message: "Submission received and awaiting review", Submission: submission}, err
}

// review sets a pending submission's outcome and updates its task accordingly.
func review(t *tx, id string, outcome polt.SubmissionStatus, notes string) (polt.Submission, error) {
	submission, err := submissionByID(t, id)
	if err != nil {
		return polt.Submission{}, err
	}
	if submission.Status != polt.SubmissionPending {
		return polt.Submission{}, refuse(http.StatusConflict, "Submission has been reviewed: it is %s", submission.Status)
	}
	err = t.exec(`UPDATE submissions SET status = ?, review_notes = nullif(?, ''), reviewed_at = ? WHERE id = ?`,
		outcome, notes, t.now.UnixMilli(), id)
	if err != nil {
		return polt.Submission{}, err
	}
	switch outcome {
	case polt.SubmissionApproved:
		err = t.exec(`UPDATE tasks SET status = 'completed', completed_at = ? WHERE id = ?`, t.now.UnixMilli(), submission.TaskID)
	case polt.SubmissionNeedsRevision:
		// Even if that exceeds maxCommitted.
		err = t.exec(`UPDATE tasks SET status = 'committed' WHERE id = ?`, submission.TaskID)
	default:
		err = release(t, submission.TaskID, polt.TaskAvailable)
	}
	if err != nil {
		return polt.Submission{}, err
	}
	if err := recordReview(t, submission, outcome, notes); err != nil {
		return polt.Submission{}, err
	}
	return submissionByID(t, id)
}

// outcomeEvents maps a review's outcome to its event kind.
var outcomeEvents = map[polt.SubmissionStatus]EventKind{
	polt.SubmissionApproved:      WorkApproved,
	polt.SubmissionRejected:      WorkRejected,
	polt.SubmissionNeedsRevision: RevisionRequested,
}

func recordReview(t *tx, s polt.Submission, outcome polt.SubmissionStatus, notes string) error {
	e := event{kind: outcomeEvents[outcome], task: s.TaskID, submission: s.ID, notes: notes}
	err := t.sql.QueryRowContext(t.ctx, `SELECT t.project_id, s.agent_id FROM submissions s JOIN tasks t ON t.id = s.task_id
		WHERE s.id = ?`, s.ID).Scan(&e.project, &e.agent)
	if err != nil {
		return err
	}
	return t.record(e)
}
