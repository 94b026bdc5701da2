package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/mark3labs/mcp-go/mcp"

	"github.com/openpolt/polt-mcp/internal/clean"
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
	listName string // what a bare array in the answer holds
	input    *jsonschema.Schema
	output   *jsonschema.Schema
	// decode decodes arguments that conform to the schema, and returns what
	// calls the endpoint with them and returns the platform's JSON, or what the
	// endpoint itself finds wrong with them.
	decode func(arguments []byte) (send, []argumentError)
	// off has the tools that are off, this one or others, and why.
	off map[string]string
}

// send calls an endpoint.
type send func(context.Context, *polt.Client) ([]byte, error)

// define makes a tool of an endpoint. It panics where no schema can be made of
// the endpoint's types, which is a fault of the declaration.
func define[In, Out any](e polt.Endpoint[In, Out], t Tool) *definition {
	input, err := inputSchema[In](t.Summary)
	if err != nil {
		panic(fmt.Sprintf("tool %s: %v", t.Name, err))
	}
	output, err := outputSchema[Out]()
	if err != nil {
		panic(fmt.Sprintf("tool %s: %v", t.Name, err))
	}
	return &definition{
		Tool:     t,
		endpoint: e,
		listName: listName[Out](t.Summary),
		input:    input,
		output:   output,
		decode: func(arguments []byte) (send, []argumentError) {
			var in In
			if err := json.Unmarshal(arguments, &in); err != nil {
				return nil, []argumentError{{"", "the arguments do not decode: " + clean.Line(err.Error(), 100)}}
			}
			var faults []argumentError
			for _, err := range e.Check(in) {
				faults = append(faults, argumentError{err.Field, err.Message})
			}
			return func(ctx context.Context, c *polt.Client) ([]byte, error) {
				answer, err := e.Call(ctx, c, in)
				return answer.Raw, err
			}, faults
		},
	}
}

// readOnly reports whether the tool changes nothing.
func (d *definition) readOnly() bool {
	return d.ReadOnly || d.endpoint.Method() == http.MethodGet
}

// registers reports whether the tool registers an agent.
func (d *definition) registers() bool { return d.endpoint == polt.Operation(polt.RegisterAgent) }

// mcpTool returns the tool as it is listed.
func (d *definition) mcpTool(withOutput bool) (mcp.Tool, error) {
	input, err := json.Marshal(d.input)
	if err != nil {
		return mcp.Tool{}, err
	}
	output, err := json.Marshal(d.output)
	if err != nil {
		return mcp.Tool{}, err
	}
	if !withOutput {
		output = nil
	}
	return mcp.Tool{
		Name:            d.Name,
		Title:           d.Title,
		Description:     d.Description,
		RawInputSchema:  input,
		RawOutputSchema: output,
		Annotations: mcp.ToolAnnotation{
			ReadOnlyHint:    new(d.readOnly()),
			DestructiveHint: new(d.Destructive),
			IdempotentHint:  new(d.Idempotent || d.readOnly()),
			OpenWorldHint:   new(true),
		},
	}, nil
}
