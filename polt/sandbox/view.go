package sandbox

import (
	"context"

	"github.com/openpolt/polt-mcp/polt"
)

// A View reads the platform's state beyond what the endpoints expose, from one
// consistent snapshot. It is valid only within [Sandbox.View].
type View struct{ t *tx }

// View calls read with a consistent snapshot of the state, and returns its
// error.
func (s *Sandbox) View(ctx context.Context, read func(View) error) error {
	return s.transact(ctx, false, func(t *tx) error { return read(View{t}) })
}

// IsNotFound reports whether an error of a [View] means that the id or username
// does not exist.
func IsNotFound(err error) bool { return statusOf(err) == 404 }

// An Event is a change of the platform's state. Ids and names that do not apply
// are empty.
type Event struct {
	Seq           int64 // increases with each event
	Kind          EventKind
	At            int64 // Unix seconds
	ProjectID     string
	ProjectTitle  string
	TaskID        string
	TaskTitle     string
	PayoutDisplay string // the task's
	SubmissionID  string
	Agent         string // username of the agent that acted, or that the CTO acted on
	Detail        string // see [EventKind]
	Notes         string // the reply, review notes or reason
}

const selectEvent = `SELECT e.seq, e.kind, e.at / 1000, coalesce(e.project_id, ''), coalesce(p.title, ''),
	coalesce(e.task_id, ''), coalesce(t.title, ''), coalesce(t.payout_display, ''), coalesce(e.submission_id, ''),
	coalesce(a.username, ''), e.detail, e.notes
	FROM events e
	LEFT JOIN projects p ON p.id = e.project_id
	LEFT JOIN tasks t ON t.id = e.task_id
	LEFT JOIN agents a ON a.id = e.agent_id `

func scanEvent(scan scan) (e Event, err error) {
	err = scan(&e.Seq, &e.Kind, &e.At, &e.ProjectID, &e.ProjectTitle, &e.TaskID, &e.TaskTitle, &e.PayoutDisplay, &e.SubmissionID,
		&e.Agent, &e.Detail, &e.Notes)
	return e, err
}

// LastEvent returns the Seq of the latest event, or 0 if there is none.
func (v View) LastEvent() (seq int64, err error) {
	err = v.t.sql.QueryRowContext(v.t.ctx, `SELECT coalesce(max(seq), 0) FROM events`).Scan(&seq)
	return seq, err
}

// EventsAfter returns up to limit events after the given Seq, the oldest first.
func (v View) EventsAfter(seq int64, limit int) ([]Event, error) {
	return rows(v.t, scanEvent, selectEvent+`WHERE e.seq > ? ORDER BY e.seq LIMIT ?`, seq, limit)
}

// An EventFilter selects events; its zero value selects all.
type EventFilter struct {
	ProjectID string
	TaskID    string
	Agent     string // the username
	Before    int64  // Seq of the first event to exclude; 0 for no bound
}

// Events returns up to limit matching events, the latest first.
func (v View) Events(f EventFilter, limit int) ([]Event, error) {
	var c conditions
	c.equal("e.project_id", f.ProjectID)
	c.equal("e.task_id", f.TaskID)
	if f.Agent != "" {
		c.add("e.agent_id = (SELECT id FROM agents WHERE username = ?)", f.Agent)
	}
	if f.Before > 0 {
		c.add("e.seq < ?", f.Before)
	}
	return rows(v.t, scanEvent, selectEvent+c.where()+` ORDER BY e.seq DESC LIMIT ?`, append(c.args, limit)...)
}

// A Profile is an agent with more than its public profile.
type Profile struct {
	polt.Agent
	Committed int     // number of tasks it is committed to
	InReview  int     // number of its tasks in review
	BanReason *string // nil if not banned
}

const selectProfile = `SELECT id, username, display_name, bio, created_at / 1000, ban_reason,
	(SELECT count(*) FROM tasks WHERE agent_id = agents.id AND status = 'completed') AS completed,
	(SELECT count(*) FROM tasks WHERE agent_id = agents.id AND status = 'committed'),
	(SELECT count(*) FROM tasks WHERE agent_id = agents.id AND status = 'in_review')
	FROM agents `

func scanProfile(scan scan) (p Profile, err error) {
	err = scan(&p.ID, &p.Username, &p.DisplayName, &p.Bio, &p.CreatedAt, &p.BanReason, &p.TasksCompleted, &p.Committed, &p.InReview)
	return p, err
}

// CountAgents returns the number of agents.
func (v View) CountAgents() (int, error) { return v.t.count(`SELECT count(*) FROM agents`) }

// Agents returns a page of agents, those with the most completed tasks first.
func (v View) Agents(limit, offset int) ([]Profile, error) {
	return rows(v.t, scanProfile, selectProfile+`ORDER BY completed DESC, seq LIMIT ? OFFSET ?`, limit, offset)
}

// Usernames returns the usernames, sorted, of up to limit agents that hold or
// completed a task.
func (v View) Usernames(limit int) ([]string, error) {
	return rows(v.t, func(scan scan) (name string, err error) {
		err = scan(&name)
		return name, err
	}, `SELECT username FROM agents WHERE id IN (SELECT agent_id FROM tasks WHERE agent_id IS NOT NULL)
		ORDER BY username LIMIT ?`, limit)
}

// Agent returns an agent by username.
func (v View) Agent(username string) (Profile, error) {
	return row(v.t, "Agent", scanProfile, selectProfile+`WHERE username = ?`, username)
}

// Leaderboard returns up to limit agents, the best first.
func (v View) Leaderboard(limit int) ([]polt.Standing, error) {
	board, err := getLeaderboard(v.t, caller{}, polt.GetLeaderboardInput{Limit: limit})
	return board.Standings, err
}

// A ProjectSummary is a project with its progress.
type ProjectSummary struct {
	polt.Project
	Open           int // number of available tasks
	Done           int // number of completed tasks
	MilestoneCount int
	MilestonesDone int
}

const selectSummary = `SELECT id, title, description, status, progress, votes_up, votes_down, task_count, created_at / 1000,
	(SELECT count(*) FROM tasks WHERE project_id = project_answers.id AND status = 'available'),
	(SELECT count(*) FROM tasks WHERE project_id = project_answers.id AND status = 'completed'),
	(SELECT count(*) FROM milestones WHERE project_id = project_answers.id),
	(SELECT count(*) FROM milestones WHERE project_id = project_answers.id AND status = 'done')
	FROM project_answers `

func scanSummary(scan scan) (p ProjectSummary, err error) {
	err = scan(&p.ID, &p.Title, &p.Description, &p.Status, &p.Progress, &p.VotesUp, &p.VotesDown, &p.TaskCount, &p.CreatedAt,
		&p.Open, &p.Done, &p.MilestoneCount, &p.MilestonesDone)
	return p, err
}

// CountProjects returns the number of projects.
func (v View) CountProjects() (int, error) { return v.t.count(`SELECT count(*) FROM projects`) }

// Projects returns a page of projects without their long documents, the latest
// first.
func (v View) Projects(limit, offset int) ([]ProjectSummary, error) {
	return rows(v.t, scanSummary, selectSummary+`ORDER BY created_at DESC, seq DESC LIMIT ? OFFSET ?`, limit, offset)
}

// Project returns a project with its documents, milestones and latest 100
// replies, the latest first, but without its tasks.
func (v View) Project(id string) (p ProjectSummary, err error) {
	if p, err = row(v.t, "Project", scanSummary, selectSummary+`WHERE id = ?`, id); err != nil {
		return p, err
	}
	err = v.t.sql.QueryRowContext(v.t.ctx, `SELECT detailed_presentation, technical_specs, go_to_market, market_study
		FROM projects WHERE id = ?`, id).Scan(&p.DetailedPresentation, &p.TechnicalSpecs, &p.GoToMarket, &p.MarketStudy)
	if err != nil {
		return p, err
	}
	if p.Milestones, err = milestonesOf(v.t, id); err != nil {
		return p, err
	}
	p.Replies, err = rows(v.t, scanReply, selectReply+`WHERE r.project_id = ? ORDER BY r.seq DESC LIMIT ?`, id, shownReplies)
	return p, err
}

// shownReplies limits the replies that [View.Project] returns.
const shownReplies = 100

// A ProjectName is a project's id and title.
type ProjectName struct{ ID, Title string }

// ProjectNames returns up to limit of the latest projects, sorted by title.
func (v View) ProjectNames(limit int) ([]ProjectName, error) {
	return rows(v.t, func(scan scan) (p ProjectName, err error) {
		err = scan(&p.ID, &p.Title)
		return p, err
	}, `SELECT id, title FROM (SELECT * FROM projects ORDER BY seq DESC LIMIT ?) ORDER BY title`, limit)
}
