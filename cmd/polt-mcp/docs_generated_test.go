package main

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/openpolt/polt-mcp/internal/doctest"
	"github.com/openpolt/polt-mcp/internal/hosts"
)

//go:generate go test . -run ^TestGenerated -update

// TestGeneratedFlags has docs/configuration.md list every flag, from the
// command line's own declarations.
func TestGeneratedFlags(t *testing.T) {
	t.Parallel()
	parser, err := newParser(&commands{}, &environment{getenv: func(string) string { return "" }, out: io.Discard, err: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	doctest.Generated(t, filepath.Join(root, "docs", "configuration.md"), "flags", flagTables(parser.Model), *update)
}

// flagTables returns a table for each set of commands that share flags, in the
// order in which the commands have them.
func flagTables(model *kong.Application) string {
	type row struct {
		text     string
		commands []*kong.Node
	}
	var rows []*row
	byText := map[string]*row{}
	for _, command := range model.Leaves(true) {
		for _, f := range command.Flags {
			if f.Hidden || f.Name == "help" {
				continue
			}
			text := flagRow(f)
			if byText[text] == nil {
				byText[text] = &row{text: text}
				rows = append(rows, byText[text])
			}
			byText[text].commands = append(byText[text].commands, command)
		}
	}
	var sets []string
	tables := map[string]string{}
	for _, r := range rows {
		set := commandNames(r.commands)
		if tables[set] == "" {
			sets = append(sets, set)
		}
		tables[set] += r.text
	}
	var b strings.Builder
	for _, set := range sets {
		fmt.Fprintf(&b, "\n## Flags of %s\n\n| Flag | Variable | Default | Meaning |\n| --- | --- | --- | --- |\n%s", set, tables[set])
	}
	return b.String()
}

// commandNames names commands, and where all subcommands of one are among them
// only that.
func commandNames(commands []*kong.Node) string {
	below := map[*kong.Node]int{}
	for _, c := range commands {
		below[c.Parent]++
	}
	var names []string
	for _, c := range commands {
		name := c.Path()
		if c.Parent.Type == kong.CommandNode && below[c.Parent] == len(c.Parent.Children) {
			name = c.Parent.Path()
		}
		if name = code(name); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

func flagRow(f *kong.Flag) string {
	name := "--" + f.Name
	if f.Tag.Negatable != "" {
		name = "--[no-]" + f.Name
	}
	if f.PlaceHolder != "" {
		name += " " + f.PlaceHolder
	}
	if f.Short != 0 {
		name = "-" + string(f.Short) + ", " + name
	}
	return fmt.Sprintf("| `%s` | %s | %s | %s |\n", name, code(variable(f.Value)), code(f.Default), strings.ReplaceAll(f.Help, "|", `\|`))
}

// code returns a text as code in Markdown.
func code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + text + "`"
}

// TestGeneratedHosts has docs/hosts.md list the hosts that install knows.
func TestGeneratedHosts(t *testing.T) {
	t.Parallel()
	doctest.Generated(t, filepath.Join(root, "docs", "hosts.md"), "hosts", hostTable(), *update)
}

func hostTable() string {
	var b, notes strings.Builder
	b.WriteString("| Host | Connect | User's file on Linux; macOS; Windows | Project's file |\n| --- | --- | --- | --- |\n")
	nothing := func(string) string { return "" }
	systems := []hosts.System{
		{OS: "linux", Home: "~", Getenv: nothing},
		{OS: "darwin", Home: "~", Getenv: nothing},
		{OS: "windows", Home: "~", Getenv: nothing},
	}
	for _, h := range hosts.All() {
		var files []string
		for _, sys := range systems {
			if file := strings.ReplaceAll(h.Path(sys), `\`, "/"); !slices.Contains(files, "`"+file+"`") {
				files = append(files, "`"+file+"`")
			}
		}
		fmt.Fprintf(&b, "| %s | `polt-mcp install %s` | %s | %s |\n", h.Title, h.Name, strings.Join(files, "; "), code(filepath.ToSlash(h.ProjectPath(""))))
		var all []string
		for _, s := range []hosts.Server{{Name: "polt"}, {Name: "polt", URL: "http://127.0.0.1:8080/mcp"}} {
			for _, note := range h.Notes(s) {
				if !slices.Contains(all, note) {
					all = append(all, note)
				}
			}
		}
		if check := h.Check(); strings.HasPrefix(check, "To check: ") {
			all = append(all, "To check: `"+strings.TrimPrefix(check, "To check: ")+"`.")
		}
		if len(all) > 0 {
			fmt.Fprintf(&notes, "- **%s**: %s\n", h.Title, strings.Join(all, " "))
		}
	}
	return b.String() + "\nWhat to know:\n\n" + notes.String()
}
