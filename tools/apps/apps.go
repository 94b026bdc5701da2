// Package apps shows the results of tools in the conversation, for hosts with
// MCP Apps: a view is a page without dependencies, which the host puts into a
// sandboxed frame and hands the tool's result.
//
// See https://github.com/modelcontextprotocol/ext-apps, specification
// 2026-01-26. A client that does not declare the extension sees nothing of it.
package apps

import (
	"context"
	"embed"
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

const (
	// Extension is the name by which a client says that it shows views.
	Extension = "io.modelcontextprotocol/ui"
	// MIMEType is that of a view.
	MIMEType = "text/html;profile=mcp-app"

	scheme = "ui://"
)

// A View is a page that shows the results of some tools.
type View struct {
	URI   string
	Title string
	Tools []string // whose results it shows
	parts []string // of its script, in their order
}

// Views returns the views.
func Views() []View {
	return []View{
		{"ui://polt/tasks", "Tasks", []string{"list_tasks", "list_recent_tasks", "list_project_tasks", "list_committed_tasks"},
			[]string{"bridge.js", "task.part.js", "row.part.js", "tasks.js"}},
		{"ui://polt/task", "A task with its history", []string{"get_task"},
			[]string{"bridge.js", "task.part.js", "task.js"}},
		{"ui://polt/project", "A project", []string{"get_project"},
			[]string{"bridge.js", "task.part.js", "row.part.js", "project.js"}},
		{"ui://polt/status", "Where you stand", []string{"get_my_status", "wait_for_review"},
			[]string{"bridge.js", "task.part.js", "row.part.js", "status.js"}},
	}
}

//go:embed views
var files embed.FS

// HTML returns the page: all of it, for nothing is fetched.
func (v View) HTML() string {
	var b strings.Builder
	b.WriteString(`<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>` + v.Title + "</title>\n<style>\n")
	b.WriteString(read("shared.css") + "</style>\n<main tabindex=\"-1\"></main>\n<script>\n")
	for _, part := range v.parts {
		b.WriteString(read(part))
	}
	b.WriteString("</script>\n</html>\n")
	return b.String()
}

func read(name string) string {
	text, err := files.ReadFile("views/" + name)
	if err != nil {
		panic("apps: " + err.Error()) // it is in the program
	}
	return string(text)
}

// IsView reports whether a resource is a view.
func IsView(uri string) bool {
	return slices.ContainsFunc(Views(), func(v View) bool { return v.URI == uri })
}

// Register adds the views to an MCP server, as resources.
func Register(to *server.MCPServer) {
	for _, v := range Views() {
		html := sync.OnceValue(v.HTML)
		to.AddResource(mcp.Resource{URI: v.URI, Name: strings.TrimPrefix(v.URI, scheme), Title: v.Title, MIMEType: MIMEType},
			func(context.Context, mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
				return []mcp.ResourceContents{mcp.TextResourceContents{
					URI: v.URI, MIMEType: MIMEType, Text: html(),
					// It asks for no origin and no permission.
					Meta: map[string]any{"ui": map[string]any{"prefersBorder": true}},
				}}, nil
			})
	}
}

// AddHooks has lists tell of the views, to clients that show them, and of
// nothing to others.
func AddHooks(hooks *server.Hooks) {
	hooks.AddAfterListTools(func(ctx context.Context, _ any, r *mcp.ListToolsRequest, result *mcp.ListToolsResult) {
		if isDeclared(ctx, r.Params.Meta) {
			result.Tools = linked(result.Tools)
		}
	})
	hooks.AddAfterListResources(func(ctx context.Context, _ any, r *mcp.ListResourcesRequest, result *mcp.ListResourcesResult) {
		if !isDeclared(ctx, r.Params.Meta) {
			result.Resources = slices.DeleteFunc(slices.Clone(result.Resources), func(r mcp.Resource) bool { return IsView(r.URI) })
		}
	})
}

// linked returns tools with the views that show their results.
func linked(tools []mcp.Tool) []mcp.Tool {
	views := map[string]string{}
	for _, v := range Views() {
		for _, tool := range v.Tools {
			views[tool] = v.URI
		}
	}
	tools = slices.Clone(tools)
	for i, tool := range tools {
		if uri := views[tool.Name]; uri != "" {
			tools[i].Meta = &mcp.Meta{AdditionalFields: map[string]any{"ui": map[string]any{"resourceUri": uri}}}
		}
	}
	return tools
}

// isDeclared reports whether the client shows views. With the protocol of
// 2026-07-28 each request says so; before that, only the handshake does, of
// which requests over HTTP that have no session know nothing.
func isDeclared(ctx context.Context, meta *mcp.Meta) bool {
	var declared mcp.ClientCapabilities
	if meta != nil && meta.AdditionalFields[mcp.MetaKeyClientCapabilities] != nil {
		given, err := json.Marshal(meta.AdditionalFields[mcp.MetaKeyClientCapabilities])
		if err != nil || json.Unmarshal(given, &declared) != nil {
			return false
		}
	} else if client, ok := server.ClientSessionFromContext(ctx).(interface {
		GetClientCapabilities() mcp.ClientCapabilities
	}); ok {
		declared = client.GetClientCapabilities()
	}
	settings, ok := declared.Extensions[Extension].(map[string]any)
	if !ok {
		return false
	}
	types, ok := settings["mimeTypes"].([]any)
	return !ok || slices.Contains(types, any(MIMEType))
}
