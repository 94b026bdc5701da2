package tools

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"sync"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/mark3labs/mcp-go/mcp"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools/internal/shape"
)

// A Tool is a row of the table: what an endpoint does not tell of itself.
type Tool struct {
	Name  string
	Title string // for people
	// Description is for a model that chooses by it: what the tool does, when
	// to use it, which rule applies, what to call next.
	Description string
	// ReadOnly says that a tool changes nothing although it is no GET.
	ReadOnly bool
	// Destructive says that the tool gives up or overwrites something.
	Destructive bool
	// Idempotent says that the same call again changes nothing more. A tool
	// that only reads always is.
	Idempotent bool
	// Summary is what of the answer is cut by default.
	Summary shape.Summary
	// Own is a struct of the arguments that the tool has beside those of its
	// endpoint; nil has none. They are never sent.
	Own any
	// Says has what to tell of an answer, beside what was done to it.
	Says []func(*answer) string
	// VerifyWith names the tool that shows what this one has changed, for when its
	// answer never came. Every tool that writes has one.
	VerifyWith string
	// VerifyHint says what to think of what VerifyWith shows, where that is not plain.
	VerifyHint string
	// Conflict says what to do when the state of things does not allow it;
	// empty leaves it at VerifyWith.
	Conflict string
}

// A definition is a tool with its endpoint, the types erased.
type definition struct {
	Tool
	endpoint polt.Operation
	form     func() *form
	sent     []string // the names of the arguments that are the endpoint's
	// decode makes a call of the endpoint of arguments that are in order.
	decode func(values) endpointCall
	// fetch returns the answer, and what is told of it.
	fetch func(context.Context, *Set, prepared, *polt.Client) ([]byte, addition, error)
	// off has the tools that are off, this one or others, and why.
	off map[string]string
}

// A form is what the types of an endpoint tell. It takes a while to make, so it
// is made when it is first needed: what is listed is in published.go.
type form struct {
	listName string // what a bare array in the answer holds
	input    *jsonschema.Schema
	output   *jsonschema.Schema
	kinds    map[string]shape.Kind // of the members of the answer
}

// An endpointCall is an endpoint with its input.
type endpointCall struct {
	// check returns what the endpoint finds wrong with the input.
	check func() []argumentError
	// send calls the endpoint and returns the platform's JSON.
	send func(context.Context, *polt.Client) ([]byte, error)
}

// define makes a tool of an endpoint. It panics where the endpoint's types are
// not those of arguments, which is a fault of the declaration.
func define[In, Out any](e polt.Endpoint[In, Out], t Tool) *definition {
	set := setters[In]()
	sent := make([]string, len(set))
	for i, s := range set {
		sent[i] = s.name
	}
	return &definition{
		Tool:     t,
		endpoint: e,
		sent:     sent,
		form:     sync.OnceValue(func() *form { return formOf[In, Out](t) }),
		fetch:    send,
		decode: func(given values) endpointCall {
			var in In
			fields := reflect.ValueOf(&in).Elem()
			for _, set := range set {
				if v, ok := given[set.name]; ok {
					set.field(fields.Field(set.index), v)
				}
			}
			return endpointCall{
				check: func() (faults []argumentError) {
					for _, err := range e.Check(in) {
						faults = append(faults, argumentError{err.Field, err.Message})
					}
					return faults
				},
				send: func(ctx context.Context, c *polt.Client) ([]byte, error) {
					answer, err := e.Call(ctx, c, in)
					return answer.Raw, err
				},
			}
		},
	}
}

// send calls the endpoint.
func send(ctx context.Context, _ *Set, p prepared, client *polt.Client) ([]byte, addition, error) {
	raw, err := p.send(ctx, client)
	return raw, addition{}, err
}

// own makes a tool that is made of reads, and has no endpoint of its own.
func own[In, Out any](t Tool, fetch func(context.Context, *Set, prepared, *polt.Client) ([]byte, addition, error)) *definition {
	t.ReadOnly = true
	return &definition{
		Tool: t,
		form: sync.OnceValue(func() *form { return formOf[In, Out](t) }),
		decode: func(values) endpointCall {
			return endpointCall{check: func() []argumentError { return nil }}
		},
		fetch: fetch,
	}
}

// formOf makes a tool's form. It panics where no schema can be made of the types,
// which is a fault of the declaration.
func formOf[In, Out any](t Tool) *form {
	input, err := inputSchema(reflect.TypeFor[In](), t)
	if err != nil {
		panic(fmt.Sprintf("tool %s: %v", t.Name, err))
	}
	output, kinds, err := outputSchema[Out]()
	if err != nil {
		panic(fmt.Sprintf("tool %s: %v", t.Name, err))
	}
	return &form{listName: listName[Out](t.Summary), input: input, output: output, kinds: kinds}
}

// A setter sets a field of an endpoint's input.
type setter struct {
	name  string
	index int
	field func(reflect.Value, value)
}

func setters[In any]() (all []setter) {
	t := reflect.TypeFor[In]()
	for f := range t.Fields() {
		s := setter{name: jsonName(f), index: f.Index[0]}
		switch {
		case f.Type.Kind() == reflect.String:
			s.field = func(to reflect.Value, v value) { to.SetString(v.text) }
		case f.Type.Kind() == reflect.Int:
			s.field = func(to reflect.Value, v value) { to.SetInt(v.number) }
		case f.Type == reflect.TypeFor[*string]():
			s.field = func(to reflect.Value, v value) { to.Set(reflect.ValueOf(&v.text)) }
		default:
			panic(fmt.Sprintf("%s.%s: no argument is a %s", t, f.Name, f.Type))
		}
		all = append(all, s)
	}
	return all
}

// readOnly reports whether the tool changes nothing.
func (d *definition) readOnly() bool {
	return d.ReadOnly || d.method() == http.MethodGet
}

// method returns the HTTP method of the tool's endpoint, or "".
func (d *definition) method() string {
	if d.endpoint == nil {
		return ""
	}
	return d.endpoint.Method()
}

// registers reports whether the tool registers an agent.
func (d *definition) registers() bool {
	return d.endpoint != nil && d.endpoint == polt.Operation(polt.RegisterAgent)
}

// mcpTool returns the tool as it is listed. Of the annotations, it has those by
// which hosts ask a person, and else those that are not the protocol's defaults.
func (d *definition) mcpTool(withOutput bool) mcp.Tool {
	t := mcp.Tool{
		Name:           d.Name,
		Title:          d.Title,
		Description:    d.Description,
		RawInputSchema: []byte(published[d.Name].input),
	}
	if withOutput {
		t.RawOutputSchema = []byte(published[d.Name].output)
	}
	t.Annotations.ReadOnlyHint = new(d.readOnly())
	if d.readOnly() {
		return t
	}
	t.Annotations.DestructiveHint = new(d.Destructive)
	if d.Idempotent {
		t.Annotations.IdempotentHint = new(true)
	}
	return t
}
