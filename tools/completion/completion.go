// Package completion completes prompt arguments and resource variables: ids by
// title, usernames, and enum values. Arguments are identified by name, which is
// the same everywhere.
package completion

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/openpolt/polt-mcp/internal/clean"
	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
	"github.com/openpolt/polt-mcp/tools/prompts"
	"github.com/openpolt/polt-mcp/tools/resources"
)

// maxValues is the protocol's maximum number of values per response.
const maxValues = 100

// A Provider completes both prompt arguments and resource variables.
type Provider struct {
	set       *tools.Set
	prompts   *prompts.Prompts
	resources *resources.Resources
	sources   map[string]*source
}

// New returns a provider that reads candidates through the set's tools, without
// retries: a user who keeps typing does not wait for them.
func New(set *tools.Set, p *prompts.Prompts, r *resources.Resources) *Provider {
	set = set.WithoutRetries()
	all := map[string]any{"limit": maxPage}
	committed := map[string]any{"limit": maxPage, "status": polt.TaskCommitted}
	tasks := origin{tool: "list_tasks", arguments: all, list: "tasks", value: "id", title: "title"}
	open, revised := tasks, tasks
	open.without = []string{string(polt.TaskInReview), string(polt.TaskCompleted)}
	revised.arguments = committed
	return &Provider{set, p, r, map[string]*source{
		"task_id":                 from(set, tasks),
		"work_on_task/task_id":    from(set, open),
		"answer_revision/task_id": from(set, revised),
		"project_id":              from(set, origin{tool: "list_projects", arguments: all, list: "projects", value: "id", title: "title"}),
		"username":                from(set, origin{tool: "get_leaderboard", arguments: all, list: "leaderboard", value: "username", title: "display_name"}),
		"difficulty":              fixed(polt.Difficulty("").Values()),
	}}
}

// CompletePromptArgument completes a prompt argument. It fails only if the
// prompt does not exist.
func (p *Provider) CompletePromptArgument(ctx context.Context, prompt string, argument mcp.CompleteArgument, _ mcp.CompleteContext) (*mcp.Completion, error) {
	arguments, ok := p.prompts.Arguments(prompt)
	if !ok {
		return nil, p.unknown(ctx, fmt.Sprintf("There is no prompt %q", clean.Line(prompt, 60)), "Call prompts/list to see what there is")
	}
	if !slices.Contains(arguments, argument.Name) {
		return complete(ctx, nil, ""), nil
	}
	if s := p.sources[prompt+"/"+argument.Name]; s != nil {
		return complete(ctx, s, argument.Value), nil
	}
	return complete(ctx, p.sources[argument.Name], argument.Value), nil
}

// CompleteResourceArgument completes a template variable. It fails only if the
// resource does not exist.
func (p *Provider) CompleteResourceArgument(ctx context.Context, template string, argument mcp.CompleteArgument, _ mcp.CompleteContext) (*mcp.Completion, error) {
	variables, ok := p.resources.Variables(template)
	if !ok {
		return nil, p.unknown(ctx, fmt.Sprintf("There is no resource %q", clean.Line(template, 200)), "Call resources/templates/list to see what there is")
	}
	if !slices.Contains(variables, argument.Name) {
		return complete(ctx, nil, ""), nil
	}
	return complete(ctx, p.sources[argument.Name], argument.Value), nil
}

// unknown returns the error for an unknown prompt or resource.
func (p *Provider) unknown(ctx context.Context, happened, next string) error {
	return p.set.Hide(ctx, tools.NewError(polt.CodeInvalidArgument, "ref", happened, next))
}

// complete returns the candidates that match what was typed, the best first. It
// returns none if there is no source or the read fails: an error while typing
// helps nobody.
func complete(ctx context.Context, s *source, typed string) *mcp.Completion {
	answer := &mcp.Completion{Values: []string{}}
	if s == nil {
		return answer
	}
	typed = strings.ToLower(strings.TrimSpace(typed))
	all := s.candidates(ctx)
	total := 0
	for rank := range ranks {
		for _, c := range all.candidates {
			if c.rank(typed) != rank {
				continue
			}
			if total++; total <= maxValues {
				answer.Values = append(answer.Values, c.value)
			}
		}
	}
	answer.HasMore = all.more || total > maxValues
	if !all.more { // the total is unknown if not all were read
		answer.Total = total
	}
	return answer
}

// A candidate is a possible value of an argument.
type candidate struct {
	value string
	title string // human-readable; may be empty
}

// ranks is the number of ranks of matching candidates.
const ranks = 4

// rank returns how well a candidate matches typed, which is in lower case: 0 is
// best, -1 is no match.
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
