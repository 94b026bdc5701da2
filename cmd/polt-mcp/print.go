package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/openpolt/polt-mcp/internal/clean"
	"github.com/openpolt/polt-mcp/internal/ids"
)

// A printer formats tool results for people. It neutralizes terminal control
// sequences in them.
type printer struct {
	screen
	wide bool // all columns and full ids, one line per row
	now  time.Time
}

// format returns a result as text: lists as tables, everything else as name and
// value lines.
func (p *printer) format(answer []byte) (string, error) {
	members, err := orderedMembers(answer)
	if err != nil {
		return "", err
	}
	var lists []jsonMember
	for _, m := range members {
		if len(objects(m.value)) > 0 {
			lists = append(lists, m)
		}
	}
	var b strings.Builder
	for _, m := range members {
		isList := len(objects(m.value)) > 0
		if !isList && (p.wide || !isAside(m, len(lists))) {
			p.member(&b, m, "")
		}
	}
	for _, m := range lists {
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(p.bold(clean.Line(m.name, 60)+":") + "\n" + p.list(objects(m.value)))
	}
	if !p.wide {
		if below := p.asides(members, lists, b.String()); below != "" {
			b.WriteString("\n" + below)
		}
	}
	return b.String(), nil
}

// jsonMember is a member of an object, in source order.
type jsonMember struct {
	name  string
	value json.RawMessage
}

func orderedMembers(object []byte) ([]jsonMember, error) {
	dec := json.NewDecoder(bytes.NewReader(object))
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	var all []jsonMember
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, err
		}
		m := jsonMember{name: fmt.Sprint(name)}
		if err := dec.Decode(&m.value); err != nil {
			return nil, err
		}
		if m.name != "_due" && m.name != "_now" { // times are shown in relative form anyway
			all = append(all, m)
		}
	}
	_, err := dec.Token() // the closing brace
	return all, err
}

// objects returns the items of an array of objects, or nil for anything else.
func objects(value json.RawMessage) [][]jsonMember {
	var items []json.RawMessage
	if json.Unmarshal(value, &items) != nil {
		return nil
	}
	rows := make([][]jsonMember, 0, len(items))
	for _, item := range items {
		if len(item) == 0 || item[0] != '{' {
			return nil
		}
		row, err := orderedMembers(item)
		if err != nil {
			return nil
		}
		rows = append(rows, row)
	}
	return rows
}

func (p *printer) member(b *strings.Builder, m jsonMember, indent string) {
	name := clean.Line(m.name, 60) + ":"
	if inner := members(m.value); inner != nil {
		b.WriteString(indent + p.bold(name) + "\n")
		for _, i := range inner {
			p.member(b, i, indent+"  ")
		}
		return
	}
	if rows := objects(m.value); len(rows) > 0 { // a nested list
		b.WriteString(indent + p.bold(name) + "\n")
		for i, row := range rows {
			if i > 0 {
				b.WriteByte('\n')
			}
			for _, inner := range row {
				p.member(b, inner, indent+"  ")
			}
		}
		return
	}
	var s string
	if json.Unmarshal(m.value, &s) == nil && (strings.Contains(s, "\n") || p.width > 0 && len(s) > p.width) {
		b.WriteString(indent + p.bold(name) + " \n")
		for _, line := range strings.Split(strings.TrimSpace(s), "\n") {
			b.WriteString(indent + "  " + p.wrap(clean.Line(line, 1<<20), indent+"  ") + "\n")
		}
		return
	}
	b.WriteString(indent + p.bold(name) + " " + p.line(m) + "\n")
}

// members returns the members of an object, or nil for anything else.
func members(value json.RawMessage) []jsonMember {
	if len(value) == 0 || value[0] != '{' {
		return nil
	}
	all, err := orderedMembers(value)
	if err != nil {
		return nil
	}
	return all
}

// isTime matches names of members with a time in Unix seconds.
var isTime = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^deadline$|_at$`)
})

// line returns a full value on one line.
func (p *printer) line(m jsonMember) string {
	if string(m.value) == "null" {
		return "-"
	}
	var s string
	if json.Unmarshal(m.value, &s) == nil {
		return clean.Line(s, 1<<20)
	}
	if at, ok := timeIn(m); ok {
		text := at.Format("2006-01-02 15:04 UTC")
		if !p.wide {
			text += " (" + p.ago(at) + ")"
		}
		return text
	}
	return clean.Line(inWords(m.value), 1<<20)
}

func timeIn(m jsonMember) (time.Time, bool) {
	var seconds int64
	if !isTime().MatchString(m.name) || json.Unmarshal(m.value, &seconds) != nil || seconds <= 1e9 || seconds >= 1e11 {
		return time.Time{}, false
	}
	return time.Unix(seconds, 0).UTC(), true
}

// ago formats a time relative to now.
func (p *printer) ago(at time.Time) string {
	d := at.Sub(p.now)
	n, unit := 0, ""
	switch a := d.Abs(); {
	case a < time.Minute:
		return "now"
	case a < time.Hour:
		n, unit = int(a/time.Minute), "minute"
	case a < 48*time.Hour:
		n, unit = int(a/time.Hour), "hour"
	case a < 90*24*time.Hour:
		n, unit = int(a/(24*time.Hour)), "day"
	default:
		n, unit = int(a/(30*24*time.Hour)), "month"
	}
	if n != 1 {
		unit += "s"
	}
	if d < 0 {
		return fmt.Sprintf("%d %s ago", n, unit)
	}
	return fmt.Sprintf("in %d %s", n, unit)
}

// inWords formats a value without JSON syntax: a list with commas, an object by
// its name.
func inWords(value json.RawMessage) string {
	var items []json.RawMessage
	if json.Unmarshal(value, &items) == nil && len(value) > 0 && value[0] == '[' {
		if len(items) == 0 {
			return "none"
		}
		words := make([]string, len(items))
		for i, item := range items {
			words[i] = inWords(item)
		}
		return strings.Join(words, ", ")
	}
	var s string
	if json.Unmarshal(value, &s) == nil && string(value) != "null" {
		return s
	}
	if inner := members(value); inner != nil {
		for _, name := range []string{"title", "username", "display_name", "name", "id"} {
			for _, m := range inner {
				if m.name == name {
					return inWords(m.value)
				}
			}
		}
		return fmt.Sprintf("(%d members)", len(inner))
	}
	return string(value)
}

// first are the most relevant columns, in order. Without -o wide, a table shows
// no others.
var first = []string{
	"rank", "title", "task_title", "username", "display_name", "status", "stage", "difficulty", "payout_display", "payouts", "deadline",
	"tasks_completed", "progress", "votes_up", "votes_down", "id", "task_id",
}

// list returns a list as a table.
func (p *printer) list(rows [][]jsonMember) string {
	var names []string
	for _, row := range rows {
		for _, m := range row {
			if !slices.Contains(names, m.name) {
				names = append(names, m.name)
			}
		}
	}
	rank := func(name string) int {
		if i := slices.Index(first, name); i >= 0 {
			return i
		}
		return len(first)
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
	var more []string
	if known := slices.IndexFunc(names, func(name string) bool { return rank(name) == len(first) }); !p.wide && known > 1 {
		names, more = names[:known], names[known:]
	}
	headers, cells := p.columns(names, rows)
	for !p.wide && len(names) > 2 && !p.fits(headers, cells) { // keep the id and the most important columns
		names, more = slices.Delete(slices.Clone(names), len(names)-2, len(names)-1), append([]string{names[len(names)-2]}, more...)
		headers, cells = p.columns(names, rows)
	}
	text := p.table(headers, cells, paintState)
	if len(more) > 0 {
		text += p.dim(p.wrap(fmt.Sprintf("(-o wide shows also: %s)", clean.Line(strings.Join(more, ", "), 200)), "")) + "\n"
	}
	return text
}

// columns returns the headers and cells of the named columns.
func (p *printer) columns(names []string, rows [][]jsonMember) (headers []string, cells [][]string) {
	short := p.shortIDs(rows)
	for _, name := range names {
		name = clean.Line(strings.TrimSuffix(name, "_display"), 40)
		headers = append(headers, strings.ToUpper(strings.ReplaceAll(name, "_", " ")))
	}
	for _, row := range rows {
		line := make([]string, len(names))
		for _, m := range row {
			if i := slices.Index(names, m.name); i >= 0 {
				line[i] = p.cell(m, short)
			}
		}
		cells = append(cells, line)
	}
	return headers, cells
}

// cell formats a value for a table.
func (p *printer) cell(m jsonMember, short map[string]string) string {
	if p.wide {
		return p.line(m)
	}
	if at, ok := timeIn(m); ok {
		return p.ago(at)
	}
	text := p.line(m)
	if id, ok := short[text]; ok {
		return id
	}
	return text
}

// shortIDs abbreviates ids to their shortest unambiguous prefix, which call
// accepts.
func (p *printer) shortIDs(rows [][]jsonMember) map[string]string {
	var all []string
	for _, row := range rows {
		for _, m := range row {
			var s string
			if (m.name == "id" || strings.HasSuffix(m.name, "_id")) && json.Unmarshal(m.value, &s) == nil && ids.IsUUID(s) && !slices.Contains(all, s) {
				all = append(all, s)
			}
		}
	}
	short := map[string]string{}
	for length := leastID; length < ids.Length; length += 5 {
		taken := map[string]bool{}
		for _, id := range all {
			taken[id[:length]] = true
		}
		if len(taken) < len(all) {
			continue
		}
		for _, id := range all {
			short[id] = id[:length]
		}
		break
	}
	return short
}
