package sandbox_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/polt/sandbox"
)

// writerFile is the variable that makes this test binary a writer: it names the
// file that is written to.
const writerFile = "SANDBOX_TEST_WRITER_FILE"

// writeUntilKilled registers agents without end, and prints the username of
// each once the sandbox has answered.
func writeUntilKilled(path string, out io.Writer) {
	err := func() error {
		s, err := sandbox.Open(context.Background(), sandbox.Options{Path: path, Empty: true})
		if err != nil {
			return err
		}
		for i := 0; ; i++ {
			username := fmt.Sprintf("%d-%d", os.Getpid(), i)
			r, err := http.NewRequest(http.MethodPost, "http://sandbox.invalid/api/auth/register", strings.NewReader(`{"username":"`+username+`"}`))
			if err != nil {
				return err
			}
			r.Header.Set("Content-Type", "application/json")
			resp, err := s.Transport().RoundTrip(r)
			if err != nil {
				return err
			}
			var registration polt.Registration
			err = json.NewDecoder(resp.Body).Decode(&registration)
			if err := errors.Join(err, resp.Body.Close()); err != nil || resp.StatusCode != http.StatusOK {
				return fmt.Errorf("%s: %w", resp.Status, err)
			}
			if _, err := fmt.Fprintln(out, username, registration.APIKey.Reveal()); err != nil {
				return err
			}
		}
	}()
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// TestKill kills a process that writes, at different moments, and looks for
// everything that it was answered.
func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "polt.db")
	answered := map[string]string{} // usernames to keys
	for round := range 5 {
		writer := exec.CommandContext(t.Context(), os.Args[0])
		writer.Env = append(os.Environ(), writerFile+"="+path)
		writer.Stderr = os.Stderr
		out, err := writer.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := writer.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for i := 0; lines.Scan(); i++ {
			username, key, _ := strings.Cut(lines.Text(), " ")
			answered[username] = key
			if i == 20*round {
				// On Unix, SIGKILL. What it has written until then is read on.
				if err := writer.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := writer.Wait(); err == nil || writer.ProcessState.ExitCode() == 1 {
			t.Fatalf("the writer was not killed: %v", err)
		}
	}
	s := open(t, sandbox.Options{Path: path})
	for username, key := range answered {
		if v := call[polt.Verification](t, s, key, "POST", "/api/auth/verify", ""); v.Username != username {
			t.Errorf("the key of %s is %s's", username, v.Username)
		}
	}
	t.Logf("%d writes were answered, and are there", len(answered))
}
