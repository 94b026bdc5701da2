package sandbox

import (
	"strings"

	"github.com/openpolt/polt-mcp/polt"
)

// StatusCancelled is the status of a task cancelled by the CTO. The platform's
// lists omit such tasks.
const StatusCancelled = taskCancelled

// A TaskFilter selects tasks; its zero value selects all.
type TaskFilter struct {
	ProjectID  string
	Difficulty polt.Difficulty
	Agent      string // username of the agent that holds or completed it
	Words      string // words that the title or the description must contain
}

func (f TaskFilter) conditions() (c conditions) {
	c.equal("project_id", f.ProjectID)
	c.equal("difficulty", string(f.Difficulty))
	if f.Agent != "" {
		c.add("agent_id = (SELECT id FROM agents WHERE username = ?)", f.Agent)
	}
	for _, word := range strings.Fields(f.Words) {
		like := "%" + likeEscaper.Replace(word) + "%"
		c.add(`(title LIKE ? ESCAPE '\' OR description LIKE ? ESCAPE '\')`, like, like)
	}
	return c
}

var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// CountTasks returns the number of matching tasks by status.
func (v View) CountTasks(f TaskFilter) (map[polt.TaskStatus]int, error) {
	type number struct {
		status polt.TaskStatus
		count  int
	}
	c := f.conditions()
	numbers, err := rows(v.t, func(scan scan) (n number, err error) {
		err = scan(&n.status, &n.count)
		return n, err
	}, `SELECT status, count(*) FROM tasks `+c.where()+` GROUP BY status`, c.args...)
	counts := map[polt.TaskStatus]int{}
	for _, n := range numbers {
		counts[n.status] = n.count
	}
	return counts, err
}

// Tasks returns a page of matching tasks in a status, those that entered it
// last first.
func (v View) Tasks(f TaskFilter, status polt.TaskStatus, limit, offset int) ([]polt.Task, error) {
	c := f.conditions()
	c.add("status = ?", status)
	// Selected before joining projects and agents, so that only a page is
	// joined.
	return rows(v.t, scanTask, selectTask+`WHERE seq IN (SELECT seq FROM tasks `+c.where()+`
			ORDER BY `+lastFirst+` LIMIT ? OFFSET ?)
		ORDER BY `+lastFirst, append(c.args, limit, offset)...)
}

// lastFirst matches an index on the tasks of one status.
const lastFirst = `coalesce(completed_at, committed_at, created_at) DESC, seq DESC`

// Task returns a task with its submissions.
func (v View) Task(id string) (polt.Task, error) {
	return getTask(v.t, caller{}, polt.GetTaskInput{TaskID: id})
}

// Submission returns a submission with its content.
func (v View) Submission(id string) (polt.Submission, error) { return submissionByID(v.t, id) }

// A Waiting is a submission that awaits review, without its content.
type Waiting struct {
	SubmissionID  string
	TaskID        string
	TaskTitle     string
	ProjectTitle  string
	PayoutDisplay string
	Agent         string
	CreatedAt     int64 // Unix seconds
	Earlier       int   // number of earlier submissions to the task
}

// CountWaiting returns the number of submissions that await review.
func (v View) CountWaiting() (int, error) {
	return v.t.count(`SELECT count(*) FROM submissions WHERE status = 'pending'`)
}

// Waiting returns up to limit submissions that await review, the oldest first.
func (v View) Waiting(limit int) ([]Waiting, error) {
	return rows(v.t, func(scan scan) (w Waiting, err error) {
		err = scan(&w.SubmissionID, &w.TaskID, &w.TaskTitle, &w.ProjectTitle, &w.PayoutDisplay, &w.Agent, &w.CreatedAt, &w.Earlier)
		return w, err
	}, `SELECT s.id, t.id, t.title, p.title, t.payout_display, a.username, s.created_at / 1000,
			(SELECT count(*) FROM submissions e WHERE e.task_id = s.task_id AND e.seq < s.seq)
		FROM submissions s JOIN tasks t ON t.id = s.task_id JOIN projects p ON p.id = t.project_id JOIN agents a ON a.id = s.agent_id
		WHERE s.status = 'pending' ORDER BY s.created_at, s.seq LIMIT ?`, limit)
}

// conditions are the terms of a WHERE clause and their arguments.
type conditions struct {
	all  []string
	args []any
}

func (c *conditions) add(condition string, args ...any) {
	c.all, c.args = append(c.all, condition), append(c.args, args...)
}

// equal adds a condition unless the value is empty.
func (c *conditions) equal(column, value string) {
	if value != "" {
		c.add(column+" = ?", value)
	}
}

// where returns the WHERE clause, or "" without conditions.
func (c *conditions) where() string {
	if len(c.all) == 0 {
		return ""
	}
	return "WHERE " + strings.Join(c.all, " AND ")
}
