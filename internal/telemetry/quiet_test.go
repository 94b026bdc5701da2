package telemetry_test

import (
	"io"
	"log"
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestOneLineIsKeptOff(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func(was *os.File) { os.Stderr = was }(os.Stderr)
	os.Stderr = w
	log.Print("INFO: metrics: disable exposing PSI metrics because of failed init: open cpu.pressure")
	log.Print("http: panic serving")
	w.Close()
	got, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(got), "PSI") || !strings.HasSuffix(string(got), " http: panic serving\n") {
		t.Errorf("logged %q", got)
	}
}

// TestBeginsInTime has this program tell in which order its packages began.
func TestBeginsInTime(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	quiet := strings.Index(string(out), "init github.com/openpolt/polt-mcp/internal/telemetry/quiet ")
	library := strings.Index(string(out), "init github.com/VictoriaMetrics/metrics ")
	if quiet < 0 || library < quiet {
		t.Errorf("began too late\n%s", out)
	}
}
