package tools

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/openpolt/polt-mcp/tools/internal/shape"
)

// Schemas are inferred from the types of package polt and normalized to what
// every host accepts: one type per property, no $ref, no combinators at the
// top, and properties always present.

// inputSchema returns the schema of a tool's arguments: the endpoint's, the
// tool's own, and detail if the answer is cut by default. No other arguments
// are allowed.
func inputSchema(t reflect.Type, tool Tool) (*jsonschema.Schema, error) {
	s, err := propertiesOf(t)
	if err != nil {
		return nil, err
	}
	if tool.Own != nil {
		own, err := propertiesOf(reflect.TypeOf(tool.Own))
		if err != nil {
			return nil, err
		}
		maps.Copy(s.Properties, own.Properties)
		s.PropertyOrder = append(s.PropertyOrder, own.PropertyOrder...)
	}
	if tool.Summary != shape.Whole {
		s.Properties[detailArgument] = &jsonschema.Schema{
			Type: "string", Enum: []any{detailSummary, detailFull}, Description: "full: nothing cut",
		}
		s.PropertyOrder = append(s.PropertyOrder, detailArgument)
	}
	return s, nil
}

func propertiesOf(t reflect.Type) (*jsonschema.Schema, error) {
	s, err := jsonschema.ForType(t, &jsonschema.ForOptions{TypeSchemas: enums(t)})
	if err != nil {
		return nil, err
	}
	if s.Properties == nil {
		s.Properties = map[string]*jsonschema.Schema{}
	}
	for f := range t.Fields() {
		if err := normalise(s.Properties[jsonName(f)], f); err != nil {
			return nil, fmt.Errorf("%s.%s: %w", t, f.Name, err)
		}
	}
	return s, nil
}

// The argument that chooses between a summary and the full answer. It is not
// sent to the platform.
const (
	detailArgument = "detail"
	detailSummary  = "summary"
	detailFull     = "full"
)

// enums returns an enum schema for each field type of t with a Values method.
func enums(t reflect.Type) map[reflect.Type]*jsonschema.Schema {
	all := map[reflect.Type]*jsonschema.Schema{}
	for f := range t.Fields() {
		if e, ok := reflect.Zero(f.Type).Interface().(interface{ Values() []string }); ok {
			s := &jsonschema.Schema{Type: "string"}
			for _, v := range e.Values() {
				s.Enum = append(s.Enum, v)
			}
			all[f.Type] = s
		}
	}
	return all
}

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

// descriptions are the shared descriptions of properties that several tools
// have.
var descriptions = map[string]string{
	"task_id":      "task's id",
	"project_id":   "project's id",
	"username":     "agent's username",
	"display_name": "shown name",
	"bio":          "about the agent",
	"difficulty":   "how hard",
	"sort":         "order",
	"page":         "from 1, the default",
	"limit":        "1 to 100, default 20",
	"body":         "the text",
}

// normalise gives a property a single type, its description, and the bounds in
// its field's tags. Descriptions repeat bounds and defaults because hosts drop
// them; defaults are only there.
func normalise(s *jsonschema.Schema, f reflect.StructField) error {
	if len(s.Types) > 0 { // a pointer field: null or the type
		s.Type, s.Types = s.Types[len(s.Types)-1], nil
	}
	if s.Description == "" {
		s.Description = descriptions[jsonName(f)]
	}
	for tag, set := range map[string]func(int){
		"minimum":   func(n int) { s.Minimum = jsonschema.Ptr(float64(n)) },
		"maximum":   func(n int) { s.Maximum = jsonschema.Ptr(float64(n)) },
		"minLength": func(n int) { s.MinLength = &n },
	} {
		if v, ok := f.Tag.Lookup(tag); ok {
			n, err := strconv.Atoi(v)
			if err != nil {
				return fmt.Errorf("the tag %s: %w", tag, err)
			}
			set(n)
		}
	}
	return nil
}

// outputSchema returns the schema of a tool's answer, and the kinds of its
// members. It allows other members and requires none: a validating client must
// not reject an answer, least of all one with a new key. It contains the fields
// tagged jsonschema or wire:"documented", each with a type, which hosts'
// converters need; members of another type are moved before the answer is sent.
func outputSchema[Out any]() (*jsonschema.Schema, map[string]shape.Kind, error) {
	t := reflect.TypeFor[Out]()
	s := &jsonschema.Schema{Type: "object", Properties: map[string]*jsonschema.Schema{}}
	kinds := map[string]shape.Kind{}
	for f := range t.Fields() {
		if f.Tag.Get("wire") == "" && f.Tag.Get("jsonschema") == "" {
			continue
		}
		name, property := jsonName(f), &jsonschema.Schema{Description: f.Tag.Get("jsonschema")}
		switch kind := f.Type.Kind(); {
		case kind == reflect.String:
			property.Type, kinds[name] = "string", shape.String
		case kind == reflect.Struct:
			property.Type, kinds[name] = "object", shape.Object
		case kind == reflect.Slice && f.Type.Elem().Kind() == reflect.Struct:
			property.Type, kinds[name] = "array", shape.Objects
			property.Items = &jsonschema.Schema{Type: "object"}
		default:
			return nil, nil, fmt.Errorf("%s.%s: no JSON type for %s", t, f.Name, f.Type)
		}
		s.Properties[name] = property
		s.PropertyOrder = append(s.PropertyOrder, name)
	}
	return s, kinds, nil
}

// listName returns the name under which a bare array in an answer is wrapped.
func listName[Out any](summary shape.Summary) string {
	if summary != shape.Lists { // a single object, even if it contains lists
		return "items"
	}
	for f := range reflect.TypeFor[Out]().Fields() {
		if f.Type.Kind() == reflect.Slice {
			return jsonName(f)
		}
	}
	return "items"
}

// checkInputSchema rejects what some hosts do not accept in an input schema.
func checkInputSchema(s *jsonschema.Schema) error {
	if s.Type != "object" || s.Properties == nil || s.AdditionalProperties == nil {
		return fmt.Errorf("the input schema is not that of a closed object")
	}
	for name, p := range s.Properties {
		if p.Description == "" {
			return fmt.Errorf("the argument %s has no description", name)
		}
		if !slices.Contains([]string{"string", "integer", "number", "boolean"}, p.Type) {
			return fmt.Errorf("the argument %s has the type %q", name, p.Type)
		}
		if len(p.Enum) > 0 && p.Type != "string" {
			return fmt.Errorf("the argument %s has an enum of other than strings", name)
		}
		// Hosts differ in which other keywords they accept.
		rest := *p
		rest.Type, rest.Description, rest.Enum, rest.Default = "", "", nil, nil
		rest.Minimum, rest.Maximum, rest.MinLength = nil, nil, nil
		if !reflect.ValueOf(rest).IsZero() {
			return fmt.Errorf("the argument %s uses a keyword that not every host takes", name)
		}
	}
	return nil
}
