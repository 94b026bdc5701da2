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

// me is the resource of that name: each part is as the platform answers it.
type me struct {
	Agent json.RawMessage `json:"agent"`
	// Committed has the tasks that the agent is committed to; nil where they are
	// not known.
	Committed json.RawMessage `json:"committed,omitempty"`
	// AwaitingReview has the agent's tasks that are in review; nil where that
	// is not known.
	AwaitingReview []json.RawMessage `json:"awaiting_review,omitzero"`
	Notice         string            `json:"_notice,omitempty"`
}

const (
	maxPage  = 100 // tasks of a page, which is the most that the platform gives
	minPage  = 20  // that it gives where there are as many, whatever was asked for
	maxPages = 5   // that are looked at
)

// What is said of a part that is left out.
const (
	ownerUnknown     = "the platform does not tell whose the key is: list_committed_tasks with your username shows what you are committed to"
	committedUnknown = "which tasks you are committed to is not known, as the platform finds no agent of the key's name: list_committed_tasks with the username that you registered shows them"
	reviewUnknown    = "which tasks await review is not known: get_task shows it of a task"
)

// readMe reads whose the key is, and the rest as far as there is any. A failure
// that may pass is that of the whole: it must not look like a change to who
// watches.
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
	isKnown := true // as an agent, by that name
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
	if !isKnown && len(own) == 0 { // it may have some under another name
		own, notice = nil, reviewUnknown
	}
	if answer.AwaitingReview = own; notice != "" {
		notices = append(notices, notice)
	}
	answer.Notice = strings.Join(notices, "; ")
	return encode(answer)
}

// hasNone reports whether an error says for good that there is nothing to read:
// the platform has no such thing, or what it calls the agent cannot be asked for.
func hasNone(err error) bool {
	e, ok := errors.AsType[*tools.Error](err)
	return ok && (e.Code() == polt.CodeNotFound || e.Code() == polt.CodeInvalidArgument)
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
		if page > 1 && hasNone(err) {
			break // it has no such page
		}
		if err != nil && !hasNone(err) {
			return nil, "", err
		}
		tasks := answers.Tasks(answer)
		if tasks == nil {
			return nil, reviewUnknown, nil
		}
		if page > 1 && len(tasks) > 0 && bytes.Equal(tasks[0], first) {
			break // it has no pages
		}
		for _, task := range tasks {
			if answers.IsCommittedTo(task, username) {
				own = append(own, task)
			}
		}
		looked += len(tasks)
		if len(tasks) < minPage {
			return own, "", nil
		}
		first = tasks[0]
	}
	return own, fmt.Sprintf("of the tasks in review only %d were looked at: more may be yours", looked), nil
}

// encode encodes without escaping <, > and &, which would cost a reader.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}
