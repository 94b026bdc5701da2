package rpc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// Version returns the protocol version that a message itself names, or "". Up
// to 2025-11-25 a session agrees on one instead.
func (m *Message) Version() string { return Text(m.Params.Meta.ProtocolVersion) }

// IsModern reports whether a message is of the protocol of 2026-07-28 or later.
func (m *Message) IsModern() bool {
	return mcp.IsModernProtocol(m.Version())
}

// protocolInfo returns what a message of 2026-07-28 or later tells of its client,
// as mcp-go has it.
func (m *Message) protocolInfo() *server.RequestProtocolInfo {
	info := &server.RequestProtocolInfo{Modern: true, ProtocolVersion: m.Version()}
	// What does not decode tells nothing: it is optional, or has been checked.
	_ = json.Unmarshal(m.Params.Meta.ClientInfo, &info.ClientInfo)
	_ = json.Unmarshal(m.Params.Meta.ClientCapabilities, &info.ClientCapabilities)
	return info
}

// logLevels are the values of the log level of a request.
var logLevels = []string{"debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"}

// check returns what is wrong with a request whatever its method's handler is.
func (m *Message) check() *mcp.JSONRPCErrorDetails {
	if m.problem != nil {
		return m.problem
	}
	if details := m.checkMeta(); details != nil {
		return details
	}
	problem := m.checkParams()
	if problem == "" {
		return nil
	}
	details := mcp.NewJSONRPCErrorDetails(mcp.INVALID_PARAMS, problem, nil)
	return &details
}

func (m *Message) checkMeta() *mcp.JSONRPCErrorDetails {
	meta := &m.Params.Meta
	problem := ""
	switch version := m.Version(); {
	case meta.ProtocolVersion == nil:
		return nil
	case !isString(meta.ProtocolVersion):
		problem = mcp.MetaKeyProtocolVersion + " in _meta must be a string"
	case !mcp.IsValidProtocolVersion(version):
		details := UnsupportedVersion(version)
		return &details
	case !m.IsModern():
		return nil
	case !isObject(meta.ClientCapabilities) || json.Unmarshal(meta.ClientCapabilities, new(mcp.ClientCapabilities)) != nil:
		problem = mcp.MetaKeyClientCapabilities + " in _meta is required and must be an object of capabilities"
	case meta.LogLevel != nil && !slices.Contains(logLevels, Text(meta.LogLevel)):
		problem = mcp.MetaKeyLogLevel + " in _meta must be one of " + strings.Join(logLevels, ", ")
	default:
		return nil
	}
	details := mcp.NewJSONRPCErrorDetails(mcp.INVALID_PARAMS, problem, nil)
	return &details
}

// UnsupportedVersion returns the error for a protocol version that this server
// does not have.
func UnsupportedVersion(version string) mcp.JSONRPCErrorDetails {
	return mcp.UnsupportedProtocolVersionError{Version: version, Supported: mcp.ValidProtocolVersions}.JSONRPCError().Error
}

// checkParams returns what is wrong with the params of a method whose schema
// mcp-go does not check (v1.2.1), or "".
func (m *Message) checkParams() string {
	p := &m.Params
	switch method := mcp.MCPMethod(m.Method); method {
	case mcp.MethodToolsCall, mcp.MethodPromptsGet:
		switch {
		case !isString(p.Name):
			return "name is required and must be a string"
		case method == mcp.MethodToolsCall && isString(p.Arguments) && isObject(bytes.TrimSpace([]byte(Text(p.Arguments)))):
			// Some models write the object as a string: the tools understand it.
		case !isNull(p.Arguments) && !isObject(p.Arguments):
			return "arguments must be an object"
		}
	case mcp.MethodResourcesRead, mcp.MethodResourcesSubscribe, mcp.MethodResourcesUnsubscribe:
		if Text(p.URI) == "" && (method == mcp.MethodResourcesRead || !m.IsModern()) {
			return "uri is required and must be a string"
		}
	case mcp.MethodCompletionComplete:
		return checkCompletion(p)
	case mcp.MethodSubscriptionsListen:
		if m.IsModern() {
			_, problem := parseListen(p.Notifications)
			return problem
		}
	default:
		if strings.HasSuffix(m.Method, "/list") {
			return checkCursor(p.Cursor)
		}
	}
	return ""
}

// checkCursor: every list is whole, so that no cursor has ever been given out.
func checkCursor(cursor json.RawMessage) string {
	switch {
	case isNull(cursor):
		return ""
	case !isString(cursor):
		return "cursor must be a string"
	case Text(cursor) != "":
		return fmt.Sprintf("the cursor %.40q is invalid: lists have a single page, so send the request without a cursor", Text(cursor))
	}
	return ""
}

func checkCompletion(p *Params) string {
	var ref struct{ Type, Name, URI json.RawMessage }
	_ = json.Unmarshal(p.Ref, &ref) // then it has no type
	switch kind := Text(ref.Type); {
	case kind == "ref/prompt" && isString(ref.Name), kind == "ref/resource" && isString(ref.URI):
	default:
		return "ref is required and must be a ref/prompt with a name or a ref/resource with a uri"
	}
	var argument struct{ Name, Value json.RawMessage }
	_ = json.Unmarshal(p.Argument, &argument)
	if !isString(argument.Name) || !isString(argument.Value) {
		return "argument is required and must have a name and a value, both strings"
	}
	return ""
}
