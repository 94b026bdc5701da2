// Package hosts knows the MCP hosts: where each keeps its configuration, in
// which format, and what an entry for a server looks like in it. It edits these
// files and leaves everything else in them as it is, byte for byte.
package hosts

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A Server is an MCP server as a host is to start or to reach it.
type Server struct {
	// Name is what the host calls it, such as polt.
	Name string
	// Command and Args start it over stdio. They are ignored where URL is set.
	Command string
	Args    []string
	// URL is where it serves streamable HTTP; "" is a server over stdio.
	URL string
	// KeyVariable names the environment variable whose value the host sends as
	// bearer token to URL; "" sends none.
	KeyVariable string
}

// A Host is an application that runs MCP servers.
type Host struct {
	// Name is what a user calls it on the command line, such as claude-code.
	Name string
	// Title is its own name.
	Title string

	format    format
	container string                        // the member of its file that holds the servers
	paths     func(System) []string         // where the user's file may be; the first is the default
	project   string                        // its file in a project, with slashes; "" has none
	markers   func(System) []string         // what exists only where the host is installed
	programs  []string                      // its commands
	entry     func(Server) (entry, error)   // the entry, in the order that the host itself writes
	notes     func(s Server) (all []string) // what a user should know; nil is nothing
	check     string                        // the command that lists the host's servers; "" has none
}

// An entry is the members of a server's entry, in order.
type entry []field

type field struct {
	name  string
	value any // string, bool, int, []string or entry
	// optional says that a value that is there already stays.
	optional bool
}

// All returns the hosts, in the order in which they are listed.
func All() []*Host { return table }

// Find returns the host of a name.
func Find(name string) (*Host, bool) {
	i := slices.IndexFunc(table, func(h *Host) bool { return h.Name == strings.ToLower(name) })
	if i < 0 {
		return nil, false
	}
	return table[i], true
}

// Names returns the names of all hosts.
func Names() []string {
	names := make([]string, len(table))
	for i, h := range table {
		names[i] = h.Name
	}
	return names
}

// Path returns where the host keeps the user's servers: the first of its files
// that exists, or else where it would make one.
func (h *Host) Path(sys System) string {
	paths := h.paths(sys)
	for _, path := range paths {
		if exists(path) {
			return path
		}
	}
	return paths[0]
}

// ProjectPath returns where the host looks for servers in a project, or "" if
// it does not.
func (h *Host) ProjectPath(dir string) string {
	if h.project == "" {
		return ""
	}
	return filepath.Join(dir, filepath.FromSlash(h.project))
}

// Installed reports whether the host seems to be on this machine.
func (h *Host) Installed(sys System) bool {
	for _, program := range h.programs {
		if sys.LookPath != nil {
			if _, err := sys.LookPath(program); err == nil {
				return true
			}
		}
	}
	places := h.paths(sys)
	if h.markers != nil {
		places = append(places, h.markers(sys)...)
	}
	return slices.ContainsFunc(places, exists)
}

// Notes returns what the user of the host should know of the server.
func (h *Host) Notes(s Server) []string {
	if h.notes == nil {
		return nil
	}
	return h.notes(s)
}

// Check says how a user sees that the host has the server.
func (h *Host) Check() string {
	if h.check == "" {
		return "Restart " + h.Title + " if it is running, to have it load the server."
	}
	return "To check: " + h.check
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
