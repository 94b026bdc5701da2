package tools

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/openpolt/polt-mcp/internal/clean"
	"github.com/openpolt/polt-mcp/internal/ids"
	"github.com/openpolt/polt-mcp/internal/object"
	"github.com/openpolt/polt-mcp/polt"
)

// Accepts common spellings of values, here and nowhere else. Free text is not
// changed.

// A spelling normalizes the spellings of an argument.
type spelling struct {
	name       string
	schema     *jsonschema.Schema
	isRequired bool
}

// nothings are texts that mean an absent argument; for free text only the first
// two do.
var nothings = []string{"", "null", "none", "undefined"}

// everything are texts that mean no filter.
var everything = []string{"all", "any"}

// filters are the arguments that filter a list.
var filters = []string{"status", "difficulty", "project_id", "currency"}

// votes are the spellings of a vote.
var votes = map[string]string{
	"up": "1", "+1": "1", "upvote": "1", "for": "1",
	"down": "-1", "downvote": "-1", "against": "-1",
}

// plain returns a value as its schema expects it, or unchanged if its spelling
// is not known; given is false if the value means an absent argument.
func (s spelling) plain(raw json.RawMessage) (_ json.RawMessage, given bool) {
	text, isText := textOf(raw)
	word := strings.TrimSpace(text)
	kind, isID := idKinds[s.name]
	isFree := s.schema.Type == "string" && len(s.schema.Enum) == 0 && !isID
	switch {
	case string(raw) == "null":
		return nil, false
	case isFree && s.isRequired: // "null" may be the actual text
	case isText && s.isNothing(strings.ToLower(word), isFree):
		return nil, false
	}
	switch {
	case s.schema.Type == "boolean" && isText:
		return json.RawMessage(quoteless(strings.ToLower(word), "true", "false", raw)), true
	case s.schema.Type == "integer" || s.schema.Type == "number":
		return s.number(raw, word, isText), true
	case len(s.schema.Enum) > 0 && isText:
		return s.choice(raw, word), true
	case isID && isText:
		id := kind.plain(word)
		if id == text {
			return raw, true
		}
		return encode(id), true
	case s.schema.Type == "string" && object.IsInteger(raw) && len(s.schema.Enum) == 0:
		return json.RawMessage(`"` + string(raw) + `"`), true // an id that looks like a number
	}
	return raw, true
}

func (s spelling) isNothing(word string, isFree bool) bool {
	switch {
	case s.isRequired: // an agent may be called "none"
		return word == ""
	case isFree:
		return slices.Contains(nothings[:2], word)
	}
	return slices.Contains(nothings, word) || slices.Contains(filters, s.name) && slices.Contains(everything, word)
}

func (s spelling) number(raw json.RawMessage, word string, isText bool) json.RawMessage {
	if !isText {
		return raw
	}
	if s.name == "value" {
		if vote, ok := votes[strings.ToLower(word)]; ok {
			return json.RawMessage(vote)
		}
	}
	if word = strings.TrimPrefix(word, "+"); object.IsNumber([]byte(word)) {
		return json.RawMessage(word)
	}
	return raw
}

// choice returns the enum value that equals word, ignoring case and separators.
func (s spelling) choice(raw json.RawMessage, word string) json.RawMessage {
	if slices.Contains(s.schema.Enum, any(word)) && len(raw) == len(word)+2 {
		return raw
	}
	word = unseparated(unquoted(word))
	for _, v := range s.schema.Enum {
		if v, ok := v.(string); ok && unseparated(v) == word {
			return encode(v)
		}
	}
	return raw
}

var separators = strings.NewReplacer("_", "", "-", "", " ", "")

// unseparated returns a word in lower case without separators.
func unseparated(word string) string {
	return separators.Replace(strings.ToLower(word))
}

// textOf returns the text of a JSON string.
func textOf(raw json.RawMessage) (text string, isText bool) {
	if raw[0] != '"' {
		return "", false
	}
	if plain := raw[1 : len(raw)-1]; bytes.IndexByte(plain, '\\') < 0 {
		return string(plain), true
	}
	return text, json.Unmarshal(raw, &text) == nil
}

func encode(text string) json.RawMessage {
	b, err := json.Marshal(text)
	if err != nil { // a string always encodes
		panic(err)
	}
	return b
}

// quoteless returns word if it equals one or other, and else raw.
func quoteless(word, one, other string, raw json.RawMessage) string {
	if word == one || word == other {
		return word
	}
	return string(raw)
}

// An idKind is a kind of resource that is identified in a path.
type idKind struct {
	folder string // path segment of its URIs and URLs
	finder string // the tool that shows valid ones
	isName bool   // a username: not lower-cased
}

// idKinds maps an argument to its kind.
var idKinds = map[string]idKind{
	"task_id":    {folder: "tasks", finder: "list_tasks"},
	"project_id": {folder: "projects", finder: "list_projects"},
	"username":   {folder: "agents", finder: "get_leaderboard", isName: true},
}

// plain extracts an id from quotes, a resource URI or a platform URL, and
// lower-cases a UUID.
func (k idKind) plain(text string) string {
	id := unquoted(text)
	if path, ok := strings.CutPrefix(id, "polt://"+k.folder+"/"); ok {
		id = unescaped(path)
	} else if strings.Contains(id, "://") {
		id = k.inAddress(id)
	}
	if !k.isName && ids.IsUUID(id) {
		id = strings.ToLower(id)
	}
	return id
}

// inAddress returns the id in a platform URL of this kind, or the address
// unchanged.
func (k idKind) inAddress(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return address
	}
	id, ok := strings.CutPrefix(strings.TrimPrefix(u.Path, "/api"), "/"+k.folder+"/")
	if id = strings.TrimSuffix(id, "/"); !ok || strings.Contains(id, "/") {
		return address
	}
	return id
}

func unescaped(path string) string {
	if plain, err := url.PathUnescape(path); err == nil {
		return plain
	}
	return path
}

// unquoted removes the quotes around a text and whitespace within them.
func unquoted(text string) string {
	if text == "" || 'a' <= text[0]|0x20 && text[0]|0x20 <= 'z' || '0' <= text[0] && text[0] <= '9' {
		return text
	}
	for _, pair := range []string{`""`, `''`, "``", "“”", "<>"} {
		quotes := []rune(pair)
		inner, opens := strings.CutPrefix(text, string(quotes[0]))
		inner, closes := strings.CutSuffix(inner, string(quotes[1]))
		if opens && closes && len(text) > 1 {
			return strings.TrimSpace(inner)
		}
	}
	return text
}

// problem describes a text that plainly is something other than an id; the
// endpoint checks the rest.
func (k idKind) problem(text string) string {
	var is string
	switch {
	case strings.Contains(text, "://"):
		is = "an address of something else"
	case strings.ContainsAny(text, " \t\n"):
		is = "a title"
		if k.isName {
			is = "a display name"
		}
	default:
		return ""
	}
	if k.isName {
		return "is a name such as nova-1; this looks like " + is
	}
	return fmt.Sprintf("is an id such as 7f6a2c1e-…, from %s; this looks like %s", k.finder, is)
}

// Spelled normalizes the text of an argument, which must be one of values
// unless that is nil. given is false if the text means an absent argument or is
// invalid; problem says why it is invalid.
func Spelled(name, text string, values []string) (plain string, given bool, problem string) {
	if isPlaceholder(text) {
		return "", false, fmt.Sprintf("%q is a placeholder", clean.Line(text, 40))
	}
	schema := &jsonschema.Schema{Type: "string"}
	for _, v := range values {
		schema.Enum = append(schema.Enum, v)
	}
	raw, given := spelling{name: name, schema: schema}.plain(encode(text))
	if !given {
		return "", false, ""
	}
	v, problem := checkValue(name, schema, raw)
	if problem == "" {
		switch name {
		case "task_id":
			problem = problemIn(polt.GetTask.Check(polt.GetTaskInput{TaskID: v.text}))
		case "project_id":
			problem = problemIn(polt.GetProject.Check(polt.GetProjectInput{ProjectID: v.text}))
		}
	}
	return v.text, problem == "", problem
}

func problemIn(faults []*polt.Error) string {
	if len(faults) == 0 {
		return ""
	}
	return faults[0].Message
}

// placeholder matches what hosts send for an argument that was not filled in,
// such as $1, ${task_id}, {{task_id}} or <task_id>.
var placeholder = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(\$\w+|\$\{[^}]*\}|\{+[^}]*\}+|<[^<>]*>|\[[^\]]*\]|%[A-Za-z_]+%)$`)
})

func isPlaceholder(text string) bool { return placeholder().MatchString(strings.TrimSpace(text)) }
