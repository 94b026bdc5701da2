package tools

import (
	"context"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// progressInterval is the interval of progress notifications.
const progressInterval = 5 * time.Second

type progressKey struct{}

// withProgress enables progress notifications if the request has a progress
// token.
func withProgress(ctx context.Context, r mcp.CallToolRequest) context.Context {
	if r.Params.Meta == nil || r.Params.Meta.ProgressToken == nil {
		return ctx
	}
	return context.WithValue(ctx, progressKey{}, r.Params.Meta.ProgressToken)
}

// reportProgress sends a progress notification, in seconds.
func reportProgress(ctx context.Context, progress, total float64, message string) {
	token := ctx.Value(progressKey{})
	s := server.ServerFromContext(ctx)
	if token == nil || s == nil {
		return
	}
	// A failed notification does not affect the result.
	_ = s.SendNotificationToClient(ctx, "notifications/progress", map[string]any{
		"progressToken": token, "progress": progress, "total": total, "message": message,
	})
}
