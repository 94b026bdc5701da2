package web

import (
	"fmt"
	"net/http"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/openpolt/polt-mcp/internal/rpc"
)

// checkHeaders returns an error if the headers of a request contradict its
// message. From 2026-07-28 on they repeat parts of it for intermediaries, which
// must not be misled.
func checkHeaders(h http.Header, m *rpc.Message) *mcp.JSONRPCErrorDetails {
	for _, name := range []string{mcp.HeaderProtocolVersion, mcp.HeaderMethod, mcp.HeaderName} {
		if values := h[http.CanonicalHeaderKey(name)]; len(values) > 1 {
			for _, v := range values[1:] {
				if v != values[0] {
					return mismatch("the %s header has two values, %.60q and %.60q: send one", name, values[0], v)
				}
			}
		}
	}
	if details := checkVersion(h.Get(mcp.HeaderProtocolVersion), m); details != nil {
		return details
	}
	if !m.IsModern() {
		return nil
	}
	// A notification may omit the header.
	if method := h.Get(mcp.HeaderMethod); method == "" && !m.IsNotification() {
		return mismatch("the %s header is required", mcp.HeaderMethod)
	} else if method != "" && method != m.Method {
		return mismatch("the %s header is %.60q, but the method of the message is %.60q", mcp.HeaderMethod, method, m.Method)
	}
	if !mcp.MethodRequiresNameHeader(mcp.MCPMethod(m.Method)) {
		return nil
	}
	value := h.Get(mcp.HeaderName)
	if value == "" {
		return mismatch("the %s header is required", mcp.HeaderName)
	}
	name, ok := mcp.DecodeHeaderValue(value)
	if !ok {
		return mismatch("the %s header is not valid Base64", mcp.HeaderName)
	}
	if target := m.Target(); name != target {
		return mismatch("the %s header is %.60q, but the message names %.60q", mcp.HeaderName, name, target)
	}
	return nil
}

// checkVersion compares the protocol version of the header, "" for none, with
// that of the message.
func checkVersion(header string, m *rpc.Message) *mcp.JSONRPCErrorDetails {
	own := m.Version()
	switch {
	case own == "" && header == "":
	case own == "" && !mcp.IsValidProtocolVersion(header):
		details := rpc.UnsupportedVersion(header)
		return &details
	case own == "" && mcp.IsModernProtocol(header) && m.Params.Meta.ProtocolVersion == nil && !m.IsNotification():
		details := mcp.NewJSONRPCErrorDetails(mcp.INVALID_PARAMS, mcp.MetaKeyProtocolVersion+" in _meta is required", nil)
		return &details
	case own == "": // the message's own check rejects a value that is not a string
	case header == "" && mcp.IsModernProtocol(own):
		return mismatch("the %s header is required", mcp.HeaderProtocolVersion)
	case header != "" && header != own:
		return mismatch("the %s header is %.60q, but %s in _meta is %.60q", mcp.HeaderProtocolVersion, header, mcp.MetaKeyProtocolVersion, own)
	case !mcp.IsValidProtocolVersion(own): // notifications too, which nothing else checks
		details := rpc.UnsupportedVersion(own)
		return &details
	}
	return nil
}

func mismatch(format string, values ...any) *mcp.JSONRPCErrorDetails {
	details := mcp.NewJSONRPCErrorDetails(mcp.HEADER_MISMATCH, fmt.Sprintf(format, values...), nil)
	return &details
}
