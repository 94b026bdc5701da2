package web

import (
	"context"
	"net/http"
	"strings"

	"github.com/openpolt/polt-mcp/internal/credentials"
	"github.com/openpolt/polt-mcp/internal/keyid"
	"github.com/openpolt/polt-mcp/internal/memory"
	"github.com/openpolt/polt-mcp/polt"
)

// caller is who made a request.
type caller struct {
	key       polt.Key
	anonymous bool   // there is no Authorization header
	problem   string // why there is no key, though there is an Authorization header
	address   string // without the port
	id        string // of the key, else of the network of the address: for limits and the log
}

// minKey is how long a key is at least. A shorter one is a piece of one, or a
// stand-in for it.
const minKey = 8

// callerOf reads who made a request. Its key is the caller's for this request
// alone.
func (s *Server) callerOf(r *http.Request) caller {
	c := caller{address: s.options.Proxies.client(r)}
	s.hintAtProxy(r)
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

// call is what is known of a request. The guard fills it as it goes.
type call struct {
	id      string
	header  http.Header
	caller  caller
	session string // its id, or ""
	account *memory.Account
	// answered gives back its place among those that run at a time; release its
	// memory, too.
	answered, release func()
}

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

// Key returns the key of the request that ctx belongs to, or none.
func Key(ctx context.Context) polt.Key { return callFrom(ctx).caller.key }

// Anonymous reports whether the request that ctx belongs to has no Authorization
// header at all. A caller whose header has no usable key means to be somebody,
// and must not be taken for anybody else.
func Anonymous(ctx context.Context) bool { return callFrom(ctx).caller.anonymous }

// CallerID returns who made the request that ctx belongs to, in a form that is
// no secret.
func CallerID(ctx context.Context) string { return callFrom(ctx).caller.id }

// CallerAddress returns the host that the request that ctx belongs to came
// from, or "". Behind proxies that are trusted it is whom they forward for.
func CallerAddress(ctx context.Context) string { return callFrom(ctx).caller.address }

// CallerNetwork returns what tells callers without a key apart: their address, or
// the /64 network of an IPv6 address, all of which one machine may have.
func CallerNetwork(ctx context.Context) string { return network(CallerAddress(ctx)) }

// KeySource says where a caller's key is from, or "" where it has none.
func KeySource(ctx context.Context) string {
	if Key(ctx).IsZero() {
		return ""
	}
	return "the Authorization header"
}

// KeyHint tells a caller without a key how to send one, and how to get one where
// it can register.
func KeyHint(ctx context.Context, canRegister bool) string {
	hint := "Ask the user to set the header \"Authorization: Bearer polt_…\" in the MCP host's configuration of this server"
	if canRegister {
		hint = "Call register_agent to get a key, and ask" + strings.TrimPrefix(hint, "Ask")
	}
	return hint
}

// KeyProblem says why a caller has no key although it has sent the header for one,
// or is empty.
func KeyProblem(ctx context.Context) string { return callFrom(ctx).caller.problem }

// RequestID returns the id of the request that ctx belongs to, or "".
func RequestID(ctx context.Context) string { return callFrom(ctx).id }

// Header returns the headers of the request that ctx belongs to, or nil.
func Header(ctx context.Context) http.Header { return callFrom(ctx).header }
