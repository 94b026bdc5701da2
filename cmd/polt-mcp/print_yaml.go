package main

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// asYAML returns a result as YAML, with its members in source order, duplicates
// included, and its numbers to the digit.
func asYAML(answer []byte) (string, error) {
	dec := json.NewDecoder(bytes.NewReader(answer))
	dec.UseNumber()
	root, err := yamlNode(dec)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(root); err != nil {
		return "", err
	}
	err = enc.Close()
	return b.String(), err
}

// yamlNode reads the next JSON value. It is decoded, not parsed as YAML, whose
// parsers do not know all escapes of JSON.
func yamlNode(dec *json.Decoder) (*yaml.Node, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch v := token.(type) {
	case json.Delim:
		return yamlCollection(dec, v)
	case string:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: v, Style: yamlStyle(v)}, nil
	case json.Number:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: yamlNumber(v.String())}, nil
	case bool:
		if v {
			return &yaml.Node{Kind: yaml.ScalarNode, Value: "true"}, nil
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Value: "false"}, nil
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Value: "null"}, nil
}

// yamlCollection reads the rest of an object or an array.
func yamlCollection(dec *json.Decoder, opening json.Delim) (*yaml.Node, error) {
	n := &yaml.Node{Kind: yaml.SequenceNode}
	if opening == '{' {
		n.Kind = yaml.MappingNode // its names and values alternate, in both
	}
	for dec.More() {
		inner, err := yamlNode(dec)
		if err != nil {
			return nil, err
		}
		if n.Kind == yaml.MappingNode && len(n.Content)%2 == 0 && inner.Style == yaml.LiteralStyle {
			inner.Style = yaml.DoubleQuotedStyle // a name is on one line
		}
		n.Content = append(n.Content, inner)
	}
	if len(n.Content) == 0 {
		n.Style = yaml.FlowStyle
	}
	_, err := dec.Token() // the closing one
	return n, err
}

// yamlNumber returns a number so that YAML 1.1 takes it for one, too: there,
// 1e3 is a string, 1.0e+3 is not.
func yamlNumber(number string) string {
	mantissa, exponent, ok := strings.Cut(strings.ToLower(number), "e")
	if !ok {
		return number
	}
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	if exponent[0] != '-' && exponent[0] != '+' {
		exponent = "+" + exponent
	}
	return mantissa + "e" + exponent
}

// yamlWords are what begins with a letter and is not a string to a reader of
// YAML 1.1 or 1.2.
var yamlWords = []string{"y", "n", "yes", "no", "on", "off", "true", "false", "null"}

// plainYAML matches texts that no reader of YAML 1.1 or 1.2 takes for a number,
// a time or a special value: such as begin with a letter, UUIDs, and amounts
// with their unit.
var plainYAML = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(_?\pL.*|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9]+([.,][0-9]+)* \pL.*)$`)
})

// yamlStyle returns the style of a string: as a block if it has several lines,
// plain if all readers take it for a string, and otherwise in quotes. Where the
// syntax does not allow the style, the encoder uses quotes.
func yamlStyle(s string) yaml.Style {
	switch {
	case isBlock(s):
		return yaml.LiteralStyle
	case plainYAML().MatchString(s) && !slices.Contains(yamlWords, strings.ToLower(s)):
		return 0
	}
	return yaml.DoubleQuotedStyle
}

// isBlock reports whether a string is fit for a literal block: lines of
// printable characters, the first and the last of which have text at their
// ends.
func isBlock(s string) bool {
	if !strings.Contains(s, "\n") || strings.TrimSpace(s) != strings.TrimRight(s, "\n") {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsPrint(r) })
}
