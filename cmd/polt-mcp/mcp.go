package main

import (
	"context"
	"errors"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/openpolt/polt-mcp/internal/rpc"
	"github.com/openpolt/polt-mcp/internal/web"
	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
	"github.com/openpolt/polt-mcp/tools/completion"
	"github.com/openpolt/polt-mcp/tools/prompts"
	"github.com/openpolt/polt-mcp/tools/resources"
)

// mcpServer returns the MCP server of all that the app offers.
func (a *app) mcpServer(options ...server.ServerOption) *server.MCPServer {
	p := prompts.New(a.set, a.resources)
	completions := completion.New(a.set, p, a.resources)
	hooks := &server.Hooks{}
	hooks.AddAfterInitialize(web.WithoutSubscribe)
	hooks.AddBeforeReadResource(func(ctx context.Context, _ any, r *mcp.ReadResourceRequest) {
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
		server.WithExtensions(map[string]any{resources.SkillsExtension: map[string]any{}}),
		server.WithCacheHints(time.Hour.Milliseconds(), mcp.CacheScopePublic),
		server.WithMethodCacheHints(mcp.MethodResourcesRead, 0, mcp.CacheScopePrivate), // it is as it is now, for this caller
	}
	all = append(all, a.observed()...)
	all = append(all, rpc.Failures(logPanic(a.log))...)
	s := server.NewMCPServer("polt-mcp", version(), append(all, options...)...)
	a.set.Register(s)
	a.resources.Register(s)
	p.Register(s)
	return s
}

// observed has the log and the metrics know of reads and prompts, as of calls
// of tools of the methods' names.
func (a *app) observed() []server.ServerOption {
	if a.onCall == nil {
		return nil
	}
	ended := func(ctx context.Context, method mcp.MCPMethod, start time.Time, err error) {
		c := tools.Call{Tool: string(method), Duration: time.Since(start)}
		if e, ok := errors.AsType[*tools.Error](err); ok {
			c.Code = e.Code()
		} else if err != nil {
			c.Code = polt.CodeInternal
		}
		a.onCall(ctx, c)
	}
	return []server.ServerOption{
		server.WithResourceHandlerMiddleware(func(next server.ResourceHandlerFunc) server.ResourceHandlerFunc {
			return func(ctx context.Context, r mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
				start := time.Now()
				contents, err := next(ctx, r)
				ended(ctx, mcp.MethodResourcesRead, start, err)
				return contents, err
			}
		}),
		server.WithPromptHandlerMiddleware(func(next server.PromptHandlerFunc) server.PromptHandlerFunc {
			return func(ctx context.Context, r mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
				start := time.Now()
				result, err := next(ctx, r)
				ended(ctx, mcp.MethodPromptsGet, start, err)
				return result, err
			}
		}),
	}
}
