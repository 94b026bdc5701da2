package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/openpolt/polt-mcp/internal/doctest"
)

var root = filepath.Join("..", "..")

// TestDocumentedLinksLead checks that what the documentation links to exists:
// the files, and the headings in them.
func TestDocumentedLinksLead(t *testing.T) {
	t.Parallel()
	documents := doctest.Documents(t, root)
	anchors := map[string][]string{}
	for _, d := range documents {
		anchors[d.Path] = d.Anchors
	}
	linked := map[string]bool{"README.md": true}
	for _, d := range documents {
		for _, link := range d.Links {
			if strings.HasPrefix(link, "https://") {
				continue
			}
			target, fragment, _ := strings.Cut(link, "#")
			file := d.Path
			if target != "" {
				file = path.Join(path.Dir(d.Path), target)
			}
			if strings.Contains(target, ":") || path.IsAbs(target) || strings.HasPrefix(file, "..") {
				t.Errorf("%s: %s leads out of the repository", d.Path, link)
				continue
			}
			if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(file))); err != nil {
				t.Errorf("%s: %s leads nowhere: %v", d.Path, link, err)
			}
			if fragment != "" && !slices.Contains(anchors[file], fragment) {
				t.Errorf("%s: %s has no heading #%s; it has %q", d.Path, file, fragment, anchors[file])
			}
			if d.Path == "README.md" {
				linked[file] = true
			}
		}
	}
	for _, d := range documents {
		if !linked[d.Path] {
			t.Errorf("README.md does not link to %s", d.Path)
		}
	}
}

// TestReadmeIsShort keeps the README to what shows what this is.
func TestReadmeIsShort(t *testing.T) {
	t.Parallel()
	const most = 8000
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > most {
		t.Errorf("README.md has %d bytes, over the maximum of %d: move details to docs", len(text), most)
	}
}

// TestDocumentedCommandsParse has every command in the documentation parsed by
// the command line that it is for.
func TestDocumentedCommandsParse(t *testing.T) {
	t.Parallel()
	total := 0
	for _, d := range doctest.Documents(t, root) {
		for _, c := range slices.Concat(append(d.Commands(t), d.SpanCommands(t))...) {
			total++
			if err := errors.Join(parses(c.Args), namesArguments(c.Args)); err != nil {
				t.Errorf("%s: %s: %v", d.Path, c.String(), err)
			}
		}
	}
	if total < 30 {
		t.Errorf("only %d commands were found", total)
	}
}

// parses returns what is wrong with a command line.
func parses(args []string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			if code, ok := p.(exited); !ok || code != 0 { // as after --help
				panic(p)
			}
		}
	}()
	parser, err := newParser(grammar(args), &environment{getenv: func(string) string { return "" }, out: io.Discard, err: io.Discard})
	if err != nil {
		return err
	}
	_, err = parser.Parse(args)
	return err
}

// namesArguments returns what is wrong with the names in a call of a tool.
func namesArguments(args []string) error {
	if args[0] != "call" || len(args) == 1 {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(root, "schemas", args[1]+".input.json"))
	if err != nil {
		return fmt.Errorf("there is no tool %s", args[1])
	}
	var schema struct{ Properties map[string]any }
	if err := json.Unmarshal(text, &schema); err != nil {
		return err
	}
	for _, arg := range args[2:] {
		name, _, ok := strings.Cut(arg, "=")
		if ok && !strings.HasPrefix(name, "-") && schema.Properties[name] == nil {
			return fmt.Errorf("%s has no argument %s", args[1], name)
		}
	}
	return nil
}
