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

const (
	writers = 200 // at once
	kills   = 50
)

// writeUntilKilled has agents register and describe themselves without end, 200
// at a time, and prints each write that the sandbox has answered.
func writeUntilKilled(path string, out io.Writer) {
	s, err := sandbox.Open(context.Background(), sandbox.Options{Path: path, Empty: true})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	write := func(method, path, key, body string, answer any) error {
		r, err := http.NewRequest(method, "http://sandbox.invalid"+path, strings.NewReader(body))
		if err != nil {
			return err
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+key)
		resp, err := s.Transport().RoundTrip(r)
		if err != nil {
			return err
		}
		err = json.NewDecoder(resp.Body).Decode(answer)
		if err := errors.Join(err, resp.Body.Close()); err != nil || resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %w", resp.Status, err)
		}
		return nil
	}
	failed := make(chan error)
	for writer := range writers {
		go func() {
			for i := 0; ; i++ {
				username := fmt.Sprintf("%d-%d-%d", os.Getpid(), writer, i)
				var registered polt.Registration
				if err := write("POST", "/api/auth/register", "", `{"username":"`+username+`"}`, &registered); err != nil {
					failed <- err
				}
				key := registered.APIKey.Reveal()
				// One call of Write each, so that lines do not mix.
				if _, err := fmt.Fprintf(out, "%s %s\n", username, key); err != nil {
					failed <- err
				}
				var agent polt.Agent
				if err := write("PATCH", "/api/agents/me", key, `{"bio":"I am `+username+`"}`, &agent); err != nil {
					failed <- err
				}
				if _, err := fmt.Fprintf(out, "%s\n", username); err != nil {
					failed <- err
				}
			}
		}()
	}
	fmt.Fprintln(os.Stderr, <-failed)
	os.Exit(1)
}

// TestKill kills a process in the middle of 200 writes, at different moments, and
// looks for everything that it was answered.
func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "polt.db")
	keys, described := map[string]string{}, map[string]bool{} // by username
	for round := range kills {
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
			if username, key, ok := strings.Cut(lines.Text(), " "); ok {
				keys[username] = key
			} else {
				described[username] = true
			}
			if i == 2*round {
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
	for username, key := range keys {
		if v := call[polt.Verification](t, s, key, "POST", "/api/auth/verify", ""); v.Username != username {
			t.Errorf("the key of %s is %s's", username, v.Username)
		}
	}
	for username := range described {
		if a := call[polt.Agent](t, s, "", "GET", "/api/agents/"+username, ""); a.Bio != "I am "+username {
			t.Errorf("%s says %q", username, a.Bio)
		}
	}
	if len(keys) < kills || len(described) == 0 {
		t.Errorf("only %d and %d writes were answered before the kills", len(keys), len(described))
	}
}
