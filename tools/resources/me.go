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

// maxPage is how many tasks a page has at most.
const maxPage = 100

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
	inReview, err := s.Read(ctx, "list_tasks", map[string]any{"status": polt.TaskInReview, "limit": maxPage})
	if err != nil {
		return nil, err
	}
	var list struct{ Tasks []json.RawMessage }
	if json.Unmarshal(inReview, &list) != nil || list.Tasks == nil {
		answer.Notice = "which tasks await review is not known: get_task shows it of a task"
		return encode(answer)
	}
	answer.AwaitingReview = []json.RawMessage{}
	for _, task := range list.Tasks {
		if isOf(task, username) {
			answer.AwaitingReview = append(answer.AwaitingReview, task)
		}
	}
	if len(list.Tasks) >= maxPage {
		answer.Notice = fmt.Sprintf("of the tasks in review only %d were looked at: more may be yours", len(list.Tasks))
	}
	return encode(answer)
}

// encode encodes without escaping <, > and &, which would cost a reader.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}
