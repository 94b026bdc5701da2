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

// asTerminal returns a stream's file, and whether it is a terminal.
func asTerminal(stream any) (*os.File, bool) {
	f, ok := stream.(*os.File)
	return f, ok && term.IsTerminal(int(f.Fd()))
}

// prompt asks for a line. It does not read ahead, so it can be called again.
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

// promptSecret asks for a line without echoing it. Without a terminal, it reads
// the first line of standard input.
func (env *environment) promptSecret(question string) (string, error) {
	f, ok := asTerminal(env.in)
	if !ok {
		line, err := bufio.NewReader(io.LimitReader(env.in, 4096)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		return strings.TrimSpace(line), nil
	}
	// Turn the echo off before asking: the user may paste at once.
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

// confirm asks a question and fails unless the answer is yes.
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
