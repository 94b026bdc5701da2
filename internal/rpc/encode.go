package rpc

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"unicode/utf8"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/openpolt/polt-mcp/internal/ascii"
	"github.com/openpolt/polt-mcp/internal/buffers"
)

// encodeResponse encodes a response of mcp-go as one line of JSON. The id is
// copied from the request: mcp-go rounds integers over 2^53.
func encodeResponse(id json.RawMessage, message mcp.JSONRPCMessage) Response {
	dst := appendHead(buffers.Get(0), id)
	var err error
	code := 0
	switch m := message.(type) {
	case mcp.JSONRPCResponse:
		dst = append(dst, `"result":`...)
		if list, ok := m.Result.(mcp.ListToolsResult); ok {
			dst, err = appendToolList(dst, list)
		} else {
			dst, err = appendJSON(dst, m.Result)
		}
	case mcp.JSONRPCError:
		dst = append(dst, `"error":`...)
		code = m.Error.Code
		dst, err = appendJSON(dst, m.Error)
	default:
		err = errUnknownMessage
	}
	if err != nil {
		return errorResponse(id, errUnencodable)
	}
	return Response{JSON: append(dst, '}'), Code: code}
}

var (
	errUnknownMessage = errors.New("an answer that is neither a result nor an error")
	errUnencodable    = mcp.NewJSONRPCErrorDetails(mcp.INTERNAL_ERROR, "the result cannot be encoded", nil)
)

// appendDetails appends an error response.
func appendDetails(dst []byte, id json.RawMessage, details mcp.JSONRPCErrorDetails) []byte {
	dst = append(appendHead(dst, id), `"error":`...)
	dst, _ = appendJSON(dst, details) // plain fields always encode
	return append(dst, '}')
}

// appendHead appends the start of a response. An id that could not be read is
// omitted: the protocol's schema does not allow null.
func appendHead(dst []byte, id json.RawMessage) []byte {
	dst = append(dst, `{"jsonrpc":"2.0",`...)
	if id == nil {
		return dst
	}
	return append(append(append(dst, `"id":`...), id...), ',')
}

func appendJSON(dst []byte, v any) ([]byte, error) {
	b, err := json.Marshal(v)
	return append(dst, b...), err
}

// appendToolList encodes a list as json.Marshal does, which would scan each schema
// three times: most of the cost of a tools/list.
func appendToolList(dst []byte, list mcp.ListToolsResult) ([]byte, error) {
	tools := list.Tools
	list.Tools = []mcp.Tool{}
	rest, err := json.Marshal(list)
	if err != nil {
		return dst, err
	}
	rest, isLast := bytes.CutSuffix(rest, []byte(`"tools":[]}`))
	if !isLast {
		list.Tools = tools
		return appendJSON(dst, list)
	}
	dst = append(append(dst, rest...), `"tools":[`...)
	for i, tool := range tools {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = appendTool(dst, tool); err != nil {
			return dst, err
		}
	}
	return append(dst, "]}"...), nil
}

func appendTool(dst []byte, t mcp.Tool) ([]byte, error) {
	in, out := t.RawInputSchema, t.RawOutputSchema
	isLine := bytes.IndexByte(in, '\n') < 0 && bytes.IndexByte(out, '\n') < 0
	if len(in) == 0 || t.InputSchema.Type != "" || t.OutputSchema.Type != "" || t.DeferLoading || t.Icons != nil || t.Execution != nil || !isLine {
		return appendJSON(dst, t)
	}
	dst = appendString(append(dst, `{"name":`...), t.Name)
	if t.Title != "" {
		dst = appendString(append(dst, `,"title":`...), t.Title)
	}
	if t.Description != "" {
		dst = appendString(append(dst, `,"description":`...), t.Description)
	}
	dst = append(append(dst, `,"inputSchema":`...), in...)
	if len(out) > 0 {
		dst = append(append(dst, `,"outputSchema":`...), out...)
	}
	dst, err := appendJSON(append(dst, `,"annotations":`...), t.Annotations)
	if err == nil && t.Meta != nil {
		dst, err = appendJSON(append(dst, `,"_meta":`...), t.Meta)
	}
	return append(dst, '}'), err
}

// appendToolResult encodes r as json.Marshal does, except for the members' order.
// encoding/json would scan the platform's JSON in it four times: half the cost of
// a call.
func appendToolResult(dst []byte, r *mcp.CallToolResult) ([]byte, error) {
	raw := r.RawStructuredContent
	dst = slices.Grow(dst, len(raw)*5/2+512) // the text content repeats raw with escaped quotes
	if len(raw) == 0 && r.StructuredContent != nil || len(r.InputRequests) > 0 || r.RequestState != "" || bytes.IndexByte(raw, '\n') >= 0 {
		return appendJSON(dst, r)
	}
	var err error
	dst = append(dst, `{"content":[`...)
	for i, content := range r.Content {
		if i > 0 {
			dst = append(dst, ',')
		}
		text, ok := content.(mcp.TextContent)
		if ok && text.Type == mcp.ContentTypeText && text.Meta == nil && text.Annotations == nil {
			dst = append(dst, `{"type":"text","text":`...)
			dst = append(appendString(dst, text.Text), '}')
		} else if dst, err = appendJSON(dst, content); err != nil {
			return dst, err
		}
	}
	dst = append(dst, ']')
	if len(raw) > 0 {
		dst = append(append(dst, `,"structuredContent":`...), raw...)
	}
	if r.IsError {
		dst = append(dst, `,"isError":true`...)
	}
	if r.ResultType != "" {
		dst = appendString(append(dst, `,"resultType":`...), string(r.ResultType))
	}
	if r.Meta != nil {
		if dst, err = appendJSON(append(dst, `,"_meta":`...), r.Meta); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

// appendString appends s as a JSON string.
func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for len(s) > 0 {
		var n int
		if dst, n = ascii.AppendPlain(dst, s); n == len(s) {
			break
		}
		s = s[n:]
		switch c := s[0]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			r, size := utf8.DecodeRuneInString(s)
			dst = utf8.AppendRune(dst, r) // U+FFFD for invalid UTF-8
			s = s[size:]
			continue
		}
		s = s[1:]
	}
	return append(dst, '"')
}
