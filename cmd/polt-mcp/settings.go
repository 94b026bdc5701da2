package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// knownVariables returns the names of all environment variables that are
// settings.
func knownVariables(env *environment) []string {
	known := []string{"POLT_API_KEY"}
	parser, err := newParser(&commands{}, &environment{getenv: env.getenv, out: io.Discard, err: io.Discard})
	if err != nil {
		return known
	}
	for _, command := range parser.Model.Leaves(false) {
		for _, f := range command.Flags {
			if name := variable(f.Value); name != "" && !slices.Contains(known, name) {
				known = append(known, name)
			}
		}
	}
	return known
}

// warnOfUnknownVariables warns of variables that look like settings but are
// unknown: a misspelt limit would go unnoticed until it is needed. It checks
// the command's own settings first, because collecting all takes time.
func warnOfUnknownVariables(env *environment, command *kong.Node) {
	if command == nil || command.Hidden || command.Name == "doctor" { // the doctor reports them itself
		return
	}
	var known []string
	for _, v := range os.Environ() {
		name, value, _ := strings.Cut(v, "=")
		if !strings.HasPrefix(name, "POLT_") || value == "" || name == "POLT_API_KEY" || isSettingOf(command, name) {
			continue
		}
		if known == nil {
			known = knownVariables(env)
		}
		if !slices.Contains(known, name) {
			_, _ = fmt.Fprintf(env.err, "polt-mcp: %s is not a setting, and is ignored%s\n", name, didYouMean(name, known))
		}
	}
}

func isSettingOf(command *kong.Node, name string) bool {
	return slices.ContainsFunc(command.Flags, func(f *kong.Flag) bool { return variable(f.Value) == name })
}
