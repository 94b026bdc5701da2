package tools

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/openpolt/polt-mcp/internal/clean"
	"github.com/openpolt/polt-mcp/tools/internal/shape"
)

// An argumentError is what is wrong with one argument.
type argumentError struct {
	argument string // "" for the arguments as a whole
	problem  string
}

func (f argumentError) String() string {
	if f.argument == "" {
		return f.problem
	}
	return f.argument + ": " + f.problem
}

// checkArguments brings the arguments of a call into the form that schema asks
// for and returns them, and whether any of them is other than it was given, or
// every fault of them. Numbers and booleans given as strings are understood,
// and null means not given: some hosts send the one and the other.
func checkArguments(schema *jsonschema.Schema, raw json.RawMessage) (checked map[string]json.RawMessage, changed bool, faults []argumentError) {
	given := map[string]json.RawMessage{}
	if raw = bytes.TrimSpace(raw); len(raw) > 0 {
		if err := json.Unmarshal(raw, &given); err != nil {
			return nil, true, []argumentError{{"", "the arguments must be a JSON object, such as " + example(schema)}}
		}
	}
	unknown := false
	checked = make(map[string]json.RawMessage, len(given))
	for _, name := range slices.Sorted(maps.Keys(given)) {
		property, ok := schema.Properties[name]
		switch {
		case !ok:
			faults = append(faults, argumentError{clean.Line(name, 40), "unknown"})
			unknown = true
		case string(given[name]) == "null":
			changed = true
		default:
			value, problem := checkValue(property, given[name])
			if problem != "" {
				faults = append(faults, argumentError{name, problem})
			}
			checked[name] = value
			changed = changed || !bytes.Equal(value, given[name])
		}
	}
	for _, name := range schema.Required {
		if _, ok := checked[name]; !ok {
			faults = append(faults, argumentError{name, "is required: " + schema.Properties[name].Description})
		}
	}
	if unknown {
		faults = append(faults, argumentError{"", validNames(schema)})
	}
	return checked, changed, faults
}

// object encodes arguments that have been checked: their names are plain.
func object(checked map[string]json.RawMessage) json.RawMessage {
	b := []byte{'{'}
	for name, value := range checked {
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(append(append(append(b, '"'), name...), '"', ':'), value...)
	}
	return append(b, '}')
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

// checkValue returns a value in the form that the schema asks for, or what is
// wrong with it, in words.
func checkValue(s *jsonschema.Schema, raw json.RawMessage) (json.RawMessage, string) {
	switch s.Type {
	case "integer", "number":
		return checkNumber(s, raw)
	case "boolean":
		text := strings.ToLower(strings.Trim(string(raw), `" `))
		if text != "true" && text != "false" {
			return nil, fmt.Sprintf("must be true or false, not %s", described(raw))
		}
		return json.RawMessage(text), ""
	}
	var text string
	if len(s.Enum) == 0 && isInteger(raw) {
		raw = json.RawMessage(`"` + string(raw) + `"`) // an id that looks like a number
	}
	if raw[0] == '"' && len(s.Enum) == 0 && s.MinLength == nil {
		return raw, "" // any string will do
	}
	if json.Unmarshal(raw, &text) != nil {
		return nil, fmt.Sprintf("must be a string, not %s", described(raw))
	}
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, any(text)) {
		return nil, fmt.Sprintf("%q is not one of %s", clean.Line(text, 40), list(s.Enum))
	}
	if s.MinLength != nil && strings.TrimSpace(text) == "" {
		return nil, "must not be empty"
	}
	return raw, ""
}

func isInteger(raw json.RawMessage) bool {
	return len(raw) > 0 && shape.IsNumber(raw) && !bytes.ContainsAny(raw, ".eE")
}

func checkNumber(s *jsonschema.Schema, raw json.RawMessage) (json.RawMessage, string) {
	what := map[string]string{"integer": "a whole number", "number": "a number"}[s.Type]
	text := string(raw)
	if raw[0] == '"' {
		if json.Unmarshal(raw, &text) != nil {
			return nil, "must be " + what
		}
		text = strings.TrimSpace(text)
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !shape.IsNumber([]byte(text)) || s.Type == "integer" && n != math.Trunc(n) {
		return nil, fmt.Sprintf("must be %s, not %s", what, described(raw))
	}
	switch shown := clean.Line(text, 40); {
	case s.Minimum != nil && n < *s.Minimum:
		return nil, fmt.Sprintf("%s is under the minimum of %v", shown, *s.Minimum)
	case s.Maximum != nil && n > *s.Maximum:
		return nil, fmt.Sprintf("%s is over the maximum of %v", shown, *s.Maximum)
	case s.Type == "integer" && math.Abs(n) >= 1<<53:
		return nil, fmt.Sprintf("%s is too large", shown)
	case s.Type == "integer":
		return strconv.AppendInt(nil, int64(n), 10), ""
	}
	return json.RawMessage(text), ""
}

// described names a JSON value for an error: what it is, and its text where
// that is short.
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
