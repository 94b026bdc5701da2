package rpc

import (
	"bytes"
	"encoding/json"
	"io"
	"unicode/utf8"

	"github.com/mark3labs/mcp-go/mcp"
)

// largeResult is the size in bytes from which a tool's result is streamed rather
// than copied into its response, which would hold it twice: as text and as
// structured content.
const largeResult = 256 << 10

// large is a tool's result that is streamed after Response.JSON.
type large struct {
	hasText bool
	text    string
	raw     json.RawMessage // structured content, or nil
	rest    []byte          // further members, each preceded by a comma
}

// largeResponse returns a response that streams r. It returns false if r is not
// large, or has members that large does not support.
func largeResponse(id json.RawMessage, r *mcp.CallToolResult) (Response, bool) {
	l := &large{raw: r.RawStructuredContent}
	if len(r.Content) == 1 {
		text, ok := r.Content[0].(mcp.TextContent)
		if !ok || text.Type != mcp.ContentTypeText || text.Meta != nil || text.Annotations != nil {
			return Response{}, false
		}
		l.hasText, l.text = true, text.Text
	}
	if max(len(l.raw), len(l.text)) < largeResult || len(r.Content) > 1 || r.IsError || len(r.InputRequests) > 0 || r.RequestState != "" ||
		len(l.raw) == 0 && r.StructuredContent != nil || bytes.IndexByte(l.raw, '\n') >= 0 {
		return Response{}, false
	}
	if r.ResultType != "" {
		l.rest = appendString(append(l.rest, `,"resultType":`...), string(r.ResultType))
	}
	if r.Meta != nil {
		var err error
		if l.rest, err = appendJSON(append(l.rest, `,"_meta":`...), r.Meta); err != nil {
			return Response{}, false
		}
	}
	return Response{JSON: append(appendHead(nil, id), `"result":`...), large: l}, true
}

// write writes the result and closes the response.
func (l *large) write(out *counter) {
	out.write([]byte(`{"content":[`))
	if l.hasText {
		out.write([]byte(`{"type":"text","text":`))
		out.quote(l.text)
		out.write([]byte{'}'})
	}
	out.write([]byte{']'})
	if len(l.raw) > 0 {
		out.write([]byte(`,"structuredContent":`))
		out.write(l.raw)
	}
	out.write(l.rest)
	out.write([]byte("}}"))
}

// Size returns how many bytes a response holds in memory.
func (r Response) Size() int {
	if r.large == nil {
		return len(r.JSON)
	}
	return len(r.JSON) + max(len(r.large.raw), len(r.large.text)) // they share their bytes
}

// Length returns the encoded length in bytes, or -1 if it is not known in
// advance.
func (r Response) Length() int {
	if r.large == nil {
		return len(r.JSON)
	}
	return -1
}

// WriteTo writes a response, which contains no newline.
func (r Response) WriteTo(w io.Writer) (int64, error) {
	out := counter{w: w}
	out.write(r.JSON)
	if r.large != nil {
		r.large.write(&out)
	}
	return out.n, out.err
}

// AppendTo appends a response to dst.
func (r Response) AppendTo(dst []byte) []byte {
	if r.large == nil {
		return append(dst, r.JSON...)
	}
	b := bytes.NewBuffer(dst)
	_, _ = r.WriteTo(b) // never fails for a buffer
	return b.Bytes()
}

// counter counts the bytes written, and stops at the first error.
type counter struct {
	w   io.Writer
	n   int64
	err error
}

func (c *counter) write(b []byte) {
	if c.err == nil && len(b) > 0 {
		n, err := c.w.Write(b)
		c.n, c.err = c.n+int64(n), err
	}
}

// quotedAtOnce is the chunk size of quote, in bytes.
const quotedAtOnce = 16 << 10

// quote writes text as a JSON string, in chunks to bound memory.
func (c *counter) quote(text string) {
	c.write([]byte{'"'})
	var quoted []byte
	for len(text) > 0 && c.err == nil {
		n := min(len(text), quotedAtOnce)
		for back := 0; back < utf8.UTFMax && n < len(text) && !utf8.RuneStart(text[n]); back++ {
			n-- // do not split a character
		}
		quoted = appendString(quoted[:0], text[:n])
		c.write(quoted[1 : len(quoted)-1])
		text = text[n:]
	}
	c.write([]byte{'"'})
}
