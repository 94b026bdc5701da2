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
	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools/internal/shape"
)

// What is plainly meant is understood: this is the one place that knows the
// spellings of a value. It changes no text that is free.

// A spelling is how an argument may be written.
type spelling struct {
	name       string
	schema     *jsonschema.Schema
	isRequired bool
}

// nothings are texts that mean that an argument is not given: of free text, only
// the first two.
var nothings = []string{"", "null", "none", "undefined"}

// everything are texts by which a filter means that it filters nothing.
var everything = []string{"all", "any"}

// filters are the arguments that choose among what there is.
var filters = []string{"status", "difficulty", "project_id", "currency"}

// votes are the spellings of a vote.
var votes = map[string]string{
	"up": "1", "+1": "1", "upvote": "1", "for": "1",
	"down": "-1", "downvote": "-1", "against": "-1",
}

// plain returns a value as its schema would have it, as far as it is a spelling
// of such a value, and else as it is; given is false where the value means that
// there is none.
func (s spelling) plain(raw json.RawMessage) (_ json.RawMessage, given bool) {
	text, isText := textOf(raw)
	word := strings.TrimSpace(text)
	kind, isID := idKinds[s.name]
	isFree := s.schema.Type == "string" && len(s.schema.Enum) == 0 && !isID
	switch {
	case string(raw) == "null":
		return nil, false
	case isFree && s.isRequired: // "null" may be all that there is to say
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
	case s.schema.Type == "string" && isInteger(raw) && len(s.schema.Enum) == 0:
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
	if word = strings.TrimPrefix(word, "+"); shape.IsNumber([]byte(word)) {
		return json.RawMessage(word)
	}
	return raw
}

// choice returns the value of an enum that has the same letters as a word.
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

// unseparated returns a word in lower case, without what separates its parts.
func unseparated(word string) string {
	return separators.Replace(strings.ToLower(word))
}

// textOf returns the text of a string.
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

// quoteless returns a word where it is one of two, and else the value as it is.
func quoteless(word, one, other string, raw json.RawMessage) string {
	if word == one || word == other {
		return word
	}
	return string(raw)
}

func isInteger(raw json.RawMessage) bool {
	return len(raw) > 0 && shape.IsNumber(raw) && !bytes.ContainsAny(raw, ".eE")
}

// An idKind is a kind of thing that is named in a path.
type idKind struct {
	folder string // of its addresses
	finder string // the tool that shows valid ones
	isName bool   // it is chosen by people, and not lower-cased
}

// idKinds has the kinds of ids by the argument that names one.
var idKinds = map[string]idKind{
	"task_id":    {folder: "tasks", finder: "list_tasks"},
	"project_id": {folder: "projects", finder: "list_projects"},
	"username":   {folder: "agents", finder: "get_leaderboard", isName: true},
}

// plain returns the id that a text writes: within quotes, as the address of a
// resource or the platform's own, or as a UUID in capitals.
func (k idKind) plain(text string) string {
	id := unquoted(text)
	if path, ok := strings.CutPrefix(id, "polt://"+k.folder+"/"); ok {
		id = unescaped(path)
	} else if strings.Contains(id, "://") {
		id = k.inAddress(id)
	}
	if !k.isName && isUUID(id) {
		id = strings.ToLower(id)
	}
	return id
}

// inAddress returns the id in the platform's own address of such a thing, and any
// other address as it is.
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

// unquoted returns a text without the quotes and the space around it.
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

// isUUID reports whether a text is one, in any case.
func isUUID(text string) bool {
	if len(text) != 36 {
		return false
	}
	for i := range len(text) {
		c := text[i] | 0x20
		isDash := i == 8 || i == 13 || i == 18 || i == 23
		if isDash != (text[i] == '-') || !isDash && !('0' <= text[i] && text[i] <= '9' || 'a' <= c && c <= 'f') {
			return false
		}
	}
	return true
}

// problem says that a text is no id where it plainly is something else: what else
// may be wrong with it, the endpoint knows.
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

// Spelled returns what a text plainly means as an argument of that name, which
// has one of some values unless those are nil: given is false where it means
// that there is none. Otherwise problem says in words why it means nothing.
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
