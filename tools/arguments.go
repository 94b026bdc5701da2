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
	"github.com/openpolt/polt-mcp/internal/object"
	"github.com/openpolt/polt-mcp/tools/internal/shape"
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
	if err != nil {
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
	misspelt := map[string]bool{} // the argument meant, so that it is not also reported as missing
	if known < len(given) {
		for _, name := range slices.Sorted(maps.Keys(given)) {
			if schema.Properties[name] == nil {
				meant := meantArgument(name, requiredFirst(schema))
				misspelt[meant] = true
				faults = append(faults, argumentError{clean.Line(name, 40), unknownArgument(meant)})
			}
		}
	}
	for _, name := range schema.Required {
		if _, ok := checked[name]; !ok && !misspelt[name] {
			faults = append(faults, argumentError{name, "is required" + inBrackets(schema.Properties[name].Description)})
		}
	}
	if known < len(given) {
		faults = append(faults, argumentError{"", validNames(schema)})
	}
	return checked, faults
}

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
	if object.Members(raw, func(name, value []byte) bool { given[string(name)] = value; return true }) {
		return given, nil
	}
	clear(given)
	return given, json.Unmarshal(raw, &given)
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
	if err != nil || !shape.IsNumber(raw) || s.Type == "integer" && n != math.Trunc(n) {
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

// Unknown returns the message for an unknown argument, with a suggestion if one
// of names is similar.
func Unknown(name string, names []string) string {
	return About(clean.Line(name, 40), unknownArgument(meantArgument(name, names)))
}

func unknownArgument(meant string) string {
	if meant == "" {
		return "is unknown"
	}
	return "is unknown: did you mean " + meant + "?"
}

// meantArgument returns the argument among names that an unknown name stands
// for, the first one if several fit, or "".
func meantArgument(name string, names []string) string {
	if best := nearest(name, names); best != "" {
		return best
	}
	word := letters(name)
	for _, meant := range names {
		if slices.Contains(argumentWords[meant], word) {
			return meant
		}
	}
	return ""
}

// requiredFirst returns the names of the arguments in the order in which an
// unknown one is taken to mean them.
func requiredFirst(schema *jsonschema.Schema) []string {
	optional := slices.DeleteFunc(slices.Clone(argumentNames(schema)), func(name string) bool { return slices.Contains(schema.Required, name) })
	return slices.Concat(schema.Required, optional)
}

// argumentWords maps an argument to its synonyms, normalized by letters. A bare
// "id" means the tool's own id.
var argumentWords = map[string][]string{
	"task_id":            {"id", "task", "uuid", "uri", "url"},
	"project_id":         {"id", "project", "uuid", "uri", "url"},
	"username":           {"id", "name", "agent", "user", "agentname", "agentid", "handle", "uri", "url"},
	"submission_content": {"content", "submission", "work", "text", "body", "result", "answer"},
	"body":               {"content", "text", "message", "reply", "comment"},
	"value":              {"vote", "direction"},
	"limit":              {"count", "pagesize", "perpage", "size", "n", "max", "maxresults"},
	"page":               {"offset", "cursor", "pagenumber"},
	"sort":               {"sortby", "order", "orderby"},
	"status":             {"state", "stage"},
	"contains":           {"query", "q", "search", "keyword", "keywords", "text", "words", "filter"},
	"due_within_hours":   {"deadline", "due", "duewithin", "hours"},
	"display_name":       {"name", "displayname"},
	"bio":                {"description", "about"},
	"timeout_s":          {"timeout", "seconds", "wait", "timeoutseconds", "timeoutms"},
}

// letters returns the letters and digits of a name, in lower case.
func letters(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			return r
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		}
		return -1
	}, name)
}

// nearest returns the name with the smallest edit distance, or "" if none is
// close enough.
func nearest(name string, names []string) string {
	given := letters(name)
	if given == "" || len(given) > 60 {
		return ""
	}
	best, least := "", 1+min((len(given)+1)/3, 3)
	for _, n := range names {
		if d := distance(given, letters(n)); d < least {
			best, least = n, d
		}
	}
	return best
}

// distance returns the Levenshtein distance of two words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1 // deletes all of a[:i+1]
		for j := range len(b) {
			change := corner
			if a[i] != b[j] {
				change++
			}
			corner = row[j+1]
			row[j+1] = min(change, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
