package tools

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/openpolt/polt-mcp/internal/clean"
)

// maxUnknown is how many unknown arguments of a call are reported by name.
const maxUnknown = 10

// unknownArguments reports the arguments that the schema does not have, and
// returns those that were meant.
func unknownArguments(schema *jsonschema.Schema, given map[string]json.RawMessage) (faults []argumentError, meant []string) {
	var unknown []string
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if schema.Properties[name] == nil {
			unknown = append(unknown, name)
		}
	}
	names := requiredFirst(schema)
	for _, name := range unknown[:min(len(unknown), maxUnknown)] {
		m := meantArgument(name, names)
		meant = append(meant, m)
		faults = append(faults, argumentError{shownName(name), unknownArgument(m)})
	}
	if more := len(unknown) - len(faults); more > 0 {
		faults = append(faults, argumentError{"", fmt.Sprintf("%d more are unknown", more)})
	}
	return faults, meant
}

// Unknown returns the message for an unknown argument, with a suggestion if one
// of names is similar.
func Unknown(name string, names []string) string {
	return About(shownName(name), unknownArgument(meantArgument(name, names)))
}

// shownName returns an argument's name, quoted if it contains what is not seen,
// such as a space at its end.
func shownName(name string) string {
	const limit = 40
	if line := clean.Line(name, len(name)); line != name {
		return strconv.Quote(string([]rune(name)[:min(limit, utf8.RuneCountInString(name))]))
	}
	return clean.Line(name, limit)
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
