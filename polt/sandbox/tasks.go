package sandbox

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/openpolt/polt-mcp/polt"
)

const (
	// maxCommitted is how many tasks an agent may be committed to at once.
	// Tasks in review do not count.
	maxCommitted = 3
	recentTasks  = 5
	defaultLimit = 20

	// taskCancelled is set by the CTO; cancelled tasks are in no list.
	taskCancelled polt.TaskStatus = "cancelled"
)

const selectTask = `SELECT id, project_id, project_title, title, description, payout_display, difficulty, status,
	deadline, committed_by, committed_at / 1000, completed_at / 1000, created_at / 1000
	FROM task_answers `

func scanTask(scan scan) (k polt.Task, err error) {
	err = scan(&k.ID, &k.ProjectID, &k.ProjectTitle, &k.Title, &k.Description, &k.PayoutDisplay, &k.Difficulty, &k.Status,
		&k.Deadline, &k.CommittedBy, &k.CommittedAt, &k.CompletedAt, &k.CreatedAt)
	return k, err
}

// taskOrders are the ORDER BY terms. Currencies have no exchange rate, so
// payouts are sorted by currency first.
var taskOrders = map[polt.TaskSort]string{
	polt.TasksByNew:      "created_at DESC, seq DESC",
	polt.TasksByPayout:   "payout_currency, payout_amount DESC, created_at DESC, seq DESC",
	polt.TasksByDeadline: "deadline IS NULL, deadline, created_at DESC, seq DESC",
}

func listTasks(t *tx, _ caller, in polt.ListTasksInput) (polt.TaskList, error) {
	where, args := []string{"status <> 'cancelled'"}, []any{}
	filter := func(column, value string) {
		if value != "" {
			where, args = append(where, column+" = ?"), append(args, value)
		}
	}
	filter("status", string(in.Status))
	filter("difficulty", string(in.Difficulty))
	filter("project_id", in.ProjectID)
	condition := "WHERE " + strings.Join(where, " AND ")

	total, err := t.count(`SELECT count(*) FROM tasks `+condition, args...)
	if err != nil {
		return polt.TaskList{}, err
	}
	page, limit, offset := paginate(in.Page, in.Limit)
	tasks, err := rows(t, scanTask,
		selectTask+condition+` ORDER BY `+taskOrders[cmp.Or(in.Sort, polt.TasksByNew)]+` LIMIT ? OFFSET ?`,
		append(args, limit, offset)...)
	return polt.TaskList{Tasks: tasks, Page: page, Limit: limit, Total: total}, err
}

// paginate applies the defaults and computes the offset.
func paginate(page, limit int) (_, _ int, offset int64) {
	page, limit = cmp.Or(page, 1), cmp.Or(limit, defaultLimit)
	return page, limit, int64(page-1) * int64(limit)
}

func listRecentTasks(t *tx, _ caller, _ polt.ListRecentTasksInput) (polt.TaskList, error) {
	tasks, err := rows(t, scanTask, selectTask+`WHERE status = 'available' ORDER BY created_at DESC, seq DESC LIMIT ?`, recentTasks)
	return polt.TaskList{Tasks: tasks}, err
}

// taskByID returns a task without its submissions.
func taskByID(t *tx, id string) (polt.Task, error) {
	return row(t, "Task", scanTask, selectTask+`WHERE id = ?`, id)
}

func getTask(t *tx, _ caller, in polt.GetTaskInput) (polt.Task, error) {
	task, err := taskByID(t, in.TaskID)
	if err != nil {
		return polt.Task{}, err
	}
	if task.Submissions, err = rows(t, scanSubmission, selectSubmission+`WHERE task_id = ? ORDER BY seq`, task.ID); task.Submissions == nil {
		task.Submissions = []polt.Submission{} // encoded as [], not omitted
	}
	return task, err
}

func commitToTask(t *tx, who caller, in polt.CommitToTaskInput) (polt.Commitment, error) {
	task, err := taskByID(t, in.TaskID)
	if err != nil {
		return polt.Commitment{}, err
	}
	switch {
	case task.Status == polt.TaskCommitted && *task.CommittedBy == who.username:
		return polt.Commitment{}, refuse(http.StatusConflict, "You are already committed to this task")
	case task.Status != polt.TaskAvailable:
		return polt.Commitment{}, refuse(http.StatusConflict, "Task is not available: it is %s", task.Status)
	}
	committed, err := t.count(`SELECT count(*) FROM tasks WHERE agent_id = ? AND status = 'committed'`, who.id)
	if err != nil {
		return polt.Commitment{}, err
	}
	if committed >= maxCommitted {
		returned, err := returnedTasks(t, who)
		if err != nil {
			return polt.Commitment{}, err
		}
		return polt.Commitment{}, refuse(http.StatusConflict, "You are committed to %d tasks, which is the maximum: submit or abandon one first%s", committed, returned)
	}
	err = t.exec(`UPDATE tasks SET status = 'committed', agent_id = ?, committed_at = ? WHERE id = ? AND status = 'available'`,
		who.id, t.now.UnixMilli(), task.ID)
	if err != nil {
		return polt.Commitment{}, err
	}
	if err := t.record(event{kind: TaskCommitted, project: task.ProjectID, task: task.ID, agent: who.id}); err != nil {
		return polt.Commitment{}, err
	}
	task, err = taskByID(t, task.ID)
	return polt.Commitment{Message: "Successfully committed to task", Task: task}, err
}

// returnedTasks returns a sentence that lists the agent's tasks that need a
// revision, or "".
func returnedTasks(t *tx, who caller) (string, error) {
	held, err := listCommittedTasks(t, who, polt.ListCommittedTasksInput{Username: who.username})
	var ids []string
	for _, task := range held.Tasks {
		if *task.LastSubmission == polt.SubmissionNeedsRevision {
			ids = append(ids, task.ID)
		}
	}
	if len(ids) == 0 {
		return "", err
	}
	return ". These came back for a revision, and count: " + strings.Join(ids, ", "), err
}

// ownTask returns a task if the caller is committed to it and it is not in
// review. verb names the attempted action in errors.
func ownTask(t *tx, who caller, id, verb string) (polt.Task, error) {
	task, err := taskByID(t, id)
	switch {
	case err != nil:
		return polt.Task{}, err
	case task.CommittedBy == nil:
		return polt.Task{}, refuse(http.StatusConflict, "You cannot %s this task: it is %s, and you are not committed to it", verb, task.Status)
	case *task.CommittedBy != who.username:
		return polt.Task{}, refuse(http.StatusForbidden, "You cannot %s this task: another agent is committed to it", verb)
	case task.Status != polt.TaskCommitted:
		return polt.Task{}, refuse(http.StatusConflict, "You cannot %s this task: it is %s", verb, task.Status)
	}
	return task, nil
}

func abandonTask(t *tx, who caller, in polt.AbandonTaskInput) (polt.Abandonment, error) {
	task, err := ownTask(t, who, in.TaskID, "abandon")
	if err != nil {
		return polt.Abandonment{}, err
	}
	if err := release(t, task.ID, polt.TaskAvailable); err != nil {
		return polt.Abandonment{}, err
	}
	if err := t.record(event{kind: TaskAbandoned, project: task.ProjectID, task: task.ID, agent: who.id}); err != nil {
		return polt.Abandonment{}, err
	}
	task, err = taskByID(t, task.ID)
	return polt.Abandonment{Message: "Task abandoned: it is available again", Task: &task}, err
}

// release removes a task's agent, if any, and sets its status.
func release(t *tx, id string, status polt.TaskStatus) error {
	return t.exec(`UPDATE tasks SET status = ?, agent_id = NULL, committed_at = NULL WHERE id = ?`, status, id)
}
