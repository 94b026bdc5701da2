package main_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/flock"
)

// A registrar is a platform that registers agents, and tells when a request has
// come and when its answer has been written.
type registrar struct {
	*httptest.Server
	arrived, answered chan struct{}
	hold              chan struct{} // what an answer waits for
}

func newRegistrar(t *testing.T) *registrar {
	p := &registrar{arrived: make(chan struct{}), answered: make(chan struct{}), hold: make(chan struct{})}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.Header.Get("Authorization") != "" {
			_, _ = fmt.Fprintf(w, `{"valid":%v}`, r.Header.Get("Authorization") == "Bearer "+issuedKey)
			return
		}
		p.arrived <- struct{}{}
		<-p.hold
		w.Header().Set("Content-Length", fmt.Sprint(len(registeredAnswer)))
		_, _ = io.WriteString(w, registeredAnswer)
		_ = http.NewResponseController(w).Flush()
		p.answered <- struct{}{}
	}))
	t.Cleanup(p.Close)
	return p
}

const (
	issuedKey        = "polt_0123456789abcdef0123456789abcdef"
	registeredAnswer = `{"agent_id":"7a1d","api_key":"` + issuedKey + `"}`
)

// TestKillWhileRegistering kills a server at each step of a registration, from
// the request to the answer, and at many moments between the platform's answer
// and its own: the credentials file is whole at any time; a key that the client
// was told is stored is there; and the next server has it, and tidies up.
func TestKillWhileRegistering(t *testing.T) {
	command := build(t, ".")
	const between = 20
	stored, told := 0, 0
	for i := range between + 4 {
		p := newRegistrar(t)
		dir := t.TempDir()
		file := filepath.Join(dir, "credentials.json")
		before := fmt.Sprintf(`{"version":1,"platforms":{"https://other.example":{"active":"grace","agents":{"grace":{"api_key":"polt_%032d"}}}}}`, i)
		if err := os.WriteFile(file, []byte(before), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := polt(t, command, "stdio", "--api-url", p.URL, "--credentials", file, "--store", "file")
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(in, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"register_agent","arguments":{"username":"ada"}}}`+"\n")
		lines := bufio.NewReader(out)
		kill := func() {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		lock := flock.New(file + ".lock")
		var answer []byte
		switch step := i - between; step {
		case 0: // the request has come, and is not answered
			<-p.arrived
			kill()
			close(p.hold)
			<-p.answered
		case 1: // the answer has come, and the file is held by another process
			if _, err := lock.TryLock(); err != nil {
				t.Fatal(err)
			}
			<-p.arrived
			close(p.hold)
			<-p.answered
			kill()
			if err := lock.Unlock(); err != nil {
				t.Fatal(err)
			}
		case 2: // it has answered
			<-p.arrived
			close(p.hold)
			<-p.answered
			answer, _ = lines.ReadBytes('\n')
			kill()
		case 3: // it has answered, and ends
			<-p.arrived
			close(p.hold)
			<-p.answered
			_ = in.Close()
			answer, _ = lines.ReadBytes('\n')
			kill()
		default: // at some moment after the platform's answer
			<-p.arrived
			close(p.hold)
			<-p.answered
			<-time.After(time.Duration(i) * 100 * time.Microsecond)
			kill()
		}
		rest, _ := io.ReadAll(lines)
		answer = append(answer, rest...)
		_ = cmd.Wait()

		has := wantCredentials(t, file, before)
		if bytes.Contains(answer, []byte("the API key is stored")) {
			if told++; !has {
				t.Errorf("step %d: the client was told that the key is stored, and it is not", i)
			}
		} else if i >= between+2 {
			t.Errorf("step %d: the answer is %s", i, answer)
		}
		if has {
			stored++
		}
		// The next one reads what is there, and leaves nothing lying about.
		next := polt(t, command, "call", "verify_key", "--api-url", p.URL, "--credentials", file, "--store", "file")
		said, _ := next.CombinedOutput()
		if want := map[bool]string{true: "valid: true", false: "there is none"}[has]; !strings.Contains(string(said), want) {
			t.Errorf("step %d: with a key: %v; the next one says %s", i, has, said)
		}
		left, err := filepath.Glob(filepath.Join(dir, ".*.polt-mcp-new"))
		if err != nil || len(left) > 0 {
			t.Errorf("step %d: %v is left", i, left)
		}
	}
	if stored < 2 || told < 2 || stored < told {
		t.Errorf("stored %d times and told %d times", stored, told)
	}
}

// wantCredentials checks that the file has what it had before, and reports
// whether it has the new agent's key, too.
func wantCredentials(t *testing.T, file, before string) bool {
	t.Helper()
	type credentials struct {
		Platforms map[string]struct {
			Agents map[string]struct {
				Key string `json:"api_key"`
			}
		}
	}
	var was, is credentials
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(before), &was); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &is); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	const other = "https://other.example"
	if was.Platforms[other].Agents["grace"] != is.Platforms[other].Agents["grace"] {
		t.Errorf("a key that was there before is lost: %s", b)
	}
	for url, p := range is.Platforms {
		if url != other && p.Agents["ada"].Key == issuedKey {
			return true
		}
	}
	return false
}
