package web

import (
	"strings"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/openpolt/polt-mcp/internal/rpc"
)

// A charge is what a message, or a batch of them, counts as.
type charge struct {
	calls    int // messages that make the server work, and mostly the platform too
	connects int // messages that a host exchanges to connect and to stay connected
}

// chargeFor returns what an input counts as. What is no message at all counts as
// a call: nobody needs to send many of those.
func chargeFor(in rpc.Input) charge {
	var c charge
	for _, item := range in.Items {
		if item.Message != nil && isConnecting(item.Message) {
			c.connects++
		} else {
			c.calls++
		}
	}
	return c
}

// isConnecting reports whether a message is one of those that hosts send to
// connect, to look around and to stay connected. The server answers each from
// memory.
func isConnecting(m *rpc.Message) bool {
	if m.IsResponse() || m.IsNotification() {
		return true
	}
	switch mcp.MCPMethod(m.Method) {
	case mcp.MethodInitialize, mcp.MethodPing, mcp.MethodServerDiscover, mcp.MethodSetLogLevel,
		mcp.MethodToolsList, mcp.MethodPromptsList, mcp.MethodResourcesList, mcp.MethodResourcesTemplatesList:
		return true
	}
	return strings.HasPrefix(m.Method, "skills/")
}
