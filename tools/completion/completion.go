// Package completion completes the arguments of prompts and the variables of
// resources: ids by title, usernames, and the values of enumerations. An
// argument is known by its name, which is the same everywhere.
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

// maxValues is how many values the protocol lets an answer have.
const maxValues = 100

// A Provider completes. It is both of the providers that an MCP server has.
type Provider struct {
	set       *tools.Set
	prompts   *prompts.Prompts
	resources *resources.Resources
	sources   map[string]*source
}

// New returns a provider for prompts and resources, which reads candidates as
// the tools of a set do, but once: who types on does not wait for a retry.
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

// CompletePromptArgument completes an argument of a prompt. It fails only where
// there is no such prompt.
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

// CompleteResourceArgument completes a variable of a template. It fails only
// where there is no such resource.
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

// unknown returns the error for a reference to what there is not.
func (p *Provider) unknown(ctx context.Context, happened, next string) error {
	return p.set.Hide(ctx, tools.NewError(polt.CodeInvalidArgument, "ref", happened, next))
}

// complete returns the candidates that fit what was typed, the best first. It
// returns none where there is no source, or where it cannot be read: nobody
// is helped by an error while typing.
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
	if !all.more { // of what was not read nobody knows how much fits
		answer.Total = total
	}
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
