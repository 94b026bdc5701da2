package web

import (
	"strings"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/openpolt/polt-mcp/internal/rpc"
)

// A charge is what an input counts against the [Limits].
type charge struct {
	calls    int // messages that cost work, mostly also for the platform
	connects int // messages that a host sends to connect and to stay connected
}

// chargeFor returns the charge of an input. An invalid message counts as a call.
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

// isConnecting reports whether a message is one that hosts send to connect, to
// discover what is served and to stay connected. The server answers it from
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
