package hosts

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// A System is what the places of files depend on.
type System struct {
	// OS is an operating system as runtime.GOOS names it.
	OS string
	// Home is the user's home directory.
	Home string
	// Getenv returns an environment variable.
	Getenv func(string) string
	// LookPath finds a program; nil finds none.
	LookPath func(string) (string, error)
}

// ThisSystem returns the system that this process runs on.
func ThisSystem(getenv func(string) string) (System, error) {
	home, err := os.UserHomeDir()
	return System{OS: runtime.GOOS, Home: home, Getenv: getenv, LookPath: exec.LookPath}, err
}

// join joins the elements of a path as the system does.
func (s System) join(elements ...string) string {
	separator := "/"
	if s.OS == "windows" {
		separator = `\`
	}
	return strings.Join(elements, separator)
}

// home returns a path below the home directory.
func (s System) home(elements ...string) string {
	return s.join(append([]string{s.Home}, elements...)...)
}

// below returns a path below the directory that a variable names, or, where it
// is not set, below one in the home directory.
func (s System) below(variable, otherwise string, elements ...string) string {
	if dir := s.Getenv(variable); dir != "" {
		return s.join(append([]string{dir}, elements...)...)
	}
	return s.home(append([]string{otherwise}, elements...)...)
}

// config returns a path in the directory where desktop applications keep their
// configuration.
func (s System) config(elements ...string) string {
	switch s.OS {
	case "windows":
		if dir := s.Getenv("APPDATA"); dir != "" {
			return s.join(append([]string{dir}, elements...)...)
		}
		return s.home(append([]string{"AppData", "Roaming"}, elements...)...)
	case "darwin":
		return s.home(append([]string{"Library", "Application Support"}, elements...)...)
	}
	return s.xdg(elements...)
}

// xdg returns a path in the configuration directory of the XDG specification,
// which some programs use on every system.
func (s System) xdg(elements ...string) string {
	return s.below("XDG_CONFIG_HOME", ".config", elements...)
}
