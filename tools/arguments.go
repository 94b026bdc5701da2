package tools

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/openpolt/polt-mcp/internal/clean"
	"github.com/openpolt/polt-mcp/internal/object"
)

// An argumentError is a problem with one argument.
type argumentError struct {
	argument string // "" for all of the arguments
	problem  string
}

func (e argumentError) String() string { return About(e.argument, e.problem) }

// About joins an argument's name and its problem: as a sentence if the problem
// begins with a verb, else with a colon.
func About(argument, problem string) string {
	verb, _, _ := strings.Cut(problem, " ")
	switch {
	case argument == "":
		return problem
	case verb == "is" || verb == "must" || verb == "has" || verb == "holds":
		return argument + " " + problem
	}
	return argument + ": " + problem
}

// A value is an argument normalized to its schema.
type value struct {
	json   json.RawMessage
	text   string // of a string
	number int64  // of an integer
}

// values are a call's arguments by name.
type values map[string]value

// text returns a string argument, or "".
func (v values) text(name string) string { return v[name].text }

// is reports whether a boolean argument is true.
func (v values) is(name string) bool { return string(v[name].json) == "true" }

// encode returns the named arguments, if present, as a JSON object.
func (v values) encode(names []string) json.RawMessage {
	b := []byte{'{'}
	for _, name := range names {
		value, ok := v[name]
		if !ok {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(append(append(append(b, '"'), name...), '"', ':'), value.json...)
	}
	return append(b, '}')
}

// checkArguments validates a call's arguments against schema and normalizes
// them, or returns all problems. It accepts common spellings: see spelling.go.
func checkArguments(schema *jsonschema.Schema, raw json.RawMessage) (values, []argumentError) {
	given, err := decodeArguments(raw)
	switch {
	case errors.Is(err, errTooManyArguments):
		return nil, []argumentError{{"", err.Error()}, {"", validNames(schema)}}
	case err != nil:
		return nil, []argumentError{{"", "the arguments must be a JSON object, such as " + example(schema)}}
	}
	var faults []argumentError
	checked := make(values, len(given))
	known := 0
	for _, name := range argumentNames(schema) {
		raw, ok := given[name]
		if !ok {
			continue
		}
		known++
		property := schema.Properties[name]
		raw, isGiven := spelling{name, property, slices.Contains(schema.Required, name)}.plain(raw)
		if !isGiven {
			continue
		}
		value, problem := checkValue(name, property, raw)
		if problem != "" {
			faults = append(faults, argumentError{name, problem})
		}
		checked[name] = value
	}
	var misspelt []string // the arguments meant, so that they are not also reported as missing
	if known < len(given) {
		var unknown []argumentError
		unknown, misspelt = unknownArguments(schema, given)
		faults = append(faults, unknown...)
	}
	for _, name := range schema.Required {
		if _, ok := checked[name]; !ok && !slices.Contains(misspelt, name) {
			faults = append(faults, argumentError{name, "is required" + inBrackets(schema.Properties[name].Description)})
		}
	}
	if known < len(given) {
		faults = append(faults, argumentError{"", validNames(schema)})
	}
	return checked, faults
}

// maxArguments is how many members the arguments may have. No tool has nearly
// as many, and each costs memory.
const maxArguments = 1000

var errTooManyArguments = fmt.Errorf("there are more than %d arguments", maxArguments)

// decodeArguments returns the members of an object, which may be encoded as a
// string.
func decodeArguments(raw json.RawMessage) (given map[string]json.RawMessage, err error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) > 0 && raw[0] == '"' {
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return nil, err
		}
		if raw = bytes.TrimSpace([]byte(text)); len(raw) > 0 && raw[0] == '"' {
			return nil, fmt.Errorf("a string in a string")
		}
	}
	if len(raw) == 0 {
		return nil, nil
	}
	given = map[string]json.RawMessage{}
	isPlain := object.Members(raw, func(name, value []byte) bool {
		given[string(name)] = value
		return len(given) <= maxArguments
	})
	switch {
	case len(given) > maxArguments:
		return nil, errTooManyArguments
	case isPlain:
		return given, nil
	}
	return decodeObject(raw)
}

// decodeObject decodes any object, or null, as encoding/json does.
func decodeObject(raw []byte) (map[string]json.RawMessage, error) {
	if !json.Valid(raw) || raw[0] != '{' {
		return nil, json.Unmarshal(raw, &map[string]json.RawMessage{})
	}
	given := map[string]json.RawMessage{}
	dec := json.NewDecoder(bytes.NewReader(raw))
	_, err := dec.Token()
	for err == nil && dec.More() {
		var name json.Token
		if name, err = dec.Token(); err != nil {
			break
		}
		var value json.RawMessage
		err = dec.Decode(&value)
		if given[name.(string)] = value; len(given) > maxArguments {
			return nil, errTooManyArguments
		}
	}
	return given, err
}

func validNames(schema *jsonschema.Schema) string {
	if len(schema.Properties) == 0 {
		return "this tool takes no arguments"
	}
	return "the arguments are " + strings.Join(argumentNames(schema), ", ")
}

func argumentNames(schema *jsonschema.Schema) []string {
	if len(schema.PropertyOrder) == len(schema.Properties) {
		return schema.PropertyOrder
	}
	return slices.Sorted(maps.Keys(schema.Properties))
}

func example(schema *jsonschema.Schema) string {
	if len(schema.Required) == 0 {
		return "{}"
	}
	return fmt.Sprintf(`{"%s": …}`, schema.Required[0])
}

// checkValue validates a normalized value and returns it, or describes its
// problem.
func checkValue(name string, s *jsonschema.Schema, raw json.RawMessage) (v value, problem string) {
	v.json = raw
	switch s.Type {
	case "integer", "number":
		return checkNumber(s, raw)
	case "boolean":
		if text := string(raw); text != "true" && text != "false" {
			return v, fmt.Sprintf("must be true or false, not %s", described(raw))
		}
		return v, ""
	}
	var isText bool
	if v.text, isText = textOf(raw); !isText {
		return v, fmt.Sprintf("must be a string, not %s", described(raw))
	}
	switch {
	case len(s.Enum) > 0 && !slices.Contains(s.Enum, any(v.text)):
		return v, fmt.Sprintf("%q is not one of %s", clean.Line(v.text, 40), list(s.Enum))
	case s.MinLength != nil && strings.TrimSpace(v.text) == "":
		return v, "must not be empty"
	}
	if kind, ok := idKinds[name]; ok {
		return v, kind.problem(v.text)
	}
	return v, ""
}

func checkNumber(s *jsonschema.Schema, raw json.RawMessage) (v value, problem string) {
	v.json = raw
	what := map[string]string{"integer": "a whole number", "number": "a number"}[s.Type] + inBrackets(s.Description)
	n, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || !object.IsNumber(raw) || s.Type == "integer" && n != math.Trunc(n) {
		return v, fmt.Sprintf("must be %s, not %s", what, described(raw))
	}
	switch shown := clean.Line(string(raw), 40); {
	case s.Minimum != nil && n < *s.Minimum:
		return v, fmt.Sprintf("%s is under the minimum of %v", shown, *s.Minimum)
	case s.Maximum != nil && n > *s.Maximum:
		return v, fmt.Sprintf("%s is over the maximum of %v", shown, *s.Maximum)
	case s.Type == "integer" && math.Abs(n) >= 1<<53:
		return v, fmt.Sprintf("%s is too large", shown)
	case s.Type == "integer":
		v.number = int64(n)
		v.json = strconv.AppendInt(nil, v.number, 10)
	}
	return v, ""
}

// described describes a JSON value for an error: its type, and its text if
// short.
func described(raw json.RawMessage) string {
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "the string " + clean.Line(string(raw), 40)
	case 't', 'f':
		return "the boolean " + string(raw)
	case 'n':
		return "null"
	}
	return "the number " + clean.Line(string(raw), 40)
}

func list(values []any) string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = fmt.Sprint(v)
	}
	return strings.Join(words, ", ")
}

func inBrackets(text string) string {
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}
