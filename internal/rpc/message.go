package rpc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/openpolt/polt-mcp/internal/object"
)

// A Message is a request, notification or response from the client.
type Message struct {
	Method string          // "" for a response, which is ignored: this server sends no requests
	ID     json.RawMessage // as the client wrote it; nil for a notification
	Params Params
	// Raw is the whole message.
	Raw json.RawMessage
	// Header has the HTTP headers of the message; nil for stdio.
	Header http.Header

	problem   *mcp.JSONRPCErrorDetails // found before the message reached the dispatcher
	inSession bool                     // the client has a stream for later notifications
	protected *protection              // of that session; nil without one
}

// Params are the members of a message's params that this package reads, as the
// client wrote them; nil if missing.
type Params struct {
	Name          json.RawMessage `json:"name"`
	URI           json.RawMessage `json:"uri"`
	Arguments     json.RawMessage `json:"arguments"`
	Cursor        json.RawMessage `json:"cursor"`
	Ref           json.RawMessage `json:"ref"`
	Argument      json.RawMessage `json:"argument"`
	Notifications json.RawMessage `json:"notifications"`
	RequestID     json.RawMessage `json:"requestId"`
	ClientInfo    json.RawMessage `json:"clientInfo"`
	Meta          Meta            `json:"_meta"`
}

// Meta are the members of _meta that this server knows.
type Meta struct {
	ProtocolVersion    json.RawMessage `json:"io.modelcontextprotocol/protocolVersion"`
	ClientCapabilities json.RawMessage `json:"io.modelcontextprotocol/clientCapabilities"`
	ClientInfo         json.RawMessage `json:"io.modelcontextprotocol/clientInfo"`
	LogLevel           json.RawMessage `json:"io.modelcontextprotocol/logLevel"`
	ProgressToken      json.RawMessage `json:"progressToken"`
	TraceParent        json.RawMessage `json:"traceparent"`
	TraceState         json.RawMessage `json:"tracestate"`
}

// UnmarshalJSON decodes _meta as mcp-go does: by exact names, and the last of
// several replaces those before it. Otherwise a message could be of one version
// of the protocol here, and of another there.
func (m *Meta) UnmarshalJSON(raw []byte) error {
	*m = Meta{}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return &json.UnmarshalTypeError{Value: "value", Type: reflect.TypeFor[Meta](), Field: "params._meta"}
	}
	for _, f := range m.members() {
		*f.value = members[f.name]
	}
	return nil
}

func (m *Meta) members() []member {
	return []member{
		{mcp.MetaKeyProtocolVersion, &m.ProtocolVersion}, {mcp.MetaKeyClientInfo, &m.ClientInfo},
		{mcp.MetaKeyClientCapabilities, &m.ClientCapabilities}, {mcp.MetaKeyLogLevel, &m.LogLevel},
		{"progressToken", &m.ProgressToken}, {"traceparent", &m.TraceParent}, {"tracestate", &m.TraceState},
	}
}

// Target returns the name of the tool or prompt, or the URI of the resource,
// that a request names; "" for other methods.
func (m *Message) Target() string {
	switch mcp.MCPMethod(m.Method) {
	case mcp.MethodToolsCall, mcp.MethodPromptsGet:
		return Text(m.Params.Name)
	case mcp.MethodResourcesRead, mcp.MethodResourcesSubscribe, mcp.MethodResourcesUnsubscribe:
		return Text(m.Params.URI)
	}
	return ""
}

// ClientName returns the client's name in a message, or "": up to 2025-11-25
// only initialize has it.
func (m *Message) ClientName() string {
	info := m.Params.ClientInfo
	if info == nil {
		info = m.Params.Meta.ClientInfo
	}
	if info == nil {
		return ""
	}
	var client struct{ Name string }
	_ = json.Unmarshal(info, &client) // on failure the name is ""
	return client.Name
}

// IsNotification reports whether a message must not be answered.
func (m *Message) IsNotification() bool { return m.Method != "" && m.ID == nil }

// IsResponse reports whether a message is a response.
func (m *Message) IsResponse() bool { return m.Method == "" }

// Reject marks a message to be answered with an error when it is dispatched.
func (m *Message) Reject(details mcp.JSONRPCErrorDetails) { m.problem = &details }

// Text returns the text of a JSON string, or "" for any other value.
func Text(value json.RawMessage) string {
	if !isString(value) {
		return ""
	}
	if inner := value[1 : len(value)-1]; bytes.IndexByte(inner, '\\') < 0 {
		return string(inner)
	}
	var text string
	_ = json.Unmarshal(value, &text) // value is known to be a valid string
	return text
}

func isString(value json.RawMessage) bool { return len(value) > 0 && value[0] == '"' }
func isObject(value json.RawMessage) bool { return len(value) > 0 && value[0] == '{' }
func isNull(value json.RawMessage) bool   { return value == nil || value[0] == 'n' }

// isID reports whether a JSON value may be the id of a request.
func isID(value json.RawMessage) bool {
	return value[0] == '"' || value[0] == '-' || '0' <= value[0] && value[0] <= '9'
}

// MaxBatch limits the messages of a batch, whose responses are held in memory
// until the last one is ready.
const MaxBatch = 50

// An Input is a message, or a batch of them as in protocol version 2025-03-26.
type Input struct {
	IsBatch bool
	Items   []Item
}

// An Item is a message, or the error response to an invalid one.
type Item struct {
	Message *Message
	Refused Response // if Message is nil
}

// byteOrderMark is the UTF-8 BOM, which some programs send, such as PowerShell.
var byteOrderMark = []byte("\xef\xbb\xbf")

// Parse parses a message or a batch. Invalid ones become [Item.Refused].
func Parse(raw []byte) Input {
	raw = bytes.TrimSpace(bytes.TrimPrefix(raw, byteOrderMark))
	if len(raw) == 0 || raw[0] != '[' {
		return Input{Items: []Item{parse(raw)}}
	}
	refuse := func(code int, text string) Input {
		return Input{Items: []Item{{Refused: errorResponse(nil, mcp.NewJSONRPCErrorDetails(code, text, nil))}}}
	}
	batch, err := splitBatch(raw)
	switch {
	case errors.Is(err, errLongBatch):
		return refuse(mcp.INVALID_REQUEST, fmt.Sprintf("the batch exceeds the maximum of %d messages: split it", MaxBatch))
	case err != nil:
		return refuse(mcp.PARSE_ERROR, "the message is not valid JSON")
	case len(batch) == 0:
		return refuse(mcp.INVALID_REQUEST, "the batch is empty")
	}
	in := Input{IsBatch: true, Items: make([]Item, len(batch))}
	for i, m := range batch {
		in.Items[i] = parse(m)
	}
	return in
}

var errLongBatch = errors.New("the batch is too long")

// splitBatch returns the messages of a batch. It stops reading at one too many:
// an array takes far more memory than its JSON.
func splitBatch(raw []byte) (batch []json.RawMessage, err error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	for dec.More() {
		if len(batch) == MaxBatch {
			return nil, errLongBatch
		}
		var message json.RawMessage
		if err := dec.Decode(&message); err != nil {
			return nil, err
		}
		batch = append(batch, message)
	}
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("there is more after the batch")
	}
	return batch, nil
}

// A wire is the wire format of a message.
type wire struct {
	JSONRPC json.RawMessage `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Method  json.RawMessage `json:"method"`
	Params  Params          `json:"params"`
	Result  json.RawMessage `json:"result"`
	Error   json.RawMessage `json:"error"`
}

// decode decodes a message as json.Unmarshal does, but faster for nearly all.
func (w *wire) decode(raw []byte) error {
	if plain, ok := plainWire(raw); ok {
		*w = plain
		return nil
	}
	return json.Unmarshal(raw, w)
}

// plainWire decodes a message whose known members, including those of params and
// _meta, are spelled exactly and occur once. Others are left to encoding/json, so
// that they mean the same as in mcp-go.
func plainWire(raw []byte) (w wire, ok bool) {
	var params, meta json.RawMessage
	p := &w.Params
	ok = setMembers(raw, []member{
		{"jsonrpc", &w.JSONRPC}, {"id", &w.ID}, {"method", &w.Method}, {"params", &params}, {"result", &w.Result}, {"error", &w.Error},
	}) && (isNull(params) || setMembers(params, []member{
		{"name", &p.Name}, {"uri", &p.URI}, {"arguments", &p.Arguments}, {"cursor", &p.Cursor}, {"ref", &p.Ref}, {"argument", &p.Argument},
		{"notifications", &p.Notifications}, {"requestId", &p.RequestID}, {"clientInfo", &p.ClientInfo}, {"_meta", &meta},
	})) && (isNull(meta) || setMembers(meta, p.Meta.members()))
	return w, ok
}

// member is the destination of a member's value.
type member struct {
	name  string
	value *json.RawMessage
}

// setMembers sets the values of members from an object. It returns false if one
// occurs twice or in another case.
func setMembers(raw []byte, members []member) bool {
	return object.Members(raw, func(name, value []byte) bool {
		for _, m := range members {
			if len(name) != len(m.name) || !strings.EqualFold(string(name), m.name) {
				continue
			}
			if string(name) != m.name || *m.value != nil {
				return false
			}
			*m.value = value
			return true
		}
		return true
	})
}

// parse parses one message.
func parse(raw []byte) Item {
	var wire wire
	err := wire.decode(raw)
	wrongType, _ := errors.AsType[*json.UnmarshalTypeError](err) // the other members are decoded
	if err != nil && wrongType == nil {
		return refused(nil, mcp.PARSE_ERROR, "the message is not valid JSON")
	}
	if !utf8.Valid(raw) {
		return refused(nil, mcp.PARSE_ERROR, "the message is not valid UTF-8")
	}
	id := wire.ID
	if id != nil && !isID(id) {
		id = nil
	}
	hasOutcome := wire.Result != nil || wire.Error != nil
	switch {
	case wrongType != nil && wrongType.Field == "":
		return refused(nil, mcp.INVALID_REQUEST, "the message is not a JSON-RPC request: it must be an object")
	case Text(wire.JSONRPC) != mcp.JSONRPC_VERSION:
		return refused(id, mcp.INVALID_REQUEST, `the message is not a JSON-RPC request: "jsonrpc" must be "2.0"`)
	case wire.ID != nil && id == nil:
		return refused(nil, mcp.INVALID_REQUEST, `"id" must be a string or a number`)
	case wire.Method == nil && hasOutcome:
		return Item{Message: &Message{ID: id, Raw: raw}}
	case Text(wire.Method) == "":
		return refused(id, mcp.INVALID_REQUEST, `the message is not a JSON-RPC request: "method" must be the name of a method`)
	case hasOutcome:
		return refused(id, mcp.INVALID_REQUEST, `a message with "method" must not have "result" or "error"`)
	}
	m := &Message{Method: Text(wire.Method), ID: id, Params: wire.Params, Raw: raw}
	if wrongType != nil { // params or _meta
		m.Reject(mcp.NewJSONRPCErrorDetails(mcp.INVALID_PARAMS, wrongType.Field+" must be an object", nil))
	}
	return Item{Message: m}
}

func refused(id json.RawMessage, code int, text string) Item {
	return Item{Refused: errorResponse(id, mcp.NewJSONRPCErrorDetails(code, text, nil))}
}
