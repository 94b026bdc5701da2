package web

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/openpolt/polt-mcp/internal/rpc"
)

// Sessions of streamable HTTP, in protocol versions up to 2025-11-25, are
// stateless: the id encodes the client's name from initialize. So no state can
// expire, be lost in a restart, or be on another replica. A forged id affects only
// its sender.

const sessionHeader = "Mcp-Session-Id"

const (
	maxClientName = 64  // bytes; longer names are not encoded
	maxSessionID  = 256 // bytes
)

// newSessionID returns a new session id that encodes the client's name.
func newSessionID(client string) string {
	if len(client) > maxClientName {
		client = ""
	}
	return rand.Text() + "." + base64.RawURLEncoding.EncodeToString([]byte(client))
}

// clientOf returns the client's name encoded in a session id, or "".
func clientOf(session string) string {
	_, encoded, _ := strings.Cut(session, ".")
	name, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil || len(name) > maxClientName {
		return ""
	}
	return string(name)
}

// sessionOf returns the session id of a request, or "".
func sessionOf(r *http.Request) string {
	id := r.Header.Get(sessionHeader)
	if cleanPath(r) == messagePath {
		id = r.URL.Query().Get("sessionId")
	}
	if len(id) > maxSessionID {
		return ""
	}
	return id
}

// ClientName returns the client's name from the request that ctx belongs to or
// from its session's initialize, or "".
func ClientName(ctx context.Context) string {
	if name := rpc.ClientName(ctx); name != "" {
		return name
	}
	return clientOf(callFrom(ctx).session)
}

// CallerSession identifies callers without a key: by their session or, without
// one, by their network, which others may share.
func CallerSession(ctx context.Context) (id string, isSession bool) {
	if c := callFrom(ctx); c.session != "" {
		return "session:" + c.session, true
	}
	return CallerNetwork(ctx), false
}
