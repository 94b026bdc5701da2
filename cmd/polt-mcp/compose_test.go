package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"
)

// composeService is what the compose file says of a service; a key that is not
// here is refused, since nothing would check it.
type composeService struct {
	Image           string            `json:"image"`
	Build           map[string]string `json:"build"`
	Restart         string            `json:"restart"`
	ReadOnly        bool              `json:"read_only"`
	CapDrop         []string          `json:"cap_drop"`
	SecurityOpt     []string          `json:"security_opt"`
	Logging         any               `json:"logging"`
	Profiles        []string          `json:"profiles"`
	Command         []string          `json:"command"`
	Environment     map[string]string `json:"environment"`
	Ports           []string          `json:"ports"`
	MemLimit        string            `json:"mem_limit"`
	StopGracePeriod string            `json:"stop_grace_period"`
}

func TestComposeFileAgreesWithTheCommand(t *testing.T) {
	dir := filepath.Join("..", "..", "deploy", "compose")
	text, err := os.ReadFile(filepath.Join(dir, "compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Name     string                    `json:"name"`
		Hardened composeService            `json:"x-hardened"`
		Services map[string]composeService `json:"services"`
	}
	if err := yaml.UnmarshalStrict(text, &file); err != nil {
		t.Fatal(err)
	}
	for name, s := range file.Services {
		if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s may write, or has privileges to gain", name)
		}
		if _, err := os.Stat(filepath.Join(dir, s.Build["context"], s.Build["dockerfile"])); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, port := range s.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s is open to the network at %s, without TLS", name, port)
			}
		}
	}

	server, ok := file.Services["polt-mcp"]
	if !ok {
		t.Fatal("there is no service polt-mcp")
	}
	if token := server.Environment["POLT_CALLER_TOKEN"]; !strings.HasPrefix(token, "${POLT_CALLER_TOKEN:?") {
		t.Errorf("it starts without a caller token: %s", token)
	}
	command := parseHTTP(t, server.Command)
	for _, addr := range []string{command.Addr, command.AdminAddr} {
		_, port, _ := strings.Cut(addr, ":")
		if portOf(t, addr); !slices.Contains(server.Ports, "127.0.0.1:"+port+":"+port) {
			t.Errorf("%s is not among the ports %v", addr, server.Ports)
		}
	}
	if grace, err := time.ParseDuration(server.StopGracePeriod); err != nil || grace <= command.Drain+command.ShutdownDelay {
		t.Errorf("it is killed after %s, and takes up to %s to end", grace, command.Drain+command.ShutdownDelay)
	}
	if command.Drain <= command.Timeout {
		t.Errorf("calls may take %s, and are cut off after %s", command.Timeout, command.Drain)
	}

	sandbox := file.Services["sandbox"]
	parser, err := newParser(&commands{}, &environment{getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	if parsed, err := parser.Parse(sandbox.Command); err != nil || parsed.Command() != "sandbox" {
		t.Errorf("%q: %v", sandbox.Command, err)
	}
	if len(sandbox.Profiles) == 0 {
		t.Error("the sandbox starts without being asked for")
	}
}
