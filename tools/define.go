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

// A Tool is a row of the tool table: what the endpoint does not specify.
type Tool struct {
	Name  string
	Title string // human-readable
	// Description helps a model choose the tool: what it does, when to use it,
	// which rules apply, what to call next.
	Description string
	// ReadOnly marks a tool that changes nothing although its method is not
	// GET.
	ReadOnly bool
	// Destructive marks a tool that gives up or overwrites something.
	Destructive bool
	// Idempotent says that repeating a call has no further effect. Read-only
	// tools always are.
	Idempotent bool
	// Summary is the part of the answer that is cut by default.
	Summary shape.Summary
	// Notes is how many characters of review notes Summary keeps; 0 means as many
	// as of other texts.
	Notes int
	// Own is a struct of arguments in addition to the endpoint's; nil means
	// none. They are never sent to the platform.
	Own any
	// Says are functions that return a sentence for the notice, or "".
	Says []func(*answer) string
	// VerifyWith names the tool that shows whether this one took effect, for
	// when its outcome is unknown. Required for tools that write.
	VerifyWith string
	// VerifyHint explains how to interpret VerifyWith's result, if that is not
	// obvious.
	VerifyHint string
	// Conflict says what to do after a conflict; empty means to call
	// VerifyWith.
	Conflict string
}

// A definition is a tool with its endpoint, without type parameters.
type definition struct {
	Tool
	endpoint polt.Operation
	form     func() *form
	sent     []string // names of the arguments sent to the platform
	// decode returns the endpoint call for valid arguments.
	decode func(values) endpointCall
	// fetch returns the platform's answer, and what to add to the result.
	fetch func(context.Context, *Set, prepared, *polt.Client) ([]byte, addition, error)
	// off maps each disabled tool to why it is disabled.
	off map[string]string
}

// A form is derived from a tool's types. Because that is slow, it is made on
// first use; tools/list uses published.go instead.
type form struct {
	listName string // name under which a bare array is wrapped
	input    *jsonschema.Schema
	output   *jsonschema.Schema
	kinds    map[string]shape.Kind // of the answer's members
}

// An endpointCall is an endpoint with its input.
type endpointCall struct {
	// check returns the problems that the endpoint finds in the input.
	check func() []argumentError
	// send calls the endpoint and returns the platform's JSON.
	send func(context.Context, *polt.Client) ([]byte, error)
}

// define returns an endpoint's tool. It panics if a field of In has an
// unsupported type.
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

// send is the default fetch: it calls the endpoint.
func send(ctx context.Context, _ *Set, p prepared, client *polt.Client) ([]byte, addition, error) {
	raw, err := p.send(ctx, client)
	return raw, addition{ownsAnswer: true}, err
}

// own returns a tool that is composed of reads and has no endpoint.
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

// formOf derives a tool's form. It panics if a type has no schema.
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

// mcpTool returns the tool as listed. A hint is set if hosts ask for
// confirmation by it, or if it differs from the protocol's default.
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
