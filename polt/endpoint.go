package polt

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// An Endpoint is one operation of the platform: a method, a path, an input type
// and an output type. Endpoints are declared only in this package, so no other
// operation can be called. The zero value has no method and no path, and its calls
// fail.
//
// In is a struct whose fields are named by their JSON names. A field fills the
// path placeholder of the same name. The other fields go into the query of a
// GET unless they are zero, and into the JSON body of any other method. With no
// other fields there is no body.
type Endpoint[In, Out any] struct{ op *operation }

// An Operation describes an [Endpoint] regardless of its types.
type Operation interface {
	// Method returns the HTTP method.
	Method() string
	// Path returns the path, with its placeholders in braces.
	Path() string
	// Public reports whether the endpoint is called without a key.
	Public() bool
}

// operation is an endpoint without its types.
type operation struct {
	method   string
	path     string
	segments []string // of path
	isPublic bool
	inPath   []field
	outside  []field // in the query of a GET, else in the body
}

// field is a field of an input.
type field struct {
	name  string // in JSON
	index int
}

// operations is every declared endpoint, in order.
var operations []*operation

// Operations returns every operation that an agent may call, in declaration
// order.
func Operations() []Operation {
	all := make([]Operation, len(operations))
	for i, op := range operations {
		all[i] = op
	}
	return all
}

// get declares a GET. Every GET of the platform is public.
func get[In, Out any](path string) Endpoint[In, Out] {
	return declare[In, Out](http.MethodGet, path).public()
}

func post[In, Out any](path string) Endpoint[In, Out] {
	return declare[In, Out](http.MethodPost, path)
}

func patch[In, Out any](path string) Endpoint[In, Out] {
	return declare[In, Out](http.MethodPatch, path)
}

func declare[In, Out any](method, path string) Endpoint[In, Out] {
	op := &operation{method: method, path: path, segments: strings.Split(path, "/")}
	in := reflect.TypeFor[In]()
	for i := range in.NumField() {
		name, _, _ := strings.Cut(in.Field(i).Tag.Get("json"), ",")
		f := field{name: name, index: i}
		if slices.Contains(op.segments, "{"+name+"}") {
			op.inPath = append(op.inPath, f)
		} else {
			op.outside = append(op.outside, f)
		}
	}
	operations = append(operations, op)
	return Endpoint[In, Out]{op}
}

// public marks the endpoint as not needing a key; none is sent.
func (e Endpoint[In, Out]) public() Endpoint[In, Out] {
	e.op.isPublic = true
	return e
}

// Method returns the HTTP method.
func (e Endpoint[In, Out]) Method() string { return e.operation().method }

// Path returns the path, with its placeholders in braces.
func (e Endpoint[In, Out]) Path() string { return e.operation().path }

// Public reports whether the endpoint is called without a key.
func (e Endpoint[In, Out]) Public() bool { return e.operation().isPublic }

// operation returns an empty operation for the zero value.
func (e Endpoint[In, Out]) operation() *operation {
	if e.op == nil {
		return &operation{}
	}
	return e.op
}

func (op *operation) Method() string { return op.method }
func (op *operation) Path() string   { return op.path }
func (op *operation) Public() bool   { return op.isPublic }
func (op *operation) String() string { return op.method + " " + op.path }

// An Answer is the platform's response to a successful call.
type Answer[Out any] struct {
	// Status is the HTTP status, from 200 to 299.
	Status int
	// Raw is the response body, at most 8 MiB, with the client's own key
	// redacted. It is empty if the platform sent no body, and not necessarily
	// valid JSON: Decode reports that.
	Raw []byte
}

// Decode decodes the response. Decoding is lenient, because the platform
// documents only part of its responses: unknown members are ignored, missing ones
// are zero, and a list is found in any envelope. A member of another type is an
// error, as is an answer without the list: Raw has what there is.
func (a Answer[Out]) Decode() (Out, error) {
	var out Out
	if err := json.Unmarshal(a.Raw, &out); err != nil {
		return out, fmt.Errorf("polt: the answer does not decode as %T: %w", out, err)
	}
	return out, nil
}

// Call calls the endpoint with the client's key and returns the raw response;
// Do decodes it too. The error is always an [*Error].
//
// Invalid arguments are rejected before anything is sent. A GET is tried up to
// 3 times; any other method is retried only if certainly nothing was sent.
func (e Endpoint[In, Out]) Call(ctx context.Context, c *Client, in In) (Answer[Out], error) {
	if faults := e.Check(in); len(faults) > 0 {
		return Answer[Out]{}, faults[0]
	}
	call, err := e.op.build(reflect.ValueOf(in))
	if err != nil {
		return Answer[Out]{}, err
	}
	got, err := c.call(ctx, call)
	if err != nil {
		return Answer[Out]{}, err
	}
	return Answer[Out]{Status: got.status, Raw: got.body}, nil
}

// Do calls the endpoint as Call does and decodes the response. The error is
// always an [*Error]. A successful write with an empty response returns the
// zero value.
func (e Endpoint[In, Out]) Do(ctx context.Context, c *Client, in In) (Out, error) {
	var out Out
	answer, err := e.Call(ctx, c, in)
	if err != nil {
		return out, err
	}
	isWrite := e.op.method != http.MethodGet
	if isWrite && len(bytes.TrimSpace(answer.Raw)) == 0 {
		return out, nil
	}
	if out, err = answer.Decode(); err == nil {
		return out, nil
	}
	failed := &Error{Code: CodeUpstreamError, Operation: e.op.String(), HTTPStatus: answer.Status, Message: "the answer does not decode", Err: err}
	if isWrite {
		failed.Code = CodeOutcomeUnknown
	}
	return out, failed
}

// Check returns an error for each argument that Call would reject, or nil.
func (e Endpoint[In, Out]) Check(in In) []*Error {
	if e.op == nil {
		return []*Error{{Code: CodeInternal, Message: "the endpoint is the zero value"}}
	}
	var faults []*Error
	v := reflect.ValueOf(in)
	for _, f := range e.op.inPath {
		if err := checkPathValue(f.name, v.Field(f.index).String()); err != nil {
			faults = append(faults, err)
		}
	}
	if own, ok := any(in).(interface{ validate() *Error }); ok {
		if err := own.validate(); err != nil {
			faults = append(faults, err)
		}
	}
	for _, err := range faults {
		err.Operation = e.op.String()
	}
	return faults
}

// request is an operation with its arguments.
type request struct {
	op    *operation
	path  string // contains only characters that need no escaping
	query string
	body  []byte // nil for none
}

// build makes the request of arguments that have been checked.
func (op *operation) build(in reflect.Value) (*request, *Error) {
	r := &request{op: op, path: op.path}
	for _, f := range op.inPath {
		r.path = strings.Replace(r.path, "{"+f.name+"}", in.Field(f.index).String(), 1)
	}
	if op.method == http.MethodGet {
		query := url.Values{}
		for _, f := range op.outside {
			if v := in.Field(f.index); !v.IsZero() {
				query.Set(f.name, queryValue(v))
			}
		}
		r.query = query.Encode()
	} else if len(op.outside) > 0 {
		body, err := encodeBody(in, op.outside)
		if err != nil {
			return nil, &Error{Code: CodeInternal, Operation: op.String(), Message: "the input cannot be encoded", Err: err}
		}
		r.body = body
	}
	return r, nil
}

func queryValue(v reflect.Value) string {
	if v.CanInt() {
		return strconv.FormatInt(v.Int(), 10)
	}
	return v.String()
}

// encodeBody encodes the given fields. It does not escape <, > and &: readers
// of the platform could see the escapes.
func encodeBody(in reflect.Value, fields []field) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	b.WriteByte('{')
	for _, f := range fields {
		v := in.Field(f.index)
		if v.IsZero() && strings.HasSuffix(in.Type().Field(f.index).Tag.Get("json"), ",omitempty") {
			continue
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:", f.name)
		if err := enc.Encode(v.Interface()); err != nil {
			return nil, err
		}
		b.Truncate(b.Len() - 1) // the newline of Encode
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// maxPathValue is the maximum length of an id or username in a path.
const maxPathValue = 128

// checkPathValue rejects values that could escape their path segment, and
// literal segments of other endpoints: "recent" is not a task_id.
func checkPathValue(name, value string) *Error {
	if value == "" {
		return invalid(name, "is empty")
	}
	dots := name == "username"
	for i := range len(value) {
		c := value[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if letter || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.' && dots {
			continue
		}
		allowed := "letters, digits, - and _"
		if dots {
			allowed = "letters, digits, -, _ and ."
		}
		return invalid(name, fmt.Sprintf("has a character that is not allowed at position %d: only %s are", i+1, allowed))
	}
	if len(value) > maxPathValue {
		return invalid(name, fmt.Sprintf("has %d characters, which is over the maximum of %d", len(value), maxPathValue))
	}
	if value == "." || value == ".." {
		return invalid(name, "is a dot segment, not a name")
	}
	if slices.ContainsFunc(reservedWords()[name], func(word string) bool { return strings.EqualFold(word, value) }) {
		return invalid(name, fmt.Sprintf("%q is a word of the API, not a name", value))
	}
	return nil
}

// reservedWords maps a placeholder to the literal segments that other endpoints
// have in its position.
var reservedWords = sync.OnceValue(func() map[string][]string {
	reserved := map[string][]string{}
	for _, with := range operations {
		for _, word := range operations {
			for i := range min(len(with.segments), len(word.segments)) {
				a, b := with.segments[i], word.segments[i]
				if a == b {
					continue
				}
				if name, ok := placeholder(a); ok && !slices.Contains(reserved[name], b) {
					reserved[name] = append(reserved[name], b)
				}
				break // the paths diverge here
			}
		}
	}
	return reserved
})

func placeholder(segment string) (name string, ok bool) {
	name, ok = strings.CutPrefix(segment, "{")
	return strings.TrimSuffix(name, "}"), ok
}
