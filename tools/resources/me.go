package resources

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/openpolt/polt-mcp/internal/answers"
	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
)

// me is the resource "me"; its parts are the platform's own answers.
type me struct {
	Agent json.RawMessage `json:"agent"`
	// Committed are the tasks that the agent is committed to; nil if unknown.
	Committed json.RawMessage `json:"committed,omitempty"`
	// AwaitingReview are the agent's tasks in review; nil if unknown.
	AwaitingReview []json.RawMessage `json:"awaiting_review,omitzero"`
	Notice         string            `json:"_notice,omitempty"`
}

// Notices about omitted parts.
const (
	ownerUnknown     = "the platform does not tell whose the key is: list_committed_tasks with your username shows what you are committed to"
	committedUnknown = "which tasks you are committed to is not known, as the platform finds no agent of the key's name: list_committed_tasks with the username that you registered shows them"
	reviewUnknown    = "which tasks await review is not known: get_task shows it of a task"
)

// readMe verifies the key and reads what is available of the rest. A transient
// failure fails the whole read, so that watchers do not see it as a change.
func readMe(ctx context.Context, s *tools.Set, _ string) ([]byte, error) {
	agent, err := s.Read(ctx, "verify_key", struct{}{})
	if err != nil {
		return nil, err
	}
	answer := me{Agent: agent}
	username := answers.Owner(agent)
	if username == "" {
		answer.Notice = ownerUnknown
		return encode(answer)
	}
	var notices []string
	isKnown := true // whether the platform has an agent of that name
	answer.Committed, err = s.Read(ctx, "list_committed_tasks", map[string]string{"username": username})
	switch {
	case hasNone(err):
		isKnown = false
		notices = append(notices, committedUnknown)
	case err != nil:
		return nil, err
	}
	own, notice, err := inReview(ctx, s, username)
	if err != nil {
		return nil, err
	}
	if !isKnown && len(own) == 0 { // it may have tasks under another name
		own, notice = nil, reviewUnknown
	}
	if answer.AwaitingReview = own; notice != "" {
		notices = append(notices, notice)
	}
	answer.Notice = strings.Join(notices, "; ")
	return encode(answer)
}

// hasNone reports whether an error is permanent: the agent does not exist, or
// its name cannot be requested.
func hasNone(err error) bool {
	e, ok := errors.AsType[*tools.Error](err)
	return ok && (e.Code() == polt.CodeNotFound || e.Code() == polt.CodeInvalidArgument)
}

// inReview returns an agent's tasks in review, nil if unknown, and a notice if
// there may be more.
func inReview(ctx context.Context, s *tools.Set, username string) (own []json.RawMessage, notice string, _ error) {
	own = []json.RawMessage{}
	looked, whole, err := answers.EachTask(func(page int) ([]json.RawMessage, error) {
		query := map[string]any{"status": polt.TaskInReview, "limit": answers.MaxPage}
		if page > 1 {
			query["page"] = page
		}
		answer, err := s.Read(ctx, "list_tasks", query)
		tasks := answers.Tasks(answer)
		if hasNone(err) || err == nil && tasks == nil {
			return nil, answers.ErrNoPage
		}
		return tasks, err
	}, func(task json.RawMessage) {
		if answers.IsCommittedTo(task, username) {
			own = append(own, task)
		}
	})
	switch {
	case errors.Is(err, answers.ErrNoPage):
		return nil, reviewUnknown, nil
	case err != nil:
		return nil, "", err
	case !whole:
		notice = fmt.Sprintf("of the tasks in review only %d were looked at: more may be yours", looked)
	}
	return own, notice, nil
}

// encode encodes v without escaping <, > and &, which costs tokens.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}
