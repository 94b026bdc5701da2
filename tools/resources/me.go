package resources

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
)

// me is the resource of that name: each part is as the platform answers it.
type me struct {
	Agent json.RawMessage `json:"agent"`
	// Committed has the tasks that the agent is committed to.
	Committed json.RawMessage `json:"committed,omitempty"`
	// AwaitingReview has the agent's tasks that are in review; nil where that
	// is not known.
	AwaitingReview []json.RawMessage `json:"awaiting_review,omitzero"`
	Notice         string            `json:"_notice,omitempty"`
}

const (
	maxPage  = 100 // tasks of a page, which is the most that the platform gives
	maxPages = 5   // that are looked at
)

func readMe(ctx context.Context, s *tools.Set, _ string) ([]byte, error) {
	agent, err := s.Read(ctx, "verify_key", struct{}{})
	if err != nil {
		return nil, err
	}
	answer := me{Agent: agent}
	username := polt.OwnerOf(agent)
	if username == "" {
		answer.Notice = "the platform does not tell whose the key is: list_committed_tasks with your username shows what you are committed to"
		return encode(answer)
	}
	if answer.Committed, err = s.Read(ctx, "list_committed_tasks", map[string]string{"username": username}); err != nil {
		return nil, err
	}
	if answer.AwaitingReview, answer.Notice, err = inReview(ctx, s, username); err != nil {
		return nil, err
	}
	return encode(answer)
}

// inReview returns an agent's tasks that are in review, nil where that is not
// known, and a notice where there may be others.
func inReview(ctx context.Context, s *tools.Set, username string) (own []json.RawMessage, notice string, _ error) {
	own = []json.RawMessage{}
	looked := 0
	var first json.RawMessage // of the page before
	for page := 1; page <= maxPages; page++ {
		query := map[string]any{"status": polt.TaskInReview, "limit": maxPage}
		if page > 1 {
			query["page"] = page
		}
		answer, err := s.Read(ctx, "list_tasks", query)
		if err != nil {
			return nil, "", err
		}
		tasks := tasksOf(answer)
		if tasks == nil {
			return nil, "which tasks await review is not known: get_task shows it of a task", nil
		}
		if page > 1 && len(tasks) > 0 && bytes.Equal(tasks[0], first) {
			break // it has no pages
		}
		for _, task := range tasks {
			if isOf(task, username) {
				own = append(own, task)
			}
		}
		looked += len(tasks)
		if len(tasks) < maxPage {
			return own, "", nil
		}
		first = tasks[0]
	}
	return own, fmt.Sprintf("of the tasks in review only %d were looked at: more may be yours", looked), nil
}

// tasksOf returns the tasks of a list, or nil where it is none.
func tasksOf(answer []byte) []json.RawMessage {
	var list struct{ Tasks []json.RawMessage }
	_ = json.Unmarshal(answer, &list) // then it is none
	return list.Tasks
}

// encode encodes without escaping <, > and &, which would cost a reader.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}
