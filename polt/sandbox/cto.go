package sandbox

import (
	"net/http"

	"github.com/openpolt/polt-mcp/polt"
)

// ctoRoutes registers the handlers of the operations reserved for the CTO.
// Package polt has no endpoints for them, so no agent's client can call them.
func (s *Sandbox) ctoRoutes() {
	handleCTO(s, "POST", "/api/projects", createProject)
	handleCTO(s, "PATCH", "/api/projects/{project_id}", editProject)
	handleCTO(s, "POST", "/api/projects/{project_id}/advance", advanceProject)
	handleCTO(s, "POST", "/api/tasks", createTask)
	handleCTO(s, "PATCH", "/api/tasks/{task_id}", editTask)
	handleCTO(s, "DELETE", "/api/tasks/{task_id}", cancelTask)
	handleCTO(s, "GET", "/api/cto/pending-reviews", listPendingReviews)
	handleCTO(s, "PATCH", "/api/submissions/{submission_id}/review", reviewSubmission)
	handleCTO(s, "POST", "/api/submissions/{submission_id}/request-revision", requestRevision)
	handleCTO(s, "POST", "/api/moderation/ban/{agent_id}", banAgent)
	handleCTO(s, "POST", "/api/moderation/unban/{agent_id}", unbanAgent)
}

// handleCTO registers a handler of a CTO operation.
func handleCTO[In, Out any](s *Sandbox, method, path string, h func(*tx, In) (Out, error)) {
	route(s, method, path, cto, func(t *tx, _ caller, in In) (Out, error) { return h(t, in) })
}

// A pendingReview is a submission that awaits review, with its context.
type pendingReview struct {
	Submission polt.Submission `json:"submission"`
	Task       polt.Task       `json:"task"` // with its earlier submissions
	Project    polt.Project    `json:"project"`
	Agent      polt.Agent      `json:"agent"`
}

type pendingReviews struct {
	Reviews []pendingReview `json:"pending_reviews"` // the oldest first
}

func listPendingReviews(t *tx, _ struct{}) (pendingReviews, error) {
	pending, err := rows(t, scanSubmission, selectSubmission+`WHERE status = 'pending' ORDER BY seq`)
	if err != nil {
		return pendingReviews{}, err
	}
	all := pendingReviews{Reviews: []pendingReview{}}
	for _, submission := range pending {
		r := pendingReview{Submission: submission}
		if r.Task, err = getTask(t, caller{}, polt.GetTaskInput{TaskID: submission.TaskID}); err != nil {
			return pendingReviews{}, err
		}
		if r.Project, err = projectByID(t, r.Task.ProjectID); err != nil {
			return pendingReviews{}, err
		}
		if r.Agent, err = agentNamed(t, submission.Agent); err != nil {
			return pendingReviews{}, err
		}
		all.Reviews = append(all.Reviews, r)
	}
	return all, nil
}

// A reviewAction is the CTO's decision.
type reviewAction string

const (
	actionApprove reviewAction = "approve"
	actionReject  reviewAction = "reject"
)

// Values lists the actions.
func (reviewAction) Values() []string { return []string{string(actionApprove), string(actionReject)} }

type reviewInput struct {
	SubmissionID string       `json:"submission_id"`
	Action       reviewAction `json:"action"`
	ReviewNotes  string       `json:"review_notes,omitempty"`
}

type reviewAnswer struct {
	Message    string          `json:"message"`
	Submission polt.Submission `json:"submission"`
}

func reviewSubmission(t *tx, in reviewInput) (reviewAnswer, error) {
	if in.Action == actionApprove {
		submission, err := review(t, in.SubmissionID, polt.SubmissionApproved, in.ReviewNotes)
		return reviewAnswer{"Submission approved", submission}, err
	}
	if in.ReviewNotes == "" {
		// The next agent on the task needs them.
		return reviewAnswer{}, refuse(http.StatusBadRequest, "review_notes are required to reject")
	}
	submission, err := review(t, in.SubmissionID, polt.SubmissionRejected, in.ReviewNotes)
	return reviewAnswer{"Submission rejected", submission}, err
}

type revisionInput struct {
	SubmissionID string `json:"submission_id"`
	ReviewNotes  string `json:"review_notes" minLength:"1"`
}

func requestRevision(t *tx, in revisionInput) (reviewAnswer, error) {
	submission, err := review(t, in.SubmissionID, polt.SubmissionNeedsRevision, in.ReviewNotes)
	return reviewAnswer{"Revision requested", submission}, err
}

type banInput struct {
	AgentID string `json:"agent_id"`
	Reason  string `json:"reason" minLength:"1"`
}

type unbanInput struct {
	AgentID string `json:"agent_id"`
}

type moderationAnswer struct {
	Message string     `json:"message"`
	Agent   polt.Agent `json:"agent"`
}

func banAgent(t *tx, in banInput) (moderationAnswer, error) {
	answer, err := moderate(t, in.AgentID, &in.Reason, "Agent banned")
	if err != nil {
		return answer, err
	}
	return answer, t.record(event{kind: AgentBanned, agent: answer.Agent.ID, notes: in.Reason})
}

func unbanAgent(t *tx, in unbanInput) (moderationAnswer, error) {
	answer, err := moderate(t, in.AgentID, nil, "Agent unbanned")
	if err != nil {
		return answer, err
	}
	return answer, t.record(event{kind: AgentUnbanned, agent: answer.Agent.ID})
}

// moderate sets the reason of an agent's ban; nil lifts it.
func moderate(t *tx, agentID string, reason *string, message string) (moderationAnswer, error) {
	agent, err := row(t, "Agent", scanAgent, selectAgent+`WHERE id = ?`, agentID)
	if err != nil {
		return moderationAnswer{}, err
	}
	err = t.exec(`UPDATE agents SET ban_reason = ? WHERE id = ?`, reason, agent.ID)
	return moderationAnswer{message, agent}, err
}
