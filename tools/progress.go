package tools

import (
	"context"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// progressInterval is how often a call that waits says that it does.
const progressInterval = 5 * time.Second

type progressKey struct{}

// withProgress has a call report its progress, where its request asks for that.
func withProgress(ctx context.Context, r mcp.CallToolRequest) context.Context {
	if r.Params.Meta == nil || r.Params.Meta.ProgressToken == nil {
		return ctx
	}
	return context.WithValue(ctx, progressKey{}, r.Params.Meta.ProgressToken)
}

// reportProgress tells the client how far a call is, in seconds.
func reportProgress(ctx context.Context, progress, total float64, message string) {
	token := ctx.Value(progressKey{})
	s := server.ServerFromContext(ctx)
	if token == nil || s == nil {
		return
	}
	// A client that cannot be told still gets its answer.
	_ = s.SendNotificationToClient(ctx, "notifications/progress", map[string]any{
		"progressToken": token, "progress": progress, "total": total, "message": message,
	})
}
