package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// asTerminal returns a stream as the terminal that it is, if it is one.
func asTerminal(stream any) (*os.File, bool) {
	f, ok := stream.(*os.File)
	return f, ok && term.IsTerminal(int(f.Fd()))
}

// prompt asks for a line. It does not read ahead, so that another can be asked
// for.
func (env *environment) prompt(question string) (string, error) {
	if _, err := fmt.Fprint(env.err, question); err != nil {
		return "", err
	}
	var line strings.Builder
	for b := make([]byte, 1); ; {
		n, err := env.in.Read(b)
		if n == 1 && b[0] != '\n' {
			line.WriteByte(b[0])
		}
		if n == 1 && b[0] == '\n' || err != nil && line.Len() > 0 {
			return strings.TrimSpace(line.String()), nil
		}
		if err != nil {
			return "", err
		}
	}
}

// promptSecret asks for a line that is not shown while it is typed. Where nobody
// types, it is the first line of standard input.
func (env *environment) promptSecret(question string) (string, error) {
	f, ok := asTerminal(env.in)
	if !ok {
		line, err := bufio.NewReader(io.LimitReader(env.in, 4096)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		return strings.TrimSpace(line), nil
	}
	// The echo is off before the question is seen: who pastes is quick.
	before, err := term.MakeRaw(int(f.Fd()))
	if err != nil {
		return "", err
	}
	secret, err := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{f, env.err}, "").ReadPassword(question)
	return strings.TrimSpace(secret), errors.Join(err, term.Restore(int(f.Fd()), before))
}

// confirm asks a question that only yes answers.
func (env *environment) confirm(question string) error {
	answer, err := env.prompt(question + " [y/N] ")
	switch strings.ToLower(answer) {
	case "y", "yes":
		return nil
	}
	if err != nil {
		return errors.New("nothing was changed: there was no answer. Use --yes to write without asking")
	}
	return errors.New("nothing was changed")
}
