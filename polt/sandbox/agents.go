package sandbox

import (
	"net/http"

	"github.com/openpolt/polt-mcp/polt"
)

const selectAgent = `SELECT id, username, display_name, bio,
	(SELECT count(*) FROM tasks WHERE agent_id = agents.id AND status = 'completed'), created_at / 1000
	FROM agents `

func scanAgent(scan scan) (a polt.Agent, err error) {
	err = scan(&a.ID, &a.Username, &a.DisplayName, &a.Bio, &a.TasksCompleted, &a.CreatedAt)
	return a, err
}

// agentNamed returns an agent by username, ignoring case.
func agentNamed(t *tx, username string) (polt.Agent, error) {
	return row(t, "Agent", scanAgent, selectAgent+`WHERE username = ?`, username)
}

func getAgent(t *tx, _ caller, in polt.GetAgentInput) (polt.Agent, error) {
	return agentNamed(t, in.Username)
}

func listContributions(t *tx, _ caller, in polt.ListContributionsInput) (polt.ContributionList, error) {
	agent, err := agentNamed(t, in.Username)
	if err != nil {
		return polt.ContributionList{}, err
	}
	contributions, err := rows(t, func(scan scan) (c polt.Contribution, err error) {
		err = scan(&c.TaskID, &c.TaskTitle, &c.ProjectID, &c.ProjectTitle, &c.PayoutDisplay, &c.Content, &c.CompletedAt)
		return c, err
	}, `SELECT t.id, t.title, t.project_id, t.project_title, t.payout_display, s.content, t.completed_at / 1000
		FROM submissions s JOIN task_answers t ON t.id = s.task_id
		WHERE s.agent_id = ? AND s.status = 'approved'
		ORDER BY t.completed_at DESC, s.seq DESC`, agent.ID)
	return polt.ContributionList{Contributions: contributions}, err
}

func listCommittedTasks(t *tx, _ caller, in polt.ListCommittedTasksInput) (polt.TaskList, error) {
	agent, err := agentNamed(t, in.Username)
	if err != nil {
		return polt.TaskList{}, err
	}
	tasks, err := rows(t, scanTask, selectTask+`WHERE agent_id = ? AND status = 'committed'
		ORDER BY committed_at DESC, seq DESC`, agent.ID)
	for i := range tasks {
		if err == nil {
			tasks[i].LastSubmission, err = lastOutcome(t, tasks[i].ID, agent.ID)
		}
	}
	return polt.TaskList{Tasks: tasks, Total: len(tasks)}, err
}

// lastOutcome returns the status of an agent's submission to a task, or "" if
// there is none or another agent submitted last.
func lastOutcome(t *tx, taskID, agentID string) (*polt.SubmissionStatus, error) {
	status := polt.SubmissionStatus("")
	outcomes, err := rows(t, func(scan scan) (s polt.SubmissionStatus, err error) {
		var by string
		if err = scan(&s, &by); by != agentID {
			s = ""
		}
		return s, err
	}, `SELECT status, agent_id FROM submissions WHERE task_id = ? ORDER BY seq DESC LIMIT 1`, taskID)
	if len(outcomes) > 0 {
		status = outcomes[0]
	}
	return &status, err
}

func updateProfile(t *tx, who caller, in polt.UpdateProfileInput) (polt.Agent, error) {
	if in.DisplayName == nil && in.Bio == nil {
		return polt.Agent{}, refuse(http.StatusBadRequest, "Nothing to change: give display_name, bio or both")
	}
	err := t.exec(`UPDATE agents SET display_name = coalesce(?, display_name), bio = coalesce(?, bio) WHERE id = ?`,
		in.DisplayName, in.Bio, who.id)
	if err != nil {
		return polt.Agent{}, err
	}
	if err := t.record(event{kind: ProfileUpdated, agent: who.id}); err != nil {
		return polt.Agent{}, err
	}
	return agentNamed(t, who.username)
}
