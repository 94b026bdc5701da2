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

// Version returns the protocol version in a message's _meta, or "": up to
// 2025-11-25 it is negotiated once per session instead.
func (m *Message) Version() string { return Text(m.Params.Meta.ProtocolVersion) }

// IsModern reports whether a message is of the protocol of 2026-07-28 or later.
func (m *Message) IsModern() bool {
	return mcp.IsModernProtocol(m.Version())
}

// protocolInfo returns the client's information in a message of 2026-07-28 or
// later, in mcp-go's type.
func (m *Message) protocolInfo() *server.RequestProtocolInfo {
	info := &server.RequestProtocolInfo{Modern: true, ProtocolVersion: m.Version()}
	// Errors are ignored: the members are optional, or have been checked.
	_ = json.Unmarshal(m.Params.Meta.ClientInfo, &info.ClientInfo)
	_ = json.Unmarshal(m.Params.Meta.ClientCapabilities, &info.ClientCapabilities)
	return info
}

// withoutArguments returns the call of a tool as a message that has nothing else
// than the tool's name, and is of the same protocol version.
func (m *Message) withoutArguments() json.RawMessage {
	raw := append(appendHead(nil, m.ID), `"method":"tools/call","params":{"name":`...)
	raw = append(raw, m.Params.Name...)
	if m.IsModern() {
		raw = append(raw, `,"_meta":{"`+mcp.MetaKeyClientCapabilities+`":{},"`+mcp.MetaKeyProtocolVersion+`":`...)
		raw = append(append(raw, m.Params.Meta.ProtocolVersion...), '}')
	}
	return append(raw, "}}"...)
}

// logLevels are the values of the log level of a request.
var logLevels = []string{"debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"}

// check validates a request before its handler is called; nil means valid.
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

// UnsupportedVersion returns the error for an unsupported protocol version.
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
			// Some models encode the object as a string, which the tools accept.
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

// checkCursor rejects every cursor: lists have one page, so none was issued.
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
	_ = json.Unmarshal(p.Ref, &ref) // on failure the type is ""
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
