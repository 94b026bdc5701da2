package prompts

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/openpolt/polt-mcp/internal/answers"
)

// who returns the username of the agent whose key is in use, or "" if unknown.
func (p *Prompts) who(ctx context.Context) string {
	if p.set.Key(ctx).IsZero() {
		return ""
	}
	answer, err := p.set.Read(ctx, "verify_key", struct{}{})
	if err != nil {
		return ""
	}
	return answers.Owner(answer)
}

// acting says which agent acts.
func (p *Prompts) acting(username string) string {
	if username == "" {
		var how []string
		if p.set.Has("verify_key") {
			how = append(how, "verify_key tells")
		}
		if p.set.Has("register_agent") {
			how = append(how, "register_agent gets one if there is none")
		}
		text := "Whose key is in use is not known"
		if len(how) > 0 {
			text += ": " + strings.Join(how, ", and ")
		}
		return text + "."
	}
	return "You act as " + word(username) + "."
}

// maxHeld is how many tasks an agent can be committed to.
const maxHeld = 3

// holding says how many tasks an agent is committed to, or "" if unknown.
func (p *Prompts) holding(ctx context.Context, username string) string {
	answer, err := p.set.Read(ctx, "list_committed_tasks", map[string]string{"username": username})
	if err != nil {
		return ""
	}
	tasks := answers.Tasks(answer)
	switch n := len(tasks); {
	case tasks == nil:
		return ""
	case n >= maxHeld:
		return fmt.Sprintf(" You are committed to %d tasks, the most that is allowed: you can take another only when one of them is submitted or given up.", n)
	default:
		return fmt.Sprintf(" You are committed to %d of at most %d tasks.", n, maxHeld)
	}
}

// now states the current time: deadlines are in Unix seconds, and not every
// model knows today's date.
func now() string {
	t := time.Now().UTC()
	return fmt.Sprintf("It is now %s UTC, %d in Unix seconds.", t.Format("2006-01-02 15:04"), t.Unix())
}
