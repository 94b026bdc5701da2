package stdio

import (
	"sync/atomic"

	"github.com/google/uuid"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// session is the client at the other end of the streams.
type session struct {
	id            string
	initialized   atomic.Bool
	notifications chan mcp.JSONRPCNotification
	version       atomic.Value // string
}

var (
	_ server.ClientSession              = (*session)(nil)
	_ server.SessionWithProtocolVersion = (*session)(nil)
)

func newSession() *session {
	return &session{id: uuid.NewString(), notifications: make(chan mcp.JSONRPCNotification, 256)}
}

func (s *session) SessionID() string { return s.id }
func (s *session) Initialize()       { s.initialized.Store(true) }
func (s *session) Initialized() bool { return s.initialized.Load() }

func (s *session) NotificationChannel() chan<- mcp.JSONRPCNotification { return s.notifications }

// SetProtocolVersion is called by mcp-go after the handshake.
func (s *session) SetProtocolVersion(v string) { s.version.Store(v) }

// ProtocolVersion returns what the handshake agreed on, or "" before it.
func (s *session) ProtocolVersion() string {
	v, _ := s.version.Load().(string)
	return v
}
