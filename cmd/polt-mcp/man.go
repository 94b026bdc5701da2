package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// manCommand writes man pages for packages: one for the program and one for
// each command.
type manCommand struct {
	Dir string `arg:"" help:"The directory to write to."`
}

// Run writes polt-mcp.1 and polt-mcp-COMMAND.1 into the directory.
func (c *manCommand) Run(parser *kong.Kong) error {
	if err := os.MkdirAll(c.Dir, 0o750); err != nil {
		return err
	}
	write := func(name, page string) error {
		// Manuals are world-readable.
		return os.WriteFile(filepath.Join(c.Dir, name+".1"), []byte(page), 0o644) //nolint:gosec // see above
	}
	app := parser.Model
	if err := write(app.Name, overviewPage(app)); err != nil {
		return err
	}
	for _, command := range visible(app.Children) {
		if err := write(app.Name+"-"+command.Name, commandPage(app, command)); err != nil {
			return err
		}
	}
	return nil
}

// visible returns the nodes that help shows.
func visible(nodes []*kong.Node) []*kong.Node {
	var shown []*kong.Node
	for _, n := range nodes {
		if !n.Hidden {
			shown = append(shown, n)
		}
	}
	return shown
}

// A manPage is a man page in roff.
type manPage struct{ strings.Builder }

// newManPage begins a page with its name and purpose.
func newManPage(name, purpose string) *manPage {
	p := &manPage{}
	p.macro("TH", strings.ToUpper(name), "1", "", "polt-mcp "+version(), "polt-mcp manual")
	p.macro("SH", "NAME")
	p.text(name + " - " + strings.TrimSuffix(purpose, "."))
	return p
}

// macro writes a man(7) macro with its arguments.
func (p *manPage) macro(name string, args ...string) {
	p.WriteString("." + name)
	for _, arg := range args {
		p.WriteString(` "` + strings.ReplaceAll(roff(arg), `"`, `\(dq`) + `"`)
	}
	p.WriteByte('\n')
}

// text writes paragraphs, which are separated by blank lines.
func (p *manPage) text(s string) {
	for i, paragraph := range strings.Split(strings.TrimSpace(s), "\n\n") {
		if i > 0 {
			p.macro("PP")
		}
		for line := range strings.Lines(paragraph) {
			line = roff(strings.TrimSpace(line))
			if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
				p.WriteString(`\&`) // a leading dot would start a macro
			}
			p.WriteString(line + "\n")
		}
	}
}

// item writes a term in bold, and its meaning.
func (p *manPage) item(term, meaning string) {
	p.macro("TP")
	p.macro("B", term)
	p.text(meaning)
}

// roff escapes text. A bare hyphen would be typeset as a character that shells
// do not accept, and not every formatter reads UTF-8.
func roff(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\\':
			b.WriteString(`\e`)
		case r == '-':
			b.WriteString(`\-`)
		case r > '~':
			fmt.Fprintf(&b, `\[u%04X]`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func overviewPage(app *kong.Application) string {
	p := newManPage(app.Name, app.Help)
	p.macro("SH", "SYNOPSIS")
	p.macro("B", app.Name)
	p.text("[COMMAND] [FLAGS]")
	p.macro("SH", "COMMANDS")
	for _, command := range visible(app.Children) {
		p.item(command.Name, command.Help)
		for _, sub := range visible(command.Children) {
			p.item(command.Name+" "+sub.Name, sub.Help)
		}
	}
	p.macro("SH", "ENVIRONMENT")
	p.item("POLT_API_KEY", "The agent's key. It has no flag: other users of a machine can read a command line.")
	p.macro("PP")
	p.text("Every flag can be set in the environment: --some-flag is POLT_SOME_FLAG.")
	seeAlso(p, app, nil)
	return p.String()
}

func commandPage(app *kong.Application, command *kong.Node) string {
	p := newManPage(app.Name+"-"+command.Name, command.Help)
	p.macro("SH", "SYNOPSIS")
	for i, n := range append([]*kong.Node{command}, visible(command.Children)...) {
		if i > 0 {
			p.macro("br")
		} else if len(command.Children) > 0 {
			continue
		}
		p.macro("B", n.FullPath())
		p.text(strings.TrimSpace(strings.TrimPrefix(n.Summary(), n.Path())) + " ")
	}
	p.macro("SH", "DESCRIPTION")
	p.text(command.Help)
	if command.Detail != "" {
		p.macro("PP")
		p.text(command.Detail)
	}
	parameters(p, "ARGUMENTS", "OPTIONS", "SH", command)
	for _, sub := range visible(command.Children) {
		p.macro("SH", strings.ToUpper(sub.Name))
		p.text(sub.Help)
		parameters(p, "Arguments", "Options", "SS", sub)
	}
	seeAlso(p, app, command)
	return p.String()
}

// parameters writes the arguments and flags of a command.
func parameters(p *manPage, arguments, options, heading string, command *kong.Node) {
	if len(command.Positional) > 0 {
		p.macro(heading, arguments)
	}
	for _, arg := range command.Positional {
		p.item(arg.Summary(), arg.Help)
	}
	begun := false
	for _, f := range command.Flags {
		if f.Hidden {
			continue
		}
		if !begun {
			p.macro(heading, options)
			begun = true
		}
		meaning := helpWithVariable(f.Value)
		if f.HasDefault && f.Default != "" && !f.IsBool() {
			meaning += " The default is " + f.Default + "."
		}
		p.item(flagTerm(f), meaning)
	}
}

// flagTerm returns a flag as written on the command line.
func flagTerm(f *kong.Flag) string {
	term := "--" + f.Name
	switch {
	case f.Tag.Negatable != "":
		term = "--[no-]" + f.Name
	case !f.IsBool():
		term += "=" + placeholder(f)
	}
	if f.Short != 0 {
		term = fmt.Sprintf("-%c, %s", f.Short, term)
	}
	return term
}

// placeholder returns the placeholder of a flag's value.
func placeholder(f *kong.Flag) string {
	if f.PlaceHolder != "" {
		return f.PlaceHolder
	}
	if f.Enum != "" {
		return strings.ReplaceAll(f.Enum, ",", "|")
	}
	switch f.Target.Interface().(type) {
	case time.Duration:
		return "DURATION"
	case string:
		return "VALUE"
	}
	return "N"
}

func seeAlso(p *manPage, app *kong.Application, without *kong.Node) {
	p.macro("SH", "SEE ALSO")
	names := []string{}
	if without != nil {
		names = append(names, app.Name+"(1)")
	}
	for _, command := range visible(app.Children) {
		if command != without {
			names = append(names, app.Name+"-"+command.Name+"(1)")
		}
	}
	p.text(strings.Join(names, ",\n"))
	p.macro("PP")
	p.text("https://github.com/openpolt/polt-mcp")
}
