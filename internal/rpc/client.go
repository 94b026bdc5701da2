package rpc

import (
	"context"
	"sync/atomic"

	"github.com/google/uuid"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// client is the session that mcp-go sees.
type client struct {
	id            string
	initialized   atomic.Bool
	notifications chan mcp.JSONRPCNotification
	version       atomic.Value // string
	info          atomic.Pointer[mcp.Implementation]
	capabilities  atomic.Pointer[mcp.ClientCapabilities]
}

var (
	_ server.ClientSession              = (*client)(nil)
	_ server.SessionWithProtocolVersion = (*client)(nil)
	_ server.SessionWithClientInfo      = (*client)(nil)
)

// ClientName returns the client's name from the request that ctx belongs to or,
// up to 2025-11-25, from its session's initialize; "" if neither is known.
func ClientName(ctx context.Context) string {
	if f, ok := ctx.Value(stateKey{}).(*state); ok && f.message.Params.Meta.ClientInfo != nil {
		return f.message.ClientName()
	}
	if c, ok := server.ClientSessionFromContext(ctx).(*client); ok {
		return c.GetClientInfo().Name
	}
	return ""
}

func newClient() *client {
	return &client{id: uuid.NewString(), notifications: make(chan mcp.JSONRPCNotification, 256)}
}

func (c *client) SessionID() string { return c.id }
func (c *client) Initialize()       { c.initialized.Store(true) }
func (c *client) Initialized() bool { return c.initialized.Load() }

func (c *client) NotificationChannel() chan<- mcp.JSONRPCNotification { return c.notifications }

// SetProtocolVersion is called by mcp-go after the handshake.
func (c *client) SetProtocolVersion(v string) { c.version.Store(v) }

// ProtocolVersion returns the negotiated version, or "" before the handshake.
func (c *client) ProtocolVersion() string {
	v, _ := c.version.Load().(string)
	return v
}

// SetClientInfo is called by mcp-go in the handshake, as is SetClientCapabilities.
func (c *client) SetClientInfo(info mcp.Implementation) { c.info.Store(&info) }

// GetClientInfo returns the clientInfo of the handshake; zero before it.
func (c *client) GetClientInfo() (info mcp.Implementation) {
	if p := c.info.Load(); p != nil {
		info = *p
	}
	return info
}

func (c *client) SetClientCapabilities(capabilities mcp.ClientCapabilities) {
	c.capabilities.Store(&capabilities)
}

// GetClientCapabilities returns the capabilities of the handshake; zero before it.
func (c *client) GetClientCapabilities() (capabilities mcp.ClientCapabilities) {
	if p := c.capabilities.Load(); p != nil {
		capabilities = *p
	}
	return capabilities
}
