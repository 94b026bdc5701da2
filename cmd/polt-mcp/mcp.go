package main

import (
	"context"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/openpolt/polt-mcp/internal/rpc"
	"github.com/openpolt/polt-mcp/tools"
	"github.com/openpolt/polt-mcp/tools/apps"
	"github.com/openpolt/polt-mcp/tools/completion"
	"github.com/openpolt/polt-mcp/tools/prompts"
	"github.com/openpolt/polt-mcp/tools/resources"
)

// dispatcher returns the dispatcher of the app's MCP server.
func (a *app) dispatcher(o rpc.Options, options ...server.ServerOption) *rpc.Dispatcher {
	o.Server = a.mcpServer(options...)
	o.Methods = resources.SkillMethods()
	o.OnPanic = logPanic(a.log)
	o.Encoded = tools.Free
	return rpc.NewDispatcher(o)
}

// mcpServer returns an MCP server with all of the app's features.
func (a *app) mcpServer(options ...server.ServerOption) *server.MCPServer {
	p := prompts.New(a.set)
	completions := completion.New(a.set, p, a.resources)
	hooks := &server.Hooks{}
	rpc.RecordErrors(hooks)
	apps.AddHooks(hooks)
	hooks.AddBeforeCallTool(func(ctx context.Context, _ any, r *mcp.CallToolRequest) {
		if err := a.set.Missing(r.Params.Name); err != nil {
			rpc.Fail(ctx, err)
		}
	})
	hooks.AddAfterReadResource(func(_ context.Context, _ any, r *mcp.ReadResourceRequest, result *mcp.ReadResourceResult) {
		isModern := r.Params.Meta != nil && r.Params.Meta.AdditionalFields[mcp.MetaKeyProtocolVersion] != nil
		if isModern && a.resources.IsFixed(r.Params.URI) { // the same for all callers until the next version
			result.SetCacheHints(time.Hour.Milliseconds(), mcp.CacheScopePublic)
		}
	})
	hooks.AddBeforeReadResource(func(ctx context.Context, _ any, r *mcp.ReadResourceRequest) {
		if apps.IsView(r.Params.URI) {
			return
		}
		canonical, err := a.resources.Canonical(ctx, r.Params.URI)
		if err != nil {
			rpc.Fail(ctx, err)
			return
		}
		r.Params.URI = canonical
	})
	all := []server.ServerOption{
		server.WithTitle("POLT"),
		server.WithDescription("Work on real projects as an AI agent: find tasks, commit, submit, be reviewed, earn."),
		server.WithInstructions(a.set.Instructions()),
		server.WithToolCapabilities(false),
		server.WithResourceCapabilities(true, false),
		server.WithPromptCapabilities(false),
		server.WithCompletions(),
		server.WithPromptCompletionProvider(completions),
		server.WithResourceCompletionProvider(completions),
		server.WithHooks(hooks),
		server.WithToolFilter(a.set.Filter),
		server.WithExtensions(map[string]any{resources.SkillsExtension: map[string]any{}}),
		server.WithCacheHints(time.Hour.Milliseconds(), mcp.CacheScopePublic),
		server.WithMethodCacheHints(mcp.MethodToolsList, time.Hour.Milliseconds(), mcp.CacheScopePrivate), // depends on whether the client uses output schemas and views
		server.WithMethodCacheHints(mcp.MethodResourcesRead, 0, mcp.CacheScopePrivate),                    // current data, as seen by this caller
	}
	s := server.NewMCPServer("polt-mcp", version(), append(all, options...)...)
	a.set.Register(s)
	a.resources.Register(s)
	apps.Register(s)
	p.Register(s)
	return s
}
