package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/alecthomas/kong"

	"github.com/openpolt/polt-mcp/internal/clean"
)

// maxValue is the maximum size of a value that is read from a file, in bytes.
// It is the default limit of a whole message over HTTP.
const maxValue = 4 << 20

// A pair is an argument as it was typed, name=value. It may not be UTF-8.
type pair string

// Decode implements [kong.MapperValue].
func (p *pair) Decode(ctx *kong.DecodeContext) error {
	return popString(ctx, (*string)(p))
}

// popString takes the next value. Kong's own way replaces bytes that are not
// UTF-8.
func popString(ctx *kong.DecodeContext, s *string) error {
	t, err := ctx.Scan.PopValue("string")
	if err != nil {
		return err
	}
	text, ok := t.Value.(string)
	if !ok {
		return fmt.Errorf("expected a string, not %v", t.Value)
	}
	*s = text
	return nil
}

// decodeString decodes the value of a flag or argument that must be UTF-8.
func decodeString(ctx *kong.DecodeContext, target reflect.Value) error {
	var text string
	if err := popString(ctx, &text); err != nil {
		return err
	}
	if err := checkText([]byte(text), "the value"); err != nil {
		return err
	}
	target.SetString(text)
	return nil
}

// parseArguments parses the name=value pairs of a call of tool. All values are
// strings; the tools convert numbers.
func parseArguments(tool string, pairs []pair, stdin io.Reader) (map[string]string, error) {
	arguments := map[string]string{}
	readsStdin := ""
	for _, p := range pairs {
		name, value, ok := strings.Cut(string(p), "=")
		name = strings.TrimSpace(name)
		if !ok || name == "" {
			return nil, fmt.Errorf("%q is not of the form name=value; polt-mcp call %s --help shows the arguments", p, clean.Line(tool, 40))
		}
		if _, twice := arguments[name]; twice {
			return nil, fmt.Errorf("%s is given twice", name)
		}
		if value == "@-" {
			if readsStdin != "" {
				return nil, fmt.Errorf("%s and %s cannot both be read from standard input: give one of them as @FILE", readsStdin, name)
			}
			readsStdin = name
		}
		value, err := argumentValue(value, stdin)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		arguments[name] = value
	}
	return arguments, nil
}

// misusedCall explains a parse error of call.
func misusedCall(env *environment, args []string, err error) error {
	parser, failed := newParser(grammar(args[:1]), env)
	if failed != nil {
		return err
	}
	words := positionals(parser.Model, args[1:])
	if len(words) == 0 {
		return fmt.Errorf("%w; polt-mcp tools lists them", err)
	}
	flag, isUnknown := strings.CutPrefix(err.Error(), "unknown flag --")
	flag, _, _ = strings.Cut(flag, ",")
	name := strings.ReplaceAll(flag, "-", "_")
	isArgument := func(candidate string) bool { return strings.HasPrefix(candidate, name+"=") }
	if isUnknown && slices.ContainsFunc(toolCandidates(words[:1]), isArgument) {
		return fmt.Errorf("unknown flag --%s: arguments of a tool have no dashes, so give it as %s=VALUE", flag, name)
	}
	return fmt.Errorf("%w (see polt-mcp call --help)", err)
}

// argumentValue returns the value that an argument stands for: @FILE is the text
// of that file.
func argumentValue(given string, stdin io.Reader) (string, error) {
	path, isFile := strings.CutPrefix(given, "@")
	switch {
	case !isFile:
		return given, checkText([]byte(given), "the value")
	case strings.HasPrefix(path, "@"):
		return path, checkText([]byte(path), "the value")
	case path == "":
		return "", errors.New("@ is followed by the name of a file, or - for standard input; @@ is an @")
	case path == "-":
		return readText(stdin, "standard input")
	}
	f, err := os.Open(path) //nolint:gosec // the file is the user's choice
	if err != nil {
		return "", err
	}
	text, err := readText(f, path)
	return text, errors.Join(err, f.Close())
}

// readText reads a text to its end, which may be a newline that does not belong
// to it.
func readText(r io.Reader, from string) (string, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxValue+1))
	switch {
	case err != nil:
		return "", err
	case len(b) > maxValue:
		return "", fmt.Errorf("%s has more than %d bytes, the most that an argument can have", from, maxValue)
	}
	if err := checkText(b, from); err != nil {
		return "", err
	}
	text := strings.TrimPrefix(string(b), "\ufeff") // a byte order mark
	if rest, ok := strings.CutSuffix(text, "\n"); ok {
		text = strings.TrimSuffix(rest, "\r")
	}
	return text, nil
}

// checkText returns an error if a text is not UTF-8: JSON cannot hold it, and
// the characters meant would be lost.
func checkText(b []byte, from string) error {
	if utf8.Valid(b) {
		return nil
	}
	if bytes.HasPrefix(b, []byte("\xff\xfe")) || bytes.HasPrefix(b, []byte("\xfe\xff")) {
		return fmt.Errorf("%s is UTF-16, not UTF-8: convert it, such as with iconv -f UTF-16 -t UTF-8", from)
	}
	at := 0
	for {
		r, size := utf8.DecodeRune(b[at:])
		if r == utf8.RuneError && size <= 1 {
			break
		}
		at += size
	}
	return fmt.Errorf("%s is not UTF-8: the byte at offset %d, 0x%02x, is invalid; convert it, such as with iconv -f LATIN1 -t UTF-8 if that is its encoding", from, at, b[at])
}
