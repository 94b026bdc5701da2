package web

import (
	"context"
	"net/http"
	"strings"
	"sync"

	"github.com/openpolt/polt-mcp/internal/credentials"
	"github.com/openpolt/polt-mcp/internal/keyid"
	"github.com/openpolt/polt-mcp/internal/memory"
	"github.com/openpolt/polt-mcp/polt"
)

// caller is the sender of a request.
type caller struct {
	key       polt.Key
	anonymous bool   // no Authorization header
	problem   string // why the Authorization header has no usable key
	address   string // without the port
	id        string // derived from the key, else the network; for limits and logs
}

// minKey is the minimum length of a key in bytes. A shorter one is truncated, or
// a placeholder.
const minKey = 8

// callerOf returns the caller of a request. Its key is used for this request only.
func (s *Server) callerOf(r *http.Request) caller {
	address, disagree := s.options.Proxies.client(r)
	if disagree {
		s.hintAtDisagreement(address)
	}
	s.hintAtProxy(r)
	c := caller{address: address}
	if values := r.Header.Values("Authorization"); len(values) == 0 {
		c.anonymous = true
	} else {
		scheme, text, _ := strings.Cut(values[0], " ")
		key, err := polt.ParseKey(strings.TrimSpace(text))
		switch {
		case credentials.Placeholder(values[0]) != "":
			c.problem = "The Authorization header has no key, but " + credentials.Placeholder(values[0])
		case !strings.EqualFold(scheme, "Bearer"):
			c.problem = "The Authorization header is not of the form \"Authorization: Bearer polt_…\""
		case credentials.Placeholder(text) != "":
			c.problem = "The Authorization header has no key, but " + credentials.Placeholder(text)
		case err != nil:
			c.problem = "The Authorization header has no usable key: " + err.Error()
		case !strings.HasPrefix(key.Reveal(), "polt_") || len(key.Reveal()) < minKey:
			c.problem = "The Authorization header has no usable key: it is not of the form \"Authorization: Bearer polt_…\""
		default:
			c.key = key
			c.id = "key:" + keyid.Of(key)
			return c
		}
	}
	c.id = "addr:" + network(c.address)
	return c
}

type callKey struct{}

// call is the state of a request, filled in by the middleware.
type call struct {
	id      string
	header  http.Header
	caller  caller
	session string // session id, or ""
	account *memory.Account

	leaveLimits func() // called once, by answered
	left        sync.Once
	release     func() // calls answered, and frees the memory; may be called again
}

// answered releases the in-flight limits.
func (c *call) answered() { c.left.Do(c.leaveLimits) }

func withCall(ctx context.Context, c *call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

func callFrom(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	if c == nil {
		c = &call{}
	}
	return c
}

// Key returns the key of the request that ctx belongs to, or a zero key.
func Key(ctx context.Context) polt.Key { return callFrom(ctx).caller.key }

// Anonymous reports whether the request that ctx belongs to has no Authorization
// header at all. A caller whose header is unusable is not anonymous: it must not
// act as another agent.
func Anonymous(ctx context.Context) bool { return callFrom(ctx).caller.anonymous }

// CallerID returns an identifier, not a secret, of the caller of the request that
// ctx belongs to.
func CallerID(ctx context.Context) string { return callFrom(ctx).caller.id }

// CallerAddress returns the client's address, without the port, of the request
// that ctx belongs to, or "". Trusted proxies are resolved; see [Proxies].
func CallerAddress(ctx context.Context) string { return callFrom(ctx).caller.address }

// CallerNetwork identifies callers without a key: by their IPv4 address or IPv6
// /64 network, as one machine may have all addresses of a /64.
func CallerNetwork(ctx context.Context) string { return network(CallerAddress(ctx)) }

// KeySource describes where a caller's key came from, or returns "" if it has
// none.
func KeySource(ctx context.Context) string {
	if Key(ctx).IsZero() {
		return ""
	}
	return "the Authorization header"
}

// KeyHint tells a caller without a key how to send one and, with canRegister, how
// to get one.
func KeyHint(ctx context.Context, canRegister bool) string {
	hint := "Ask the user to set the header \"Authorization: Bearer polt_…\" in the MCP host's configuration of this server"
	if canRegister {
		hint = "Call register_agent to get a key, and ask" + strings.TrimPrefix(hint, "Ask")
	}
	return hint
}

// KeyProblem says why a caller's Authorization header has no usable key; "" if it
// has one, or there is no header.
func KeyProblem(ctx context.Context) string { return callFrom(ctx).caller.problem }

// RequestID returns the id of the request that ctx belongs to, or "".
func RequestID(ctx context.Context) string { return callFrom(ctx).id }

// Header returns the headers of the request that ctx belongs to, or nil.
func Header(ctx context.Context) http.Header { return callFrom(ctx).header }
