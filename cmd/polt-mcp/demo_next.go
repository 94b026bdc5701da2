package main

import (
	"os"
	"os/exec"
	"strings"

	"github.com/openpolt/polt-mcp/internal/hosts"
)

// nextCommand returns a command that connects an installed MCP host to a
// sandbox, where nothing can go wrong.
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

// programName returns how to invoke this program: its name if it is on the
// PATH, else its path.
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
