package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"
)

// toolHelp returns the tool whose help is requested: polt-mcp call TOOL --help.
func toolHelp(env *environment, args []string) (tool string, ok bool, err error) {
	if len(args) < 2 || args[0] != "call" || !slices.Contains(args, "--help") && !slices.Contains(args, "-h") {
		return "", false, nil
	}
	parser, err := newParser(grammar(args[:1]), env)
	if err != nil {
		return "", false, err
	}
	for words := positionals(parser.Model, args[1:]); len(words) > 0; words = words[1:] {
		if !strings.Contains(words[0], "=") {
			return words[0], true, nil
		}
	}
	return "", false, nil
}

// argument is a tool's argument, from its schema.
type argument struct {
	name        string
	Type        any               `json:"type"`
	Description string            `json:"description"`
	Enum        []json.RawMessage `json:"enum"`
	Default     json.RawMessage   `json:"default"`
	Minimum     json.RawMessage   `json:"minimum"`
	Maximum     json.RawMessage   `json:"maximum"`
	required    bool
}

// argumentsOf returns a tool's arguments in order, required ones first.
func argumentsOf(t mcp.Tool) ([]argument, error) {
	var schema struct {
		Properties json.RawMessage `json:"properties"`
		Required   []string        `json:"required"`
	}
	if err := json.Unmarshal(t.RawInputSchema, &schema); err != nil {
		return nil, err
	}
	properties, err := orderedMembers(schema.Properties)
	if err != nil {
		return nil, err
	}
	all := make([]argument, len(properties))
	for i, p := range properties {
		a := argument{name: p.name, required: slices.Contains(schema.Required, p.name)}
		if err := json.Unmarshal(p.value, &a); err != nil {
			return nil, err
		}
		all[i] = a
	}
	slices.SortStableFunc(all, func(a, b argument) int {
		switch {
		case a.required == b.required:
			return 0
		case a.required:
			return -1
		}
		return 1
	})
	return all, nil
}

// printToolHelp prints a tool's description and arguments.
func printToolHelp(env *environment, name string) error {
	set, err := idleTools(choiceFlags{})
	if err != nil {
		return err
	}
	if problem := set.Misnamed(name); problem != "" {
		return errors.New(problem)
	}
	listed := set.Tools()
	t := listed[slices.IndexFunc(listed, func(t mcp.Tool) bool { return t.Name == name })]
	arguments, err := argumentsOf(t)
	if err != nil {
		return err
	}
	screen := env.screen()
	var b strings.Builder
	fmt.Fprintf(&b, "Usage: polt-mcp call %s [name=value ...] [flags]\n\n%s\n\n", name, screen.wrap(t.Description, ""))
	if len(arguments) > 0 {
		rows := make([][]string, len(arguments))
		for i, a := range arguments {
			required := ""
			if a.required {
				required = "required"
			}
			rows[i] = []string{a.name, a.kind(), required, a.about()}
		}
		b.WriteString(screen.table([]string{"ARGUMENT", "TYPE", "", "MEANING"}, rows, nil))
	} else {
		b.WriteString("It takes no arguments.\n")
	}
	fmt.Fprintf(&b, "\nFor example:\n  polt-mcp call %s%s\n\nThe flags: polt-mcp call --help\n", name, example(arguments))
	_, err = io.WriteString(env.out, b.String())
	return err
}

func (a *argument) kind() string {
	switch t := a.Type.(type) {
	case string:
		return t
	case []any:
		words := make([]string, len(t))
		for i, word := range t {
			words[i] = fmt.Sprint(word)
		}
		return strings.Join(words, " or ")
	}
	return "any"
}

// about describes an argument: its meaning, values and default.
func (a *argument) about() string {
	var parts []string
	if a.Description != "" {
		parts = append(parts, a.Description)
	}
	if len(a.Enum) > 0 {
		words := make([]string, len(a.Enum))
		for i, v := range a.Enum {
			words[i] = inWords(v)
		}
		parts = append(parts, "one of "+strings.Join(words, ", "))
	}
	within := fmt.Sprintf("%s to %s", a.Minimum, a.Maximum)
	switch {
	case strings.Contains(a.Description, within) || strings.Contains(a.Description, "from "+string(a.Minimum)):
	case a.Minimum != nil && a.Maximum != nil:
		parts = append(parts, within)
	case a.Minimum != nil:
		parts = append(parts, "at least "+string(a.Minimum))
	case a.Maximum != nil:
		parts = append(parts, "at most "+string(a.Maximum))
	}
	if a.Default != nil {
		parts = append(parts, "by default "+inWords(a.Default))
	}
	return strings.Join(parts, "; ")
}

// example returns example arguments of a call: the required ones, or else one
// optional one.
func example(arguments []argument) string {
	var b strings.Builder
	for i, a := range arguments {
		if !a.required && (i > 0 || len(a.Enum) == 0) {
			break
		}
		value := map[string]string{
			"task_id": "1f0c2d7e", "project_id": "9b6a43c1", "username": "ada", "submission_content": "@work.md", "body": "@reply.md",
		}[a.name]
		switch {
		case len(a.Enum) > 0:
			value = inWords(a.Enum[0])
		case value == "" && a.kind() == "integer":
			value = "1"
		case value == "":
			value = "'…'"
		}
		b.WriteString(" " + a.name + "=" + value)
	}
	return b.String()
}
