package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/openpolt/polt-mcp/internal/hosts"
)

// checkHosts reports the installed MCP hosts and which of them have this
// server.
func checkHosts(ctx context.Context, env *environment, all *findings) {
	const about = "Hosts"
	sys, err := hosts.ThisSystem(env.getenv)
	if err != nil {
		all.add(about, doubt, err.Error(), "")
		return
	}
	found := false
	for _, h := range hosts.All() {
		if !h.Installed(sys) {
			continue
		}
		found = true
		path := h.Path(sys)
		src, err := hosts.Read(path)
		var servers []hosts.Server
		if err == nil {
			servers, err = h.Servers(src)
		}
		if err != nil {
			all.add(about, doubt, fmt.Sprintf("%s: %s: %v", h.Title, path, err), "check the file: "+h.Title+" may not be able to read it either")
			continue
		}
		if len(servers) == 0 {
			all.add(about, good, h.Title+" is installed, without this server", "to connect it: polt-mcp install "+h.Name)
		}
		for _, s := range servers {
			checkEntry(ctx, h, s, all)
		}
	}
	if !found {
		all.add(about, doubt, "no known MCP host was found", "polt-mcp install --list names them")
	}
}

// checkEntry reports whether a host can start its configured server.
func checkEntry(ctx context.Context, h *hosts.Host, s hosts.Server, all *findings) {
	const about = "Hosts"
	name := fmt.Sprintf("%s has the server %s", h.Title, s.Name)
	reinstall := "polt-mcp install " + h.Name
	if s.Name != "polt" {
		reinstall += " --name " + s.Name
	}
	if s.URL != "" {
		all.add(about, good, name+", at "+s.URL, "")
		return
	}
	path, err := exec.LookPath(s.Command)
	if err != nil {
		all.add(about, broken, fmt.Sprintf("%s, but cannot start it: %v", name, err), reinstall)
		return
	}
	if base := strings.TrimSuffix(strings.ToLower(filepath.Base(path)), ".exe"); base != "polt-mcp" {
		all.add(about, good, name+", which it starts with "+s.Command, "")
		return
	}
	is, err := versionOf(ctx, path)
	switch {
	case err != nil:
		all.add(about, broken, fmt.Sprintf("%s, but %s does not run: %v", name, path, err), reinstall)
	case is != version():
		all.add(about, doubt, fmt.Sprintf("%s of version %s, but this is %s: %s", name, is, version(), path), reinstall+", to have it start this one")
	default:
		all.add(about, good, fmt.Sprintf("%s of version %s: %s", name, is, path), "")
	}
}

// versionOf returns the version of another polt-mcp binary.
func versionOf(ctx context.Context, path string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, "version").Output()
	if err != nil {
		return "", err
	}
	words := strings.Fields(string(out))
	if len(words) < 2 || words[0] != "polt-mcp" {
		return "", fmt.Errorf("it does not say its version")
	}
	return words[1], nil
}
