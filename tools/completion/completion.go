// Package completion completes the arguments of prompts and the variables of
// resources: ids by title, usernames, and the values of enumerations. An
// argument is known by its name, which is the same everywhere.
package completion

import (
	"context"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
)

// maxValues is how many values the protocol lets an answer have.
const maxValues = 100

// A Provider completes. It is both of the providers that an MCP server has.
type Provider struct{ sources map[string]*source }

// New returns a provider that reads candidates as the tools of a set do.
func New(set *tools.Set) *Provider {
	page := map[string]any{"limit": maxValues}
	committed := map[string]any{"limit": maxValues, "status": polt.TaskCommitted}
	return &Provider{map[string]*source{
		"task_id":                 from(set, origin{"list_tasks", page, "tasks", "id", "title"}),
		"answer_revision/task_id": from(set, origin{"list_tasks", committed, "tasks", "id", "title"}),
		"project_id":              from(set, origin{"list_projects", page, "projects", "id", "title"}),
		"username":                from(set, origin{"get_leaderboard", page, "leaderboard", "username", "display_name"}),
		"difficulty":              fixed(polt.Difficulty("").Values()),
	}}
}

// CompletePromptArgument completes an argument of a prompt.
func (p *Provider) CompletePromptArgument(ctx context.Context, prompt string, argument mcp.CompleteArgument, _ mcp.CompleteContext) (*mcp.Completion, error) {
	if s := p.sources[prompt+"/"+argument.Name]; s != nil {
		return complete(ctx, s, argument.Value), nil
	}
	return complete(ctx, p.sources[argument.Name], argument.Value), nil
}

// CompleteResourceArgument completes a variable of a template.
func (p *Provider) CompleteResourceArgument(ctx context.Context, _ string, argument mcp.CompleteArgument, _ mcp.CompleteContext) (*mcp.Completion, error) {
	return complete(ctx, p.sources[argument.Name], argument.Value), nil
}

// complete returns the candidates that fit what was typed, the best first. It
// returns none where there is no source, or where it can not be read: nobody
// is helped by an error while typing.
func complete(ctx context.Context, s *source, typed string) *mcp.Completion {
	answer := &mcp.Completion{Values: []string{}}
	if s == nil {
		return answer
	}
	typed = strings.ToLower(strings.TrimSpace(typed))
	candidates := s.candidates(ctx)
	for rank := range ranks {
		for _, c := range candidates {
			if c.rank(typed) != rank {
				continue
			}
			if answer.Total++; answer.Total <= maxValues {
				answer.Values = append(answer.Values, c.value)
			}
		}
	}
	answer.HasMore = answer.Total > maxValues
	return answer
}

// A candidate is a value that an argument may have.
type candidate struct {
	value string
	title string // what people know it by; may be empty
}

// ranks is how many ranks a candidate that fits may have.
const ranks = 4

// rank says how well a candidate fits what was typed, in lower case: 0 is
// best, and -1 is not at all.
func (c candidate) rank(typed string) int {
	value, title := strings.ToLower(c.value), strings.ToLower(c.title)
	switch {
	case strings.HasPrefix(title, typed):
		return 0
	case strings.Contains(title, " "+typed):
		return 1
	case strings.HasPrefix(value, typed):
		return 2
	case strings.Contains(title, typed), strings.Contains(value, typed):
		return 3
	}
	return -1
}
