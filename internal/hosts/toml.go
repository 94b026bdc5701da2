package hosts

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// tomlFormat edits TOML.
type tomlFormat struct{}

func (tomlFormat) decode(src []byte) (map[string]any, error) {
	doc := map[string]any{}
	if err := toml.Unmarshal(src, &doc); err != nil {
		if bad, ok := errors.AsType[*toml.DecodeError](err); ok {
			line, column := bad.Position()
			err = fmt.Errorf("line %d, column %d: %s", line, column, strings.TrimPrefix(bad.Error(), "toml: "))
		}
		return nil, fmt.Errorf("it is not valid TOML: %w", err)
	}
	return normal(doc).(map[string]any), nil
}

// normal returns a decoded value so that equal ones compare as equal: NaN
// is not equal to itself.
func normal(value any) any {
	switch v := value.(type) {
	case float64:
		if math.IsNaN(v) {
			return "nan"
		}
	case int64:
		return strconv.FormatInt(v, 10)
	case map[string]any:
		for name, member := range v {
			v[name] = normal(member)
		}
	case []any:
		for i, element := range v {
			v[i] = normal(element)
		}
	}
	return value
}

// expression is a line of TOML that says something: a table's header, or a key
// with its value, which may go over several lines.
type expression struct {
	path     []string // of what it defines, from the root
	header   bool
	from, to int // of the header's line as a whole, or of the key and its value
}

// expressions returns what a source says, in order.
func expressions(src []byte) ([]expression, error) {
	var p unstable.Parser
	p.Reset(src)
	var all []expression
	var table []string
	for p.NextExpression() {
		node := p.Expression()
		var path []string
		first, last := -1, 0
		for keys := node.Key(); keys.Next(); {
			path = append(path, string(keys.Node().Data))
			if first < 0 {
				first = int(keys.Node().Raw.Offset)
			}
			last = int(keys.Node().Raw.Offset + keys.Node().Raw.Length)
		}
		switch node.Kind {
		case unstable.KeyValue:
			from := int(node.Raw.Offset)
			to := from + len(bytes.TrimRight(src[from:from+int(node.Raw.Length)], " \t"))
			all = append(all, expression{path: slices.Concat(table, path), from: from, to: to})
		case unstable.Table, unstable.ArrayTable:
			table = path
			from := bytes.LastIndexByte(src[:first], '\n') + 1
			all = append(all, expression{path: path, header: true, from: from, to: lineAfter(src, last)})
		}
	}
	return all, p.Error()
}

// lineAfter returns where the line ends that a position is in, with its line
// end.
func lineAfter(src []byte, at int) int {
	if i := bytes.IndexByte(src[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(src)
}

func (tomlFormat) add(src []byte, container, name string, e entry) ([]byte, error) {
	newline := lineEnd(src)
	var b strings.Builder
	b.Write(src)
	if len(src) > 0 && src[len(src)-1] != '\n' {
		b.WriteString(newline)
	}
	if len(bytes.TrimSpace(src)) > 0 && !bytes.HasSuffix(src, []byte("\n\n")) && !bytes.HasSuffix(src, []byte("\r\n\r\n")) {
		b.WriteString(newline)
	}
	b.WriteString("[" + tomlKey(container) + "." + tomlKey(name) + "]" + newline)
	for _, f := range e {
		b.WriteString(tomlKey(f.name) + " = " + renderTOML(f.value) + newline)
	}
	return []byte(b.String()), nil
}

func (tomlFormat) set(src []byte, path []string, f field) ([]byte, error) {
	all, err := expressions(src)
	if err != nil {
		return nil, err
	}
	line := tomlKey(f.name) + " = " + renderTOML(f.value)
	header := -1
	for i, e := range all {
		if !e.header && slices.Equal(e.path, path) {
			return splice(src, e.from, e.to, line), nil
		}
		if e.header && slices.Equal(e.path, path[:len(path)-1]) {
			header = i
		}
	}
	if header < 0 {
		return nil, errByHand
	}
	at, newline := all[header].to, lineEnd(src)
	for _, e := range all[header+1:] {
		if e.header {
			break
		}
		at = lineAfter(src, e.to)
	}
	if src[at-1] != '\n' {
		line = newline + line
	}
	return splice(src, at, at, line+newline), nil
}

func (tomlFormat) unset(src []byte, path []string) ([]byte, error) {
	all, err := expressions(src)
	if err != nil {
		return nil, err
	}
	for i := len(all) - 1; i >= 0; i-- {
		e := all[i]
		if len(e.path) < len(path) || !slices.Equal(e.path[:len(path)], path) {
			continue
		}
		from, to := e.from, e.to
		if !e.header {
			from, to = bytes.LastIndexByte(src[:from], '\n')+1, lineAfter(src, to)
		} else {
			if to == len(src) { // the last: with the empty line before it
				from = len(bytes.TrimSuffix(bytes.TrimSuffix(src[:from], []byte("\n")), []byte("\r")))
				if from > 0 && src[from-1] != '\n' {
					from = lineAfter(src, from)
				}
			} else if blank := lineAfter(src, to); len(bytes.TrimSpace(src[to:blank])) == 0 {
				to = blank // or with the one after it
			}
		}
		src = splice(src, from, to, "")
	}
	return src, nil
}

// tomlKey returns a key, quoted where it must be.
func tomlKey(key string) string {
	for _, r := range key {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-' {
			return quote(key)
		}
	}
	return key
}

// renderTOML writes a value on one line. A string of JSON is one of TOML.
func renderTOML(value any) string {
	switch v := value.(type) {
	case string:
		return quote(v)
	case []string:
		items := make([]string, len(v))
		for i, s := range v {
			items[i] = quote(s)
		}
		return "[" + strings.Join(items, ", ") + "]"
	case entry:
		items := make([]string, len(v))
		for i, f := range v {
			items[i] = tomlKey(f.name) + " = " + renderTOML(f.value)
		}
		return "{ " + strings.Join(items, ", ") + " }"
	}
	return fmt.Sprint(value)
}
