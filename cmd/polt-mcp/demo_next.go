package main

import (
	"os"
	"os/exec"
	"strings"

	"github.com/openpolt/polt-mcp/internal/hosts"
)

// nextCommand returns the command that connects a host: one that is found on
// this machine, with a sandbox, as nothing can go wrong there.
func nextCommand(env *environment) string {
	name := "claude-code"
	if sys, err := hosts.ThisSystem(env.getenv); err == nil {
		for _, h := range hosts.All() {
			if h.Installed(sys) {
				name = h.Name
				break
			}
		}
	}
	command := programName() + " install " + name + " --sandbox"
	if self, err := os.Executable(); err == nil && isTemporary(self) {
		command = "go install ./cmd/polt-mcp && " + command
	}
	return command
}

// programName returns how this program is called: by its name where the shell
// finds it, else by its path.
func programName() string {
	self, err := os.Executable()
	if err != nil || isTemporary(self) {
		return "polt-mcp"
	}
	if found, err := exec.LookPath("polt-mcp"); err == nil && sameFile(found, self) {
		return "polt-mcp"
	}
	if strings.ContainsRune(self, ' ') {
		return `"` + self + `"`
	}
	return self
}
