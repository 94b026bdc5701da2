package doctest

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// A Command is a command line of polt-mcp in the documentation.
type Command struct {
	// Path is the file that has it.
	Path string
	// Env are the variables that the line sets, as NAME=VALUE.
	Env []string
	// Args are the arguments after polt-mcp.
	Args []string
}

// IsTemplate reports whether a reader has to fill something in.
func (c *Command) IsTemplate() bool {
	return strings.Contains(strings.Join(c.Args, " "), "...")
}

// String returns the command about as it is in the documentation.
func (c *Command) String() string {
	return strings.Join(append(append([]string{}, c.Env...), append([]string{"polt-mcp"}, c.Args...)...), " ")
}

// Commands returns the commands in the shell blocks of a document, a list for
// each block that has any. It fails the test where a shell could not read a block.
func (d *Document) Commands(t testing.TB) (all [][]Command) {
	t.Helper()
	for _, b := range d.Blocks {
		if b.Language != "sh" {
			continue
		}
		found, err := commands(b.Text)
		if err != nil {
			t.Errorf("%s: %v in\n%s", d.Path, err, b.Text)
		}
		for i := range found {
			found[i].Path = d.Path
		}
		if len(found) > 0 {
			all = append(all, found)
		}
	}
	return all
}

// SpanCommands returns the commands that are inline code, but for those whose
// subcommand is a placeholder.
func (d *Document) SpanCommands(t testing.TB) (all []Command) {
	t.Helper()
	for _, span := range d.Spans {
		words := strings.Fields(span)
		if len(words) < 2 || words[0] != "polt-mcp" || words[1] == strings.ToUpper(words[1]) {
			continue
		}
		found, err := commands(span)
		if err != nil {
			t.Errorf("%s: %v in %s", d.Path, err, span)
		}
		for _, c := range found {
			c.Path = d.Path
			all = append(all, c)
		}
	}
	return all
}

// commands returns the calls of polt-mcp in a shell script, wherever in a line
// they are.
func commands(script string) (all []Command, err error) {
	file, err := syntax.NewParser().Parse(strings.NewReader(script), "")
	if err != nil {
		return nil, err
	}
	// What a variable or another command would put in is left to be seen.
	config := &expand.Config{
		Env:      expand.FuncEnviron(func(name string) string { return "$" + name }),
		CmdSubst: func(w io.Writer, _ *syntax.CmdSubst) error { _, err := io.WriteString(w, "..."); return err },
	}
	syntax.Walk(file, func(n syntax.Node) bool {
		call, ok := n.(*syntax.CallExpr)
		if !ok || len(call.Args) == 0 || err != nil {
			return true
		}
		if call.Args[0].Lit() == "source" {
			return true // what it reads is a command of its own
		}
		words, failed := expand.Fields(config, call.Args...)
		if failed != nil {
			err = fmt.Errorf("%s: %w", call.Args[0].Lit(), failed)
			return true
		}
		args, ok := arguments(words)
		if !ok {
			return true
		}
		c := Command{Args: args}
		for _, a := range call.Assigns {
			value, failed := expand.Literal(config, a.Value)
			if failed != nil {
				err = failed
			}
			c.Env = append(c.Env, a.Name.Value+"="+value)
		}
		all = append(all, c)
		return true
	})
	return all, err
}

// arguments returns what polt-mcp is given in a command: as itself, built by go
// run, or started by a host, whose own command has it after --.
func arguments(words []string) ([]string, bool) {
	if i := slices.Index(words, "--"); i >= 0 && words[0] != "polt-mcp" {
		words = words[i+1:]
	}
	for _, start := range [][]string{{"polt-mcp"}, {"go", "run", "./cmd/polt-mcp"}} {
		if len(words) >= len(start) && slices.Equal(words[:len(start)], start) {
			return words[len(start):], true
		}
	}
	return nil, false
}
