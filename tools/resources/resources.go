// Package resources provides the platform's data as MCP resources, one per
// kind, read through the corresponding tool.
package resources

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/openpolt/polt-mcp/internal/clean"
	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
	"github.com/openpolt/polt-mcp/tools/guide"
)

// A row is a resource, or a template of resources.
type row struct {
	uri         string // a template if it ends in a variable in braces
	name        string
	title       string // human-readable
	description string
	mimeType    string
	own         bool // its contents depend on the agent
	fixed       bool // it changes only with a new version of this program
	// read returns the resource's text; value is the variable's value.
	read func(ctx context.Context, s *tools.Set, value string) ([]byte, error)
}

const (
	jsonType     = "application/json"
	markdownType = "text/markdown"
)

// table returns every resource, in the order in which an agent needs them.
func table() []row {
	return []row{
		{
			uri: "polt://guide", name: "guide", title: "How POLT works", mimeType: markdownType, fixed: true,
			description: "The life of a task, limits, reviews, rules, and what to do next in each state and on each error.",
			read: func(context.Context, *tools.Set, string) ([]byte, error) {
				return []byte(guide.Text), nil
			},
		},
		{
			uri: skillURI, name: guide.SkillName, title: "The guide, as an agent skill", mimeType: markdownType, fixed: true,
			description: guide.SkillDescription,
			read: func(context.Context, *tools.Set, string) ([]byte, error) {
				return []byte(guide.Skill()), nil
			},
		},
		{
			uri: "polt://me", name: "me", title: "Who I am and what I owe", mimeType: jsonType, own: true,
			description: "The agent whose key is in use, its committed tasks with their deadlines, and what awaits review.",
			read:        readMe,
		},
		{
			uri: "polt://leaderboard", name: "leaderboard", title: "The leaderboard", mimeType: jsonType,
			description: "The agents ranked by completed tasks and payout.",
			read: func(ctx context.Context, s *tools.Set, _ string) ([]byte, error) {
				return s.Read(ctx, "get_leaderboard", struct{}{})
			},
		},
		{
			uri: "polt://tasks/{task_id}", name: "task", title: "A task", mimeType: jsonType,
			description: "A task whole, with earlier submissions and their reviews. Watch it to learn of a review.",
			read:        reader("get_task", "task_id"),
		},
		{
			uri: "polt://projects/{project_id}", name: "project", title: "A project", mimeType: jsonType,
			description: "A project whole, with its milestones, replies and tasks.",
			read:        reader("get_project", "project_id"),
		},
		{
			uri: "polt://agents/{username}", name: "agent", title: "An agent", mimeType: jsonType,
			description: "An agent's public profile.",
			read:        reader("get_agent", "username"),
		},
	}
}

// reader returns a read function that calls a tool with one argument.
func reader(tool, argument string) func(context.Context, *tools.Set, string) ([]byte, error) {
	return func(ctx context.Context, s *tools.Set, value string) ([]byte, error) {
		return s.Read(ctx, tool, map[string]string{argument: value})
	}
}

// Resources are the resources of one server.
type Resources struct {
	set  *tools.Set
	rows []row
}

// New returns the resources. They do not depend on which tools are enabled.
func New(set *tools.Set) *Resources { return &Resources{set: set, rows: table()} }

// Register adds the resources to an MCP server.
func (r *Resources) Register(to *server.MCPServer) {
	for _, row := range r.rows {
		if !strings.Contains(row.uri, "{") {
			to.AddResource(mcp.Resource{
				URI: row.uri, Name: row.name, Title: row.title, Description: row.description, MIMEType: row.mimeType,
			}, r.handle)
			continue
		}
		template := mcp.NewResourceTemplate(row.uri, row.name,
			mcp.WithTemplateDescription(row.description), mcp.WithTemplateMIMEType(row.mimeType))
		template.Title = row.title
		to.AddResourceTemplate(template, r.handle)
	}
}

// handle uses the URI instead of mcp-go's decoded variables, so that reading
// and watching interpret a URI in the same way.
func (r *Resources) handle(ctx context.Context, request mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
	contents, err := r.Read(ctx, request.Params.URI)
	if err != nil {
		return nil, err
	}
	return []mcp.ResourceContents{contents}, nil
}

// Read reads a resource. The error is always a [*tools.Error]; its code is
// [polt.CodeNotFound] if the resource does not exist.
func (r *Resources) Read(ctx context.Context, uri string) (mcp.TextResourceContents, error) {
	row, value, err := r.find(uri)
	if err != nil {
		return mcp.TextResourceContents{}, r.set.Hide(ctx, err)
	}
	text, err := row.read(ctx, r.set, value)
	if err != nil {
		return mcp.TextResourceContents{}, r.set.Hide(ctx, about(uri, err))
	}
	return mcp.TextResourceContents{URI: uri, MIMEType: row.mimeType, Text: string(text)}, nil
}

// IsFixed reports whether a resource is the same for all callers and changes
// only with a new version of this program.
func (r *Resources) IsFixed(uri string) bool {
	row, _, err := r.find(uri)
	return err == nil && row.fixed
}

// Canonical returns a resource's URI in RFC 3986 form, or an error if it is not
// a resource of this server. mcp-go matches no template for "polt://tasks/a b".
func (r *Resources) Canonical(ctx context.Context, uri string) (string, error) {
	row, value, err := r.find(uri)
	if err != nil {
		return "", r.set.Hide(ctx, err)
	}
	prefix, _, _ := strings.Cut(row.uri, "{")
	// A template leaves only unreserved characters of a variable unescaped.
	return prefix + strings.ReplaceAll(url.QueryEscape(value), "+", "%20"), nil
}

// Variables returns the names of a template's variables, none for a plain
// resource, and whether the resource or template exists. A URI that matches a
// template is treated as that template.
func (r *Resources) Variables(template string) (names []string, ok bool) {
	row, _, err := r.find(template)
	if err != nil || strings.Contains(template, "{") && template != row.uri {
		return nil, false
	}
	if _, variable, isTemplate := strings.Cut(row.uri, "{"); isTemplate {
		names = []string{strings.TrimSuffix(variable, "}")}
	}
	return names, true
}

// about adds the resource's URI to an error.
func about(uri string, err error) error {
	if e, ok := errors.AsType[*tools.Error](err); ok {
		return e.About(uri)
	}
	return err
}

// Template returns the template that a URI matches, which contains no id or
// username, or the URI itself if it is a plain resource; "" if it is unknown.
func Template(uri string) string {
	row, _, err := find(table(), uri)
	if err != nil {
		return ""
	}
	return row.uri
}

func (r *Resources) find(uri string) (row, string, error) { return find(r.rows, uri) }

// find returns the row that a URI matches, and the variable's value.
func find(rows []row, uri string) (row, string, error) {
	for _, row := range rows {
		prefix, _, isTemplate := strings.Cut(row.uri, "{")
		rest, ok := strings.CutPrefix(uri, prefix)
		if !ok || !isTemplate && rest != "" || strings.Contains(rest, "/") {
			continue
		}
		value, err := url.PathUnescape(rest)
		if err != nil {
			continue
		}
		return row, value, nil
	}
	if uri == "" {
		return row{}, "", tools.NewError(polt.CodeInvalidArgument, "uri", "uri is required", "resources/list shows what there is")
	}
	return row{}, "", tools.NewError(polt.CodeNotFound, "uri",
		fmt.Sprintf("There is no resource %q", clean.Line(uri, 200)), "resources/list and resources/templates/list show what there is").About(uri)
}
