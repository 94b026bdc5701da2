package rpc

import (
	"context"
	"encoding/json"

	"github.com/mark3labs/mcp-go/mcp"
)

// Methods are methods that mcp-go does not have, by name. They get the params
// of a request and return its result, or an error that is [Coded].
type Methods map[string]func(ctx context.Context, params json.RawMessage) (any, error)

// Answer answers a request of a method that mcp-go has found nothing wrong
// with but that it does not know it.
func (m Methods) Answer(ctx context.Context, method string, id, message json.RawMessage) []byte {
	var request struct{ Params json.RawMessage }
	_ = json.Unmarshal(message, &request) // it is a request, as mcp-go has found
	result, err := m[method](ctx, request.Params)
	if err != nil {
		return appendDetails(nil, id, detailsOf(err, true))
	}
	return appendResponse(nil, id, mcp.JSONRPCResponse{Result: result})
}

// isUnknown reports whether mcp-go does not know the method of a request.
func isUnknown(answer mcp.JSONRPCMessage) bool {
	e, ok := answer.(mcp.JSONRPCError)
	return ok && e.Error.Code == mcp.METHOD_NOT_FOUND
}
