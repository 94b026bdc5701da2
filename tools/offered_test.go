package tools_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/openpolt/polt-mcp/tools/prompts"
	"github.com/openpolt/polt-mcp/tools/resources"
)

// offered asks an MCP server with all resources and prompts for a list of them.
func offered[List any](t *testing.T, method mcp.MCPMethod) (list List) {
	t.Helper()
	set := newSet(t, &platform{}, nil)
	r := resources.New(set)
	s := server.NewMCPServer("test", "1")
	r.Register(s)
	prompts.New(set).Register(s)
	answer, ok := s.HandleMessage(t.Context(), json.RawMessage(`{"jsonrpc":"2.0","id":1,"method":"`+string(method)+`"}`)).(mcp.JSONRPCResponse)
	if !ok {
		t.Fatalf("%s fails", method)
	}
	list, ok = answer.Result.(List)
	if !ok {
		t.Fatalf("%s is answered with a %T", method, answer.Result)
	}
	return list
}

// effect says in words what a tool's annotations say.
func effect(tool mcp.Tool) string {
	switch {
	case decoders[tool.Name] == nil: // made of the reads of others
		return "reads; our own"
	case *tool.Annotations.ReadOnlyHint:
		return "reads"
	case *tool.Annotations.DestructiveHint:
		return "writes, destructive"
	}
	return "writes"
}

// toolNames is the README's table of the tools by what they do.
func toolNames(t *testing.T) string {
	t.Helper()
	names := map[string][]string{}
	for _, tool := range newSet(t, &platform{}, nil).Tools() {
		names[effect(tool)] = append(names[effect(tool)], "`"+tool.Name+"`")
	}
	table := "| Effect | Tools |\n| --- | --- |\n"
	for _, kind := range []string{"reads", "reads; our own", "writes", "writes, destructive"} {
		table += fmt.Sprintf("| %s | %s |\n", kind, strings.Join(names[kind], " "))
	}
	return table
}

// toolTable is the table of the tools with their descriptions.
func toolTable(t *testing.T) string {
	t.Helper()
	var rows strings.Builder
	for _, tool := range newSet(t, &platform{}, nil).Tools() {
		fmt.Fprintf(&rows, "| `%s` | %s | %s |\n", tool.Name, tool.Description, effect(tool))
	}
	return "| Tool | What it does | Effect |\n| --- | --- | --- |\n" + rows.String()
}

// resourceTable is the table of the resources and their templates.
func resourceTable(t *testing.T) string {
	t.Helper()
	var rows strings.Builder
	row := func(uri, description string) {
		first, _, _ := strings.Cut(description, ". ")
		fmt.Fprintf(&rows, "| `%s` | %s. |\n", uri, strings.TrimSuffix(first, "."))
	}
	for _, r := range offered[mcp.ListResourcesResult](t, mcp.MethodResourcesList).Resources {
		row(r.URI, r.Description)
	}
	for _, r := range offered[mcp.ListResourceTemplatesResult](t, mcp.MethodResourcesTemplatesList).ResourceTemplates {
		row(r.URITemplate.Raw(), r.Description)
	}
	return "| Resource | What it is |\n| --- | --- |\n" + rows.String()
}

// promptTable is the table of the prompts.
func promptTable(t *testing.T) string {
	t.Helper()
	var rows strings.Builder
	for _, p := range offered[mcp.ListPromptsResult](t, mcp.MethodPromptsList).Prompts {
		var arguments []string
		for _, a := range p.Arguments {
			name := "`" + a.Name + "`"
			if !a.Required {
				name += "?"
			}
			arguments = append(arguments, name)
		}
		fmt.Fprintf(&rows, "| `%s` | %s | %s |\n", p.Name, p.Description, strings.Join(arguments, " "))
	}
	return "| Prompt | What it has an agent do | Arguments |\n| --- | --- | --- |\n" + rows.String()
}
