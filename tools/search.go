package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/openpolt/polt-mcp/internal/answers"
	"github.com/openpolt/polt-mcp/internal/object"
	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools/internal/shape"
)

// Filters of list_tasks that the platform does not support. With any of them,
// the server reads several pages and filters them itself.

// searchArguments are the arguments of these filters.
type searchArguments struct {
	Contains       string `json:"contains,omitempty" jsonschema:"any of these words, in title, description or project"`
	DueWithinHours int    `json:"due_within_hours,omitempty" jsonschema:"1 to 8760" minimum:"1" maximum:"8760"`
	Currency       string `json:"currency,omitempty" jsonschema:"of the payout, such as SOL"`
}

// isSearch reports whether the arguments contain one of these filters.
func isSearch(given values) bool {
	for _, name := range []string{"contains", "due_within_hours", "currency"} {
		if _, ok := given[name]; ok {
			return true
		}
	}
	return false
}

// searchTasks returns the tasks that pass all filters.
func searchTasks(ctx context.Context, s *Set, p prepared, client *polt.Client) ([]byte, addition, error) {
	query := polt.ListTasksInput{
		Status: polt.TaskStatus(p.given.text("status")), Difficulty: polt.Difficulty(p.given.text("difficulty")),
		Sort: polt.TaskSort(p.given.text("sort")), ProjectID: p.given.text("project_id"),
	}
	hours := p.given["due_within_hours"].number
	if hours > 0 && query.Sort == "" {
		query.Sort = polt.TasksByDeadline
	}
	f := filter{
		words: searchWords(p.given.text("contains")), currency: p.given.text("currency"),
		now: s.options.Now(), within: time.Duration(hours) * time.Hour, excerpts: p.summary != shape.Whole,
	}
	var found []json.RawMessage
	looked, whole, err := eachTask(ctx, client, query, func(task json.RawMessage) {
		if f.matches(task) {
			found = append(found, f.excerpt(task))
		}
	})
	if err != nil {
		return nil, addition{}, err
	}
	page, limit := max(int(p.given["page"].number), 1), int(p.given["limit"].number)
	if limit == 0 {
		limit = defaultLimit
	}
	from := min((page-1)*limit, len(found))
	shown := found[from:min(from+limit, len(found))]
	raw, err := json.Marshal(struct {
		Tasks json.RawMessage `json:"tasks"`
		Page  int             `json:"page"`
		Limit int             `json:"limit"`
		Total int             `json:"total"`
	}{rawList(shown), page, limit, len(found)})
	notice := fmt.Sprintf("%d of the %d tasks looked at match", len(found), looked)
	if !whole {
		notice += ", and there may be more: narrow it with status, difficulty or project_id"
	}
	return raw, addition{notice: notice, cut: f.cut}, err
}

func rawList(all []json.RawMessage) json.RawMessage {
	b := []byte{'['}
	for i, item := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, item...)
	}
	return append(b, ']')
}

// eachTask visits the tasks on the first pages of a list. It returns how many
// there were, and whether that was the whole list.
func eachTask(ctx context.Context, client *polt.Client, query polt.ListTasksInput, visit func(json.RawMessage)) (looked int, whole bool, _ error) {
	return answers.EachTask(func(page int) ([]json.RawMessage, error) {
		query.Limit = answers.MaxPage
		if page > 1 {
			query.Page = page
		}
		answer, err := polt.ListTasks.Call(ctx, client, query)
		if err != nil {
			if e := asError(err); page > 1 && (e.Code == polt.CodeNotFound || e.Code == polt.CodeInvalidArgument) {
				err = answers.ErrNoPage
			}
			return nil, err
		}
		return itemsOf(answer.Raw)
	}, visit)
}

// itemsOf returns a list's items, whatever its envelope.
func itemsOf(raw []byte) ([]json.RawMessage, error) {
	shaped, err := shape.JSON(raw, shape.Options{List: "tasks"})
	if err != nil {
		return nil, &polt.Error{Code: polt.CodeUpstreamError, HTTPStatus: 200, Message: err.Error(), Retryable: true}
	}
	all := answers.Tasks(shaped.JSON)
	if all == nil {
		return nil, &polt.Error{Code: polt.CodeUpstreamError, HTTPStatus: 200, Message: "the answer is not a list of tasks"}
	}
	return all, nil
}

// searchWords splits a query into lower-case words.
// "or" and "and" are left out, unless there is nothing else.
func searchWords(query string) []string {
	words := strings.FieldsFunc(strings.ToLower(query), func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`,;"|`, r) })
	others := slices.DeleteFunc(slices.Clone(words), func(w string) bool { return w == "or" || w == "and" })
	if len(others) == 0 {
		return words
	}
	return others
}

// filter selects tasks.
type filter struct {
	words    []string
	currency string
	now      time.Time
	within   time.Duration // 0 for any
	excerpts bool
	cut      int // descriptions that were cut
}

// searched are the members of a task that are searched for words.
var searched = []string{"title", "description", "project_title", "project"}

func (f *filter) matches(task json.RawMessage) bool {
	var members map[string]json.RawMessage
	if json.Unmarshal(task, &members) != nil {
		return false
	}
	if f.within > 0 {
		at, ok := shape.Moment(members["deadline"])
		if left := at.Sub(f.now); !ok || left < 0 || left > f.within {
			return false
		}
	}
	if f.currency != "" && !strings.EqualFold(currencyOf(members["payout_display"]), f.currency) {
		return false
	}
	if len(f.words) == 0 {
		return true
	}
	for _, name := range searched {
		if at, _ := findWord(textIn(members[name]), f.words); at >= 0 {
			return true
		}
	}
	return false
}

// textIn returns a member's text, or its title if it is an object.
func textIn(raw json.RawMessage) (text string) {
	if json.Unmarshal(raw, &text) != nil {
		var object struct{ Title string }
		_ = json.Unmarshal(raw, &object) // anything else has no text
		text = object.Title
	}
	return text
}

// findWord returns the position of the first match of any of words, which are
// in lower case, or -1. An ASCII word matches only at the beginning of a word.
func findWord(text string, words []string) (at, length int) {
	lower := strings.Map(func(r rune) rune {
		if l := unicode.ToLower(r); utf8.RuneLen(l) == utf8.RuneLen(r) {
			return l
		}
		return r // offsets would differ
	}, text)
	at = -1
	for _, word := range words {
		for from := 0; ; {
			i := strings.Index(lower[from:], word)
			if i < 0 {
				break
			}
			i += from
			before, _ := utf8.DecodeLastRuneInString(lower[:i])
			if i == 0 || word[0] >= utf8.RuneSelf || !unicode.IsLetter(before) && !unicode.IsDigit(before) {
				if at < 0 || i < at {
					at, length = i, len(word)
				}
				break
			}
			from = i + len(word)
		}
	}
	return at, length
}

// excerpt cuts a task's description around the match if the normal cut would
// remove it.
func (f *filter) excerpt(task json.RawMessage) json.RawMessage {
	var members map[string]json.RawMessage
	if !f.excerpts || len(f.words) == 0 || json.Unmarshal(task, &members) != nil {
		return task
	}
	raw := members["description"]
	text := textIn(raw)
	at, length := findWord(text, f.words)
	runes := []rune(text)
	if at < 0 || len(runes) <= shape.MaxText {
		return task
	}
	begin := utf8.RuneCountInString(text[:at])
	if begin+utf8.RuneCountInString(text[at:at+length]) <= shape.MaxText {
		return task // the normal cut keeps it
	}
	const around = 40 // characters before the word
	from := max(begin-around, 0)
	to := min(from+shape.MaxText-24, len(runes))
	short := fmt.Sprintf("(+%d)…%s", from, string(runes[from:to]))
	if to < len(runes) {
		short += fmt.Sprintf("…(+%d)", len(runes)-to)
	}
	b, err := json.Marshal(short)
	if err != nil {
		return task
	}
	short = string(b)
	var out []byte
	isPlain := object.Members(task, func(name, value []byte) bool {
		if string(name) == "description" {
			value = []byte(short)
		}
		out = append(append(append(append(out, ',', '"'), name...), '"', ':'), value...)
		return true
	})
	if !isPlain {
		return task
	}
	f.cut++
	out[0] = '{'
	return append(out, '}')
}
