// Package apps shows tool results in the conversation, in hosts with MCP Apps:
// a view is a self-contained page, which the host loads into a sandboxed frame
// and passes the tool's result.
//
// See https://github.com/modelcontextprotocol/ext-apps, specification
// 2026-01-26. Clients that do not declare the extension see none of this.
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
	// Extension is the extension's name in a client's capabilities.
	Extension = "io.modelcontextprotocol/ui"
	// MIMEType is the MIME type of a view.
	MIMEType = "text/html;profile=mcp-app"

	scheme = "ui://"
)

// A View is a page that shows the results of tools.
type View struct {
	URI   string
	Title string
	Tools []string // tools whose results it shows
	parts []string // parts of its script, in order
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

// HTML returns the complete page; it loads nothing else.
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
		panic("apps: " + err.Error()) // impossible: the file is embedded
	}
	return string(text)
}

// IsView reports whether a URI is that of a view.
func IsView(uri string) bool {
	return slices.ContainsFunc(Views(), func(v View) bool { return v.URI == uri })
}

// Register adds the views to an MCP server as resources.
func Register(to *server.MCPServer) {
	for _, v := range Views() {
		html := sync.OnceValue(v.HTML)
		to.AddResource(mcp.Resource{URI: v.URI, Name: strings.TrimPrefix(v.URI, scheme), Title: v.Title, MIMEType: MIMEType},
			func(context.Context, mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
				return []mcp.ResourceContents{mcp.TextResourceContents{
					URI: v.URI, MIMEType: MIMEType, Text: html(),
					// It requests no origins and no permissions.
					Meta: map[string]any{"ui": map[string]any{"prefersBorder": true}},
				}}, nil
			})
	}
}

// AddHooks includes the views in lists for clients that show them, and removes
// them for others.
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

// linked returns the tools, each with the view that shows its results.
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

// isDeclared reports whether the client shows views. With protocol 2026-07-28
// each request says so; before, only the handshake did, so it is unknown for
// HTTP requests without a session.
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
