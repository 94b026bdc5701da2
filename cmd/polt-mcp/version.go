package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// release is set by the linker for a release: -ldflags "-X main.release=1.2.3".
var release string

// version returns the program's version.
func version() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && strings.HasPrefix(info.Main.Version, "v") {
		return strings.TrimPrefix(info.Main.Version, "v")
	}
	return "0.1.0-dev"
}

type versionCommand struct{}

// Run prints the version and build information.
func (versionCommand) Run(env *environment) error {
	text := fmt.Sprintf("polt-mcp %s %s %s/%s", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	if info, ok := debug.ReadBuildInfo(); ok {
		settings := map[string]string{}
		for _, s := range info.Settings {
			settings[s.Key] = s.Value
		}
		if commit := settings["vcs.revision"]; commit != "" {
			if settings["vcs.modified"] == "true" {
				commit += " with changes"
			}
			text += fmt.Sprintf(", commit %s of %s", commit, settings["vcs.time"])
		}
	}
	_, err := fmt.Fprintln(env.out, text)
	return err
}
