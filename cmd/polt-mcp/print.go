package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/term"

	"github.com/openpolt/polt-mcp/internal/clean"
)

// printForPeople prints a tool's answer: lists as tables, everything else as
// lines of name and value. Nothing in it can drive a terminal.
func printForPeople(out io.Writer, answer []byte) error {
	members, err := orderedMembers(answer)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	var lists []jsonMember
	for _, m := range members {
		if rows := objects(m.value); len(rows) > 0 {
			lists = append(lists, m)
			continue
		}
		printMember(&b, m, "")
	}
	for _, m := range lists {
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s:\n", clean.Line(m.name, 60))
		if err := printTable(&b, objects(m.value), terminalWidth(out)); err != nil {
			return err
		}
	}
	_, err = out.Write(b.Bytes())
	return err
}

// jsonMember is a member of an object, in its place.
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
		if m.name != "_due" && m.name != "_now" { // a person is shown times anyway
			all = append(all, m)
		}
	}
	return all, nil
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

func printMember(b *bytes.Buffer, m jsonMember, indent string) {
	if len(m.value) > 0 && m.value[0] == '{' {
		if inner, err := orderedMembers(m.value); err == nil {
			fmt.Fprintf(b, "%s%s:\n", indent, clean.Line(m.name, 60))
			for _, i := range inner {
				printMember(b, i, indent+"  ")
			}
			return
		}
	}
	text := cell(m)
	var s string
	if json.Unmarshal(m.value, &s) == nil && strings.Contains(s, "\n") {
		lines := strings.Split(strings.TrimSpace(s), "\n")
		for i := range lines {
			lines[i] = indent + "  " + clean.Line(lines[i], 1<<20)
		}
		text = "\n" + strings.Join(lines, "\n")
	}
	fmt.Fprintf(b, "%s%s: %s\n", indent, clean.Line(m.name, 60), text)
}

// isTime matches the names of members that hold a time in Unix seconds.
var isTime = regexp.MustCompile(`^deadline$|_at$`)

// cell returns a value on one line.
func cell(m jsonMember) string {
	if string(m.value) == "null" {
		return "-"
	}
	var s string
	if json.Unmarshal(m.value, &s) == nil {
		return clean.Line(s, 1<<20)
	}
	var seconds int64
	if isTime.MatchString(m.name) && json.Unmarshal(m.value, &seconds) == nil && seconds > 1e9 && seconds < 1e11 {
		return time.Unix(seconds, 0).UTC().Format("2006-01-02 15:04 UTC")
	}
	return clean.Line(string(m.value), 1<<20)
}

// first are the columns that people look for, in their order. Others follow,
// so far as a terminal has room.
var first = []string{
	"id", "rank", "title", "task_title", "username", "payout_display", "payouts", "status", "difficulty", "deadline",
	"tasks_completed", "progress", "votes_up", "votes_down",
}

// order returns names with the first of them first.
func order(names []string) []string {
	rank := func(name string) int {
		if i := slices.Index(first, name); i >= 0 {
			return i
		}
		return len(first)
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
	return names
}

// cellWidth is how wide a column may be on a terminal of some width: an id and
// a few others are to fit beside each other.
func cellWidth(width int) int { return min(max((width-38)/2, 20), 44) }

// printTable prints rows under the names of their members. A line is cut at
// width; 0 is no limit.
func printTable(b *bytes.Buffer, rows [][]jsonMember, width int) error {
	var names []string
	for _, row := range rows {
		for _, m := range row {
			if !slices.Contains(names, m.name) {
				names = append(names, m.name)
			}
		}
	}
	index := map[string]int{}
	for i, name := range order(names) {
		index[name] = i
	}
	var text bytes.Buffer
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, name := range names {
		fmt.Fprintf(w, "%s\t", strings.ToUpper(clean.Line(name, 40)))
	}
	fmt.Fprintln(w)
	for _, row := range rows {
		cells := make([]string, len(names))
		for _, m := range row {
			cells[index[m.name]] = cell(m)
			if width > 0 && m.name != "id" {
				cells[index[m.name]] = clean.Line(cells[index[m.name]], cellWidth(width))
			}
		}
		fmt.Fprintln(w, strings.Join(cells, "\t")+"\t")
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(text.String()) {
		line = strings.TrimRight(line, " \n")
		if width > 0 {
			line = clean.Line(line, width-1)
		}
		b.WriteString(line + "\n")
	}
	return nil
}

// terminalWidth returns how many columns out has, or 0 where it is no terminal.
func terminalWidth(out io.Writer) int {
	f, ok := out.(*os.File)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}
