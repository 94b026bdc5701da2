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
	session := server.ClientSessionFromContext(ctx)
	if token == nil || session == nil {
		return
	}
	n := mcp.JSONRPCNotification{JSONRPC: mcp.JSONRPC_VERSION, Notification: mcp.Notification{
		Method: "notifications/progress",
		Params: mcp.NotificationParams{AdditionalFields: map[string]any{
			"progressToken": token, "progress": progress, "total": total, "message": message,
		}},
	}}
	select {
	case session.NotificationChannel() <- n:
	default: // a client that does not read still gets its result
	}
}
