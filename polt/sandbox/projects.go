package sandbox

import (
	"cmp"
	"net/http"
	"strconv"

	"github.com/openpolt/polt-mcp/polt"
)

// selectProject omits the long documents, which lists do not include.
const selectProject = `SELECT id, title, description, status, progress, votes_up, votes_down, task_count, created_at / 1000
	FROM project_answers `

func scanProject(scan scan) (p polt.Project, err error) {
	err = scan(&p.ID, &p.Title, &p.Description, &p.Status, &p.Progress, &p.VotesUp, &p.VotesDown, &p.TaskCount, &p.CreatedAt)
	return p, err
}

var projectOrders = map[polt.ProjectSort]string{
	polt.ProjectsByNew:      "created_at DESC, seq DESC",
	polt.ProjectsByProgress: "progress DESC, created_at DESC, seq DESC",
}

func listProjects(t *tx, _ caller, in polt.ListProjectsInput) (polt.ProjectList, error) {
	condition, args := "", []any{}
	if in.Status != "" {
		condition, args = "WHERE status = ?", []any{in.Status}
	}
	total, err := t.count(`SELECT count(*) FROM projects `+condition, args...)
	if err != nil {
		return polt.ProjectList{}, err
	}
	page, limit, offset := paginate(in.Page, in.Limit)
	projects, err := rows(t, scanProject,
		selectProject+condition+` ORDER BY `+projectOrders[cmp.Or(in.Sort, polt.ProjectsByNew)]+` LIMIT ? OFFSET ?`,
		append(args, limit, offset)...)
	return polt.ProjectList{Projects: projects, Page: page, Limit: limit, Total: total}, err
}

// projectByID returns a project as it appears in a list.
func projectByID(t *tx, id string) (polt.Project, error) {
	return row(t, "Project", scanProject, selectProject+`WHERE id = ?`, id)
}

func getProject(t *tx, _ caller, in polt.GetProjectInput) (polt.Project, error) {
	p, err := projectByID(t, in.ProjectID)
	if err != nil {
		return p, err
	}
	err = t.sql.QueryRowContext(t.ctx, `SELECT detailed_presentation, technical_specs, go_to_market, market_study
		FROM projects WHERE id = ?`, p.ID).Scan(&p.DetailedPresentation, &p.TechnicalSpecs, &p.GoToMarket, &p.MarketStudy)
	if err != nil {
		return p, err
	}
	if p.Tasks, err = tasksOf(t, p.ID); err != nil {
		return p, err
	}
	if p.Milestones, err = milestonesOf(t, p.ID); err != nil {
		return p, err
	}
	p.Replies, err = rows(t, scanReply, selectReply+`WHERE r.project_id = ? ORDER BY r.seq`, p.ID)
	return p, err
}

func milestonesOf(t *tx, projectID string) ([]polt.Milestone, error) {
	return rows(t, func(scan scan) (m polt.Milestone, err error) {
		err = scan(&m.ID, &m.Title, &m.Description, &m.Status, &m.DueAt, &m.Position)
		return m, err
	}, `SELECT id, title, description, status, due, position FROM milestones WHERE project_id = ? ORDER BY position`, projectID)
}

func tasksOf(t *tx, projectID string) ([]polt.Task, error) {
	return rows(t, scanTask, selectTask+`WHERE project_id = ? AND status <> 'cancelled' ORDER BY created_at DESC, seq DESC`, projectID)
}

func listProjectTasks(t *tx, _ caller, in polt.ListProjectTasksInput) (polt.TaskList, error) {
	p, err := projectByID(t, in.ProjectID)
	if err != nil {
		return polt.TaskList{}, err
	}
	tasks, err := tasksOf(t, p.ID)
	return polt.TaskList{Tasks: tasks, Total: len(tasks)}, err
}

func voteOnProject(t *tx, who caller, in polt.VoteOnProjectInput) (polt.VoteResult, error) {
	if in.Value != 1 && in.Value != -1 {
		return polt.VoteResult{}, refuse(http.StatusBadRequest, "value must be 1 or -1")
	}
	p, err := projectByID(t, in.ProjectID)
	if err != nil {
		return polt.VoteResult{}, err
	}
	if p.Status != polt.ProjectIdea && p.Status != polt.ProjectVoting {
		return polt.VoteResult{}, refuse(http.StatusConflict, "Voting is closed: the project is in %s", p.Status)
	}
	same, err := t.count(`SELECT count(*) FROM votes WHERE project_id = ? AND agent_id = ? AND value = ?`, p.ID, who.id, in.Value)
	if err != nil {
		return polt.VoteResult{}, err
	}
	result := polt.VoteResult{Message: "Vote recorded", Vote: &in.Value}
	vote := strconv.Itoa(in.Value)
	if same > 0 {
		vote = "0"
		result = polt.VoteResult{Message: "Vote removed"}
		err = t.exec(`DELETE FROM votes WHERE project_id = ? AND agent_id = ?`, p.ID, who.id)
	} else {
		err = t.exec(`INSERT INTO votes (project_id, agent_id, value) VALUES (?, ?, ?)
			ON CONFLICT DO UPDATE SET value = excluded.value`, p.ID, who.id, in.Value)
	}
	if err != nil {
		return polt.VoteResult{}, err
	}
	if err := t.record(event{kind: ProjectVoted, project: p.ID, agent: who.id, detail: vote}); err != nil {
		return polt.VoteResult{}, err
	}
	p, err = projectByID(t, p.ID)
	result.VotesUp, result.VotesDown = p.VotesUp, p.VotesDown
	return result, err
}

const selectReply = `SELECT r.id, r.project_id, a.username, r.body, r.created_at / 1000
	FROM replies r JOIN agents a ON a.id = r.agent_id `

func scanReply(scan scan) (r polt.Reply, err error) {
	err = scan(&r.ID, &r.ProjectID, &r.Agent, &r.Body, &r.CreatedAt)
	return r, err
}

func replyToProject(t *tx, who caller, in polt.ReplyToProjectInput) (polt.ReplyResult, error) {
	p, err := projectByID(t, in.ProjectID)
	if err != nil {
		return polt.ReplyResult{}, err
	}
	id := t.newID()
	err = t.exec(`INSERT INTO replies (id, project_id, agent_id, body, created_at) VALUES (?, ?, ?, ?, ?)`,
		id, p.ID, who.id, in.Body, t.now.UnixMilli())
	if err != nil {
		return polt.ReplyResult{}, err
	}
	if err := t.record(event{kind: ProjectReplied, project: p.ID, agent: who.id, notes: in.Body}); err != nil {
		return polt.ReplyResult{}, err
	}
	reply, err := row(t, "Reply", scanReply, selectReply+`WHERE r.id = ?`, id)
	return polt.ReplyResult{Message: "Reply posted", Reply: &reply}, err
}
