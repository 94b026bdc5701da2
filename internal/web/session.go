package web

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/openpolt/polt-mcp/internal/rpc"
)

// A session of streamable HTTP, which the protocol has up to 2025-11-25, is its id
// alone: what a client said of itself when it shook hands is written in it. So
// nothing is kept that could expire, be lost in a restart, or be at another
// replica. A forged id changes nothing but what its own sender gets.

const sessionHeader = "Mcp-Session-Id"

const (
	maxClientName = 64  // bytes, of a name that an id holds
	maxSessionID  = 256 // bytes
)

// newSessionID returns the id of a session of a client that gives itself a name.
func newSessionID(client string) string {
	if len(client) > maxClientName {
		client = ""
	}
	return rand.Text() + "." + base64.RawURLEncoding.EncodeToString([]byte(client))
}

// clientOf returns the name that is written in the id of a session, or "".
func clientOf(session string) string {
	_, encoded, _ := strings.Cut(session, ".")
	name, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil || len(name) > maxClientName {
		return ""
	}
	return string(name)
}

// sessionOf returns the id of the session that a request is of, or "".
func sessionOf(r *http.Request) string {
	id := r.Header.Get(sessionHeader)
	if r.URL.Path == messagePath {
		id = r.URL.Query().Get("sessionId")
	}
	if len(id) > maxSessionID {
		return ""
	}
	return id
}

// ClientName returns the name that the client of the request that ctx belongs to
// gives itself, or gave itself when its session began, or "".
func ClientName(ctx context.Context) string {
	if name := rpc.ClientName(ctx); name != "" {
		return name
	}
	return clientOf(callFrom(ctx).session)
}

// CallerSession tells callers without a key apart: by their session or, where they
// have none, by the host that they come from, which others may share.
func CallerSession(ctx context.Context) (id string, isSession bool) {
	if c := callFrom(ctx); c.session != "" {
		return "session:" + c.session, true
	}
	return CallerNetwork(ctx), false
}
