package hosts

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// yamlFormat edits YAML whose mappings are written in block style, as people
// and most programs write them.
type yamlFormat struct{}

func (yamlFormat) decode(src []byte) (map[string]any, error) {
	dec := yaml.NewDecoder(bytes.NewReader(src))
	doc := map[string]any{}
	if err := dec.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("it is not valid YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("it holds several YAML documents")
	}
	if doc == nil {
		doc = map[string]any{}
	}
	return normalYAML(doc).(map[string]any), nil
}

func normalYAML(value any) any {
	switch v := value.(type) {
	case int, uint64:
		return fmt.Sprint(v)
	case map[string]any:
		for name, member := range v {
			v[name] = normalYAML(member)
		}
		return v
	case []any:
		for i, element := range v {
			v[i] = normalYAML(element)
		}
		return v
	}
	return normal(value)
}

// yamlText is a source as lines, with their line ends, and what it means.
type yamlText struct {
	lines   []string
	newline string
	root    *yaml.Node // the mapping; nil for an empty file
}

func parseYAML(src []byte) (*yamlText, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(src, &doc); err != nil {
		return nil, err
	}
	t := &yamlText{lines: slices.Collect(strings.Lines(string(src))), newline: lineEnd(src)}
	if len(doc.Content) > 0 && doc.Content[0].Kind == yaml.MappingNode {
		t.root = doc.Content[0]
	}
	if t.root != nil && t.root.Style&yaml.FlowStyle != 0 {
		if string(bytes.TrimSpace(src)) != "{}" {
			return nil, errByHand
		}
		t.root, t.lines = nil, nil
	}
	return t, nil
}

func (t *yamlText) bytes() []byte { return []byte(strings.Join(t.lines, "")) }

// insert puts lines before the line of an index.
func (t *yamlText) insert(at int, lines []string) {
	if at > 0 && !strings.HasSuffix(t.lines[at-1], "\n") {
		t.lines[at-1] += t.newline
	}
	t.lines = slices.Insert(t.lines, at, lines...)
}

// find returns the key and the value at a path, or nil.
func (t *yamlText) find(path ...string) (key, value *yaml.Node) {
	value = t.root
	for _, name := range path {
		mapping := value
		key, value = nil, nil
		if mapping == nil || mapping.Kind != yaml.MappingNode {
			return nil, nil
		}
		for i := 0; i+1 < len(mapping.Content); i += 2 {
			if mapping.Content[i].Value == name {
				key, value = mapping.Content[i], mapping.Content[i+1]
			}
		}
	}
	return key, value
}

// end returns the index of the line after the value of a key: what follows the
// key's line and is further in, or is an item of its list.
func (t *yamlText) end(key *yaml.Node) int {
	in := key.Column - 1
	end := key.Line
	for i := key.Line; i < len(t.lines); i++ {
		line := strings.TrimRight(t.lines[i], " \t\r\n")
		depth := len(line) - len(strings.TrimLeft(line, " "))
		switch {
		case line == "" || strings.HasPrefix(line[depth:], "#") && depth <= in:
			continue // it counts if more of the value follows
		case depth > in || depth == in && strings.HasPrefix(line[depth:], "- "):
			end = i + 1
		default:
			return end
		}
	}
	return end
}

func (yamlFormat) add(src []byte, container, name string, e entry) ([]byte, error) {
	t, err := parseYAML(src)
	if err != nil {
		return nil, err
	}
	key, value := t.find(container)
	switch {
	case key == nil:
		in := 0
		at := len(t.lines)
		if t.root != nil {
			in = t.root.Column - 1
			last := t.root.Content[len(t.root.Content)-2]
			at = t.end(last)
		}
		t.insert(at, append([]string{strings.Repeat(" ", in) + container + ":" + t.newline}, t.render(name, e, in+2)...))
	case value.Kind == yaml.ScalarNode && value.Tag == "!!null" && value.Value == "":
		t.insert(key.Line, t.render(name, e, key.Column+1))
	case value.Kind == yaml.MappingNode && len(value.Content) == 0 && value.Line == key.Line:
		i := strings.LastIndex(t.lines[key.Line-1], "{}")
		if i < 0 {
			return nil, errByHand
		}
		t.lines[key.Line-1] = strings.TrimRight(t.lines[key.Line-1][:i], " ") + t.lines[key.Line-1][i+2:]
		t.insert(key.Line, t.render(name, e, key.Column+1))
	case value.Kind == yaml.MappingNode && value.Style&yaml.FlowStyle == 0:
		t.insert(t.end(key), t.render(name, e, value.Content[0].Column-1))
	default:
		return nil, errByHand
	}
	return t.bytes(), nil
}

func (yamlFormat) set(src []byte, path []string, f field) ([]byte, error) {
	t, err := parseYAML(src)
	if err != nil {
		return nil, err
	}
	parentKey, parent := t.find(path[:len(path)-1]...)
	if parent == nil || parent.Kind != yaml.MappingNode || parent.Style&yaml.FlowStyle != 0 {
		return nil, errByHand
	}
	lines := t.render(f.name, f.value, parent.Content[0].Column-1)
	key, _ := t.find(path...)
	if key == nil {
		t.insert(t.end(parentKey), lines)
		return t.bytes(), nil
	}
	from, to := key.Line-1, t.end(key)
	t.lines = slices.Delete(t.lines, from, to)
	t.insert(from, lines)
	return t.bytes(), nil
}

func (yamlFormat) unset(src []byte, path []string) ([]byte, error) {
	t, err := parseYAML(src)
	if err != nil {
		return nil, err
	}
	key, _ := t.find(path...)
	if key == nil {
		return src, nil
	}
	parentKey, parent := t.find(path[:len(path)-1]...)
	if parent.Style&yaml.FlowStyle != 0 {
		return nil, errByHand
	}
	t.lines = slices.Delete(t.lines, key.Line-1, t.end(key))
	if len(parent.Content) == 2 { // it was the last member
		line := t.lines[parentKey.Line-1]
		at := strings.IndexByte(line[parentKey.Column-1:], ':') + parentKey.Column
		t.lines[parentKey.Line-1] = line[:at] + " {}" + line[at:]
	}
	return t.bytes(), nil
}

// render writes a member in block style, in columns to the right.
func (t *yamlText) render(name string, value any, in int) []string {
	start := strings.Repeat(" ", in) + yamlScalar(name) + ":"
	var lines []string
	switch v := value.(type) {
	case entry:
		if len(v) == 0 {
			return []string{start + " {}" + t.newline}
		}
		lines = append(lines, start+t.newline)
		for _, f := range v {
			lines = append(lines, t.render(f.name, f.value, in+2)...)
		}
	case []string:
		if len(v) == 0 {
			return []string{start + " []" + t.newline}
		}
		lines = append(lines, start+t.newline)
		for _, s := range v {
			lines = append(lines, strings.Repeat(" ", in)+"- "+yamlScalar(s)+t.newline)
		}
	case string:
		lines = append(lines, start+" "+yamlScalar(v)+t.newline)
	default:
		lines = append(lines, start+" "+fmt.Sprint(v)+t.newline)
	}
	return lines
}

// yamlWords mean something else than their text, to some readers.
var yamlWords = []string{"y", "n", "yes", "no", "on", "off", "true", "false", "null"}

// yamlScalar returns a string, quoted where it must be. A string of JSON is one
// of YAML.
func yamlScalar(s string) string {
	plain := s != "" && (s[0] == '/' || isLetter(rune(s[0]))) &&
		!strings.ContainsFunc(s, func(r rune) bool { return !isLetter(r) && !strings.ContainsRune("0123456789_./-", r) })
	if plain && !slices.Contains(yamlWords, strings.ToLower(s)) {
		return s
	}
	return quote(s)
}

func isLetter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }
