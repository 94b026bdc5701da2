package hosts

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tailscale/hujson"
)

// jsonFormat edits JSON, with comments and trailing commas or without.
type jsonFormat struct{}

func (jsonFormat) decode(src []byte) (map[string]any, error) {
	src, err := jsonSource(src)
	if err != nil {
		return nil, err
	}
	standard, err := hujson.Standardize(bytes.Clone(src))
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(standard))
	dec.UseNumber()
	var doc map[string]any
	if err := dec.Decode(&doc); err != nil {
		return nil, err
	}
	return normalNumbers(doc).(map[string]any), nil
}

// normalNumbers replaces numbers by their text, which is exact.
func normalNumbers(value any) any {
	switch v := value.(type) {
	case json.Number:
		return v.String()
	case map[string]any:
		for name, member := range v {
			v[name] = normalNumbers(member)
		}
	case []any:
		for i, element := range v {
			v[i] = normalNumbers(element)
		}
	}
	return value
}

// jsonSource returns src as the parser takes it: with a line end after a comment
// that ends it without one, and with an empty object below it where it holds nothing
// but space and comments.
func jsonSource(src []byte) ([]byte, error) {
	var failed error
	for _, end := range []string{"", "\n", "{}\n", lineEnd(src) + "{}\n"} {
		whole := slices.Concat(src, []byte(end))
		value, err := hujson.Parse(whole)
		if err == nil {
			if _, ok := value.Value.(*hujson.Object); !ok {
				return nil, errors.New("it holds no JSON object")
			}
			return whole, nil
		}
		if failed == nil {
			failed = err
		}
	}
	return nil, fmt.Errorf("it is not valid JSON: %s", strings.TrimPrefix(failed.Error(), "hujson: "))
}

// editJSON changes a source, and removes the line end that only the parser needed.
func editJSON(src []byte, change func(*jsonText) ([]byte, error)) ([]byte, error) {
	whole, err := jsonSource(src)
	if err != nil {
		return nil, err
	}
	j, err := parseJSON(whole)
	if err != nil {
		return nil, err
	}
	changed, err := change(j)
	if len(whole) == len(src)+1 {
		changed = bytes.TrimSuffix(changed, []byte("\n"))
	}
	return changed, err
}

func (jsonFormat) add(src []byte, container, name string, e entry) ([]byte, error) {
	return editJSON(src, func(j *jsonText) ([]byte, error) {
		root, _ := j.object(nil)
		if servers, ok := j.object([]string{container}); ok {
			return j.put(servers, 1, name, e)
		}
		return j.put(root, 0, container, entry{{name: name, value: e}})
	})
}

func (jsonFormat) set(src []byte, path []string, f field) ([]byte, error) {
	return editJSON(src, func(j *jsonText) ([]byte, error) {
		object, ok := j.object(path[:len(path)-1])
		if !ok {
			return nil, errByHand
		}
		return j.put(object, len(path)-1, path[len(path)-1], f.value)
	})
}

func (jsonFormat) unset(src []byte, path []string) ([]byte, error) {
	return editJSON(src, func(j *jsonText) ([]byte, error) {
		object, ok := j.object(path[:len(path)-1])
		if !ok {
			return nil, errByHand
		}
		return j.cut(object, path[len(path)-1])
	})
}

// jsonText is a source with what it means and how it is laid out.
type jsonText struct {
	src     []byte
	root    hujson.Value
	newline string
	indent  string
}

func parseJSON(src []byte) (*jsonText, error) {
	root, err := hujson.Parse(src)
	if err != nil {
		return nil, err
	}
	j := &jsonText{src: src, root: root, newline: lineEnd(src), indent: "  "}
	if object, ok := root.Value.(*hujson.Object); ok && len(object.Members) > 0 {
		before := string(object.Members[0].Name.BeforeExtra)
		if i := strings.LastIndexByte(before, '\n'); i >= 0 && strings.Trim(before[i+1:], " \t") == "" && i+1 < len(before) {
			j.indent = before[i+1:]
		}
	}
	return j, nil
}

// lineEnd returns how lines end in a source.
func lineEnd(src []byte) string {
	if bytes.Contains(src, []byte("\r\n")) {
		return "\r\n"
	}
	return "\n"
}

// object returns the object at a path. Of members of one name, the last counts,
// as it does for those who read the file.
func (j *jsonText) object(path []string) (*hujson.Value, bool) {
	at := &j.root
	for _, name := range path {
		object, ok := at.Value.(*hujson.Object)
		if !ok {
			return nil, false
		}
		i := member(object, name)
		if i < 0 {
			return nil, false
		}
		at = &object.Members[i].Value
	}
	_, ok := at.Value.(*hujson.Object)
	return at, ok
}

// member returns the index of the last member of a name, or -1.
func member(object *hujson.Object, name string) int {
	for i := len(object.Members) - 1; i >= 0; i-- {
		if literal, ok := object.Members[i].Name.Value.(hujson.Literal); ok && literal.String() == name {
			return i
		}
	}
	return -1
}

// put sets a member of an object at a depth.
func (j *jsonText) put(at *hujson.Value, depth int, name string, value any) ([]byte, error) {
	object, ok := at.Value.(*hujson.Object)
	if !ok {
		return nil, errByHand
	}
	rendered := j.render(value, depth+1)
	if i := member(object, name); i >= 0 {
		old := object.Members[i].Value
		return splice(j.src, old.StartOffset, old.EndOffset, rendered), nil
	}
	added := j.newline + strings.Repeat(j.indent, depth+1) + quote(name) + ": " + rendered
	closing := at.EndOffset - 1
	from := closing - len(object.AfterExtra) // what follows the members and their commas
	same := sameLine(j.src[from:closing])
	rest := string(j.src[from+same : closing])
	if !strings.Contains(rest, "\n") {
		rest = j.newline + strings.Repeat(j.indent, depth)
	}
	if len(object.Members) == 0 {
		return splice(j.src, from+same, closing, added+rest), nil
	}
	last := object.Members[len(object.Members)-1].Value.EndOffset
	if hasComma := from > last; hasComma {
		return splice(j.src, from+same, closing, added+","+rest), nil
	}
	return splice(j.src, last, closing, ","+string(j.src[last:from+same])+added+rest), nil
}

// sameLine returns the length of the comments that end the line on which extra
// begins: they are about what stands before them.
func sameLine(extra []byte) int {
	line := extra
	if i := bytes.IndexByte(extra, '\n'); i >= 0 {
		line = extra[:i]
	}
	if bytes.LastIndex(line, []byte("/*")) > bytes.LastIndex(line, []byte("*/")) && !bytes.Contains(line, []byte("//")) {
		line = extra // a comment of several lines
	}
	return len(bytes.TrimRight(line, " \t\r\n"))
}

// cut removes a member of an object, with the line that is its own.
func (j *jsonText) cut(at *hujson.Value, name string) ([]byte, error) {
	object, ok := at.Value.(*hujson.Object)
	if !ok {
		return nil, errByHand
	}
	i := member(object, name)
	if i < 0 {
		return j.src, nil
	}
	m, closing := object.Members[i], at.EndOffset-1
	from, to := m.Name.StartOffset, m.Value.EndOffset
	if comma := to + len(m.Value.AfterExtra); i < len(object.Members)-1 || comma < closing-len(object.AfterExtra) {
		if len(bytes.TrimSpace(j.src[to:comma])) > 0 {
			return nil, errByHand // a comment between the value and its comma
		}
		to = comma + 1
	} else if i > 0 {
		before := object.Members[i-1].Value
		comma := before.EndOffset + len(before.AfterExtra)
		from, to = j.wholeLine(from, to)
		return slices.Concat(j.src[:comma], j.src[comma+1:from], j.src[to:]), nil
	} else if inside := j.src[at.StartOffset+1 : closing]; len(bytes.TrimSpace(inside)) == to-from {
		return splice(j.src, at.StartOffset+1, closing, ""), nil
	}
	from, to = j.wholeLine(from, to)
	return splice(j.src, from, to, ""), nil
}

// wholeLine widens a range to its line, with the line end before it, where
// nothing else stands on it.
func (j *jsonText) wholeLine(from, to int) (int, int) {
	start := len(bytes.TrimRight(j.src[:from], " \t"))
	end := to + len(j.src[to:]) - len(bytes.TrimLeft(j.src[to:], " \t\r"))
	if start == 0 || j.src[start-1] != '\n' || end == len(j.src) || j.src[end] != '\n' {
		return from, to
	}
	if j.src[end-1] == '\r' {
		end--
	}
	return len(bytes.TrimSuffix(j.src[:start-1], []byte("\r"))), end
}

// splice replaces a range of src.
func splice(src []byte, from, to int, text string) []byte {
	return slices.Concat(src[:from], []byte(text), src[to:])
}

// render writes a value over as many lines as JSON.stringify does.
func (j *jsonText) render(value any, depth int) string {
	var open, shut string
	var items []string
	switch v := value.(type) {
	case entry:
		open, shut = "{", "}"
		for _, f := range v {
			items = append(items, quote(f.name)+": "+j.render(f.value, depth+1))
		}
	case []string:
		open, shut = "[", "]"
		for _, s := range v {
			items = append(items, quote(s))
		}
	case string:
		return quote(v)
	default:
		return fmt.Sprint(v)
	}
	if len(items) == 0 {
		return open + shut
	}
	line := j.newline + strings.Repeat(j.indent, depth)
	return open + line + j.indent + strings.Join(items, ","+line+j.indent) + line + shut
}

// quote returns a string as JSON, with < and > as they are.
func quote(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(s) != nil {
		return `""`
	}
	return strings.TrimSuffix(b.String(), "\n")
}
