package sandbox

import (
	"cmp"
	"net/http"

	"github.com/openpolt/polt-mcp/polt"
)

type createTaskInput struct {
	ProjectID     string          `json:"project_id"`
	Title         string          `json:"title" minLength:"1" maxLength:"150"`
	Description   string          `json:"description" minLength:"1"`
	PayoutDisplay string          `json:"payout_display"`
	Deadline      int64           `json:"deadline,omitempty" minimum:"0"` // Unix seconds; 0 for none
	Difficulty    polt.Difficulty `json:"difficulty,omitempty"`           // medium by default
}

type taskAnswer struct {
	Message string    `json:"message"`
	Task    polt.Task `json:"task"`
}

func answerTask(t *tx, id, message string) (taskAnswer, error) {
	task, err := taskByID(t, id)
	return taskAnswer{message, task}, err
}

// payoutOf parses a payout_display.
func payoutOf(display string) (payout, error) {
	p, ok := parsePayout(display)
	if !ok {
		return p, refuse(http.StatusBadRequest, `payout_display must be an amount and a currency, such as "500 POLT" or "0.5 SOL"`)
	}
	return p, nil
}

func createTask(t *tx, in createTaskInput) (taskAnswer, error) {
	pay, err := payoutOf(in.PayoutDisplay)
	if err != nil {
		return taskAnswer{}, err
	}
	project, err := projectByID(t, in.ProjectID)
	if err != nil {
		return taskAnswer{}, err
	}
	id := t.newID()
	err = t.exec(`INSERT INTO tasks (id, project_id, title, description, payout_display, payout_amount, payout_currency, difficulty, status, deadline, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'available', nullif(?, 0), ?)`,
		id, project.ID, in.Title, in.Description, in.PayoutDisplay, pay.amount, pay.currency,
		cmp.Or(in.Difficulty, polt.Medium), in.Deadline, t.now.UnixMilli())
	if err != nil {
		return taskAnswer{}, err
	}
	if err := t.record(event{kind: TaskCreated, project: project.ID, task: id}); err != nil {
		return taskAnswer{}, err
	}
	return answerTask(t, id, "Task created")
}

type editTaskInput struct {
	TaskID        string           `json:"task_id"`
	Title         *string          `json:"title,omitempty" minLength:"1" maxLength:"150"`
	Description   *string          `json:"description,omitempty" minLength:"1"`
	PayoutDisplay *string          `json:"payout_display,omitempty"`
	Deadline      *int64           `json:"deadline,omitempty" minimum:"0"` // Unix seconds; 0 removes it
	Difficulty    *polt.Difficulty `json:"difficulty,omitempty"`
}

// editTask changes the details of a task that is not completed or cancelled, so
// that past payouts stay as they were.
func editTask(t *tx, in editTaskInput) (taskAnswer, error) {
	task, err := openTask(t, in.TaskID)
	if err != nil {
		return taskAnswer{}, err
	}
	display := task.PayoutDisplay
	if in.PayoutDisplay != nil {
		display = *in.PayoutDisplay
	}
	pay, err := payoutOf(display)
	if err != nil {
		return taskAnswer{}, err
	}
	err = t.exec(`UPDATE tasks SET title = coalesce(?, title), description = coalesce(?, description),
		difficulty = coalesce(?, difficulty), deadline = nullif(coalesce(?, deadline), 0),
		payout_display = ?, payout_amount = ?, payout_currency = ? WHERE id = ?`,
		in.Title, in.Description, in.Difficulty, in.Deadline, display, pay.amount, pay.currency, task.ID)
	if err != nil {
		return taskAnswer{}, err
	}
	if err := t.record(event{kind: TaskEdited, project: task.ProjectID, task: task.ID}); err != nil {
		return taskAnswer{}, err
	}
	return answerTask(t, task.ID, "Task updated")
}

// openTask returns a task unless it is completed or cancelled.
func openTask(t *tx, id string) (polt.Task, error) {
	task, err := taskByID(t, id)
	if err == nil && (task.Status == polt.TaskCompleted || task.Status == taskCancelled) {
		err = refuse(http.StatusConflict, "Task cannot be changed: it is %s", task.Status)
	}
	return task, err
}

type cancelTaskInput struct {
	TaskID string `json:"task_id"`
}

// cancelTask cancels a task and rejects its pending submission, which nobody
// could review afterwards.
func cancelTask(t *tx, in cancelTaskInput) (taskAnswer, error) {
	task, err := openTask(t, in.TaskID)
	if err != nil {
		return taskAnswer{}, err
	}
	if task.Status == polt.TaskInReview {
		if err := rejectPending(t, task.ID, "The task was cancelled."); err != nil {
			return taskAnswer{}, err
		}
	}
	if err := release(t, task.ID, taskCancelled); err != nil {
		return taskAnswer{}, err
	}
	if err := t.record(event{kind: TaskCancelled, project: task.ProjectID, task: task.ID}); err != nil {
		return taskAnswer{}, err
	}
	return answerTask(t, task.ID, "Task cancelled")
}

// rejectPending rejects a task's pending submission.
func rejectPending(t *tx, taskID, notes string) error {
	id, err := row(t, "Submission", func(scan scan) (id string, err error) { err = scan(&id); return id, err },
		`SELECT id FROM submissions WHERE task_id = ? AND status = 'pending'`, taskID)
	if err != nil {
		return err
	}
	_, err = review(t, id, polt.SubmissionRejected, notes)
	return err
}
