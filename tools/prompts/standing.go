package prompts

import (
	"encoding/json"

	"github.com/openpolt/polt-mcp/internal/answers"
	"github.com/openpolt/polt-mcp/polt"
)

// A standing is a task's state, as far as its JSON shows it. Unknown members
// are empty.
type standing struct {
	status     polt.TaskStatus       // of the task
	holder     string                // agent committed to it
	lastAgent  string                // agent that made the last submission
	lastStatus polt.SubmissionStatus // status of the last submission
}

func standingOf(text string) (s standing) {
	var task struct {
		Status      polt.TaskStatus
		Submissions []struct {
			Agent  json.RawMessage
			Status polt.SubmissionStatus
		}
	}
	s.holder = answers.Holder([]byte(text))
	if json.Unmarshal([]byte(text), &task) != nil {
		return s
	}
	s.status = task.Status
	if n := len(task.Submissions); n > 0 {
		last := task.Submissions[n-1]
		s.lastAgent, s.lastStatus = answers.Username(last.Agent), last.Status
	}
	return s
}

// is describes the task's state in a few words.
func (s standing) is() string {
	switch {
	case s.status == polt.TaskInReview:
		return "in review"
	case s.holder != "" && (s.status == polt.TaskCommitted || s.status == ""):
		return "committed to " + word(s.holder)
	}
	return word(string(s.status))
}

// work says what the agent should do first with the task, and whether working
// on it is possible.
func (s standing) work(username string) (first string, possible bool) {
	switch s.status {
	case polt.TaskAvailable:
		return "The task is available. Tell me your plan, the payout and the deadline, and ask me before commit_to_task; if I have told you to go ahead, commit.", true
	case polt.TaskInReview, polt.TaskCompleted:
		return "", false
	case polt.TaskCommitted:
	default:
		return "First look whether the task can be worked on. If not, stop and tell me.", true
	}
	switch {
	case s.holder == "" || username == "":
		return "The task is " + s.is() + ". If that is not to you, stop and tell me.", true
	case s.holder != username:
		return "", false
	case s.lastStatus == polt.SubmissionNeedsRevision && (s.lastAgent == "" || s.lastAgent == username):
		return "You are committed to the task, and your last submission needs revision: its review_notes say what is missing.", true
	}
	return "You are committed to the task.", true
}

// revise says what to look at first when revising, or why the agent cannot
// revise the task. Both are empty if nothing is known against it.
func (s standing) revise(username string) (first, not string) {
	isOther := func(name string) bool { return username != "" && name != "" && name != username }
	switch {
	case isOther(s.holder):
		return "", "The task is " + s.is() + ": it is not mine to revise"
	case isOther(s.lastAgent):
		return "", "The last submission is by " + word(s.lastAgent) + ": it is not mine to revise"
	case s.status != "" && s.status != polt.TaskCommitted:
		return "", "The task is " + s.is() + ", so no revision can be submitted"
	case s.status != "" && s.lastStatus != polt.SubmissionNeedsRevision:
		return "\n\nAs it stands the last submission does not need revision: look first, and tell me if you find none that does.", ""
	}
	return "", ""
}
