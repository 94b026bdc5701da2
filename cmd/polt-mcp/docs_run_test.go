package main_test

import (
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openpolt/polt-mcp/internal/doctest"
)

// TestDocumentedCommandsRun runs every command in the documentation that a
// reader can copy as it is, those of a block in one home and sandbox. What would reach POLT reaches a sandbox, and what
// serves is ended once it says where.
func TestDocumentedCommandsRun(t *testing.T) {
	t.Parallel()
	program := build(t, ".")
	ran := 0
	for _, d := range doctest.Documents(t, filepath.Join("..", "..")) {
		for _, block := range d.Commands(t) {
			block = slices.DeleteFunc(block, func(c doctest.Command) bool { return c.IsTemplate() })
			if len(block) == 0 {
				continue
			}
			ran += len(block)
			t.Run(d.Path+" "+block[0].String(), func(t *testing.T) {
				t.Parallel()
				home, platform := t.TempDir(), startSandbox(t, program)
				writeFixtures(t, home)
				for _, c := range block { // one after the other, as a reader does
					runDocumented(t, program, platform, home, c)
				}
			})
		}
	}
	if ran < 20 {
		t.Errorf("only %d commands were run", ran)
	}
}

func runDocumented(t *testing.T, program, platform, home string, c doctest.Command) {
	args := slices.Clone(c.Args)
	var serves string
	switch {
	case args[0] == "http", args[0] == "sse":
		serves = `polt-mcp on https?://\S+`
	case args[0] == "sandbox":
		serves = `POLT sandbox on http://\S+`
	case slices.Contains(args, "--board"):
		serves = `Open http://\S+/board`
	case args[0] == "install" && len(args) > 1 && args[1] != "--list":
		args = append(args, "--yes") // there is nobody to ask
	}
	if serves != "" {
		args = append(args, "--addr=127.0.0.1:0")
	}
	cmd := polt(t, program, args...)
	cmd.Dir = home
	cmd.Env = []string{"HOME=" + home, "XDG_CONFIG_HOME=" + filepath.Join(home, ".config")}
	if args[0] != "install" { // which writes the variables that it finds
		cmd.Env = append(cmd.Env, "POLT_API_URL="+platform)
	}
	for _, v := range c.Env {
		if name, value, _ := strings.Cut(v, "="); strings.HasPrefix(value, "http://127.0.0.1:") {
			v = name + "=" + platform
		}
		cmd.Env = append(cmd.Env, v)
	}
	p := start(t, cmd)
	if serves != "" {
		p.prints(serves, 0)
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.wait(time.Minute); err != nil {
		t.Errorf("%s: %s: %v\n%s", c.Path, c.String(), err, p.output.String())
	}
}

// writeFixtures writes the files that commands in the documentation name.
func writeFixtures(t *testing.T, dir string) {
	t.Helper()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	certificate := server.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{
		"cert.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]}),
		"key.pem":  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
