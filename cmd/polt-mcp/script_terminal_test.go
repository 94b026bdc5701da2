package main

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/creack/pty"
	"github.com/rogpeppe/go-internal/testscript"
)

// terminal runs polt-mcp in a terminal of so many columns, types what is in a
// file once something is asked, and ends its input.
func terminal(ts *testscript.TestScript, neg bool, args []string) {
	columns, err := strconv.ParseUint(args[0], 10, 16)
	ts.Check(err)
	var program string
	for dir := range strings.SplitSeq(ts.Getenv("PATH"), string(os.PathListSeparator)) {
		if path := filepath.Join(dir, "polt-mcp"); program == "" {
			if _, err := os.Stat(path); err == nil {
				program = path
			}
		}
	}
	cmd := exec.Command(program, args[2:]...)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"PATH", "HOME", "XDG_CONFIG_HOME", "TERM", "NO_COLOR", "POLT_STORE", "TMPDIR"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	side, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 40, Cols: uint16(columns)})
	ts.Check(err)
	defer side.Close()
	hung := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
	defer hung.Stop()
	input := ts.ReadFile(args[1])
	var seen []byte
	for b := make([]byte, 4096); ; {
		n, err := side.Read(b)
		seen = append(seen, b[:n]...)
		if input != "" && n > 0 { // it has begun, and asks
			_, writeErr := io.WriteString(side, input)
			ts.Check(writeErr)
			input = ""
		}
		if err != nil {
			break // the other side is closed
		}
	}
	_, err = ts.Stdout().Write([]byte(strings.ReplaceAll(string(seen), "\r\n", "\n")))
	ts.Check(err)
	var exit *exec.ExitError
	if err := cmd.Wait(); errors.As(err, &exit) != neg {
		ts.Fatalf("it ends with %v: %s", err, seen)
	}
}
