package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/openpolt/polt-mcp/internal/certtest"
)

// drain is how long calls may take at the end in these tests, and slowness how
// long the platform takes once the end has come.
const (
	drain    = 200 * time.Millisecond
	slowness = 3 * drain
)

// slowPlatform answers a request when it is released, or when nobody waits any
// more.
type slowPlatform struct {
	*httptest.Server
	arrived  chan struct{}
	released chan struct{}
}

func newSlowPlatform(t *testing.T, answer string) *slowPlatform {
	p := &slowPlatform{arrived: make(chan struct{}, 10), released: make(chan struct{})}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		p.arrived <- struct{}{}
		select {
		case <-p.released:
		case <-r.Context().Done():
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(p.Close)
	return p
}

// running is a command that runs in this process.
type running struct {
	t     *testing.T
	in    *io.PipeWriter
	out   *bufio.Reader
	end   context.CancelFunc
	hang  chan os.Signal
	ended chan error
}

func runCommand(t *testing.T, args ...string) *running {
	t.Helper()
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	ctx, end := context.WithCancel(context.Background())
	r := &running{t: t, in: inW, out: bufio.NewReader(outR), end: end, hang: make(chan os.Signal, 1), ended: make(chan error, 1)}
	environment := map[string]string{"POLT_API_KEY": "polt_of_the_test", "POLT_STORE": "file"}
	if args[len(args)-1] == "no key" {
		args = args[:len(args)-1]
		delete(environment, "POLT_API_KEY")
	}
	go func() {
		err := run(withHangups(ctx, r.hang), args, func(name string) string { return environment[name] }, inR, outW, io.Discard)
		_ = outW.Close()
		r.ended <- err
	}()
	t.Cleanup(func() { end(); _ = inW.Close() })
	return r
}

func (r *running) line() string {
	r.t.Helper()
	line, err := r.out.ReadString('\n')
	if err != nil {
		r.t.Fatal(err)
	}
	return line
}

func (r *running) wait() {
	r.t.Helper()
	select {
	case err := <-r.ended:
		if err != nil {
			r.t.Error(err)
		}
	case <-time.After(20 * time.Second):
		r.t.Fatal("it did not end")
	}
}

func toolCall(tool, arguments string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":%q,"arguments":%s}}`+"\n", tool, arguments)
}

const (
	registration = `{"agent_id":"a-1","api_key":"polt_new_of_ada"}`
	registers    = `{"username":"ada","display_name":"Ada","bio":"b"}`
)

// The key that a registration gets cannot be had again.
func TestRegistrationInFlightAtTheEndIsNotLost(t *testing.T) {
	t.Run("stdio", func(t *testing.T) {
		platform := newSlowPlatform(t, registration)
		credentials := filepath.Join(t.TempDir(), "credentials.json")
		r := runCommand(t, "stdio", "--api-url", platform.URL, "--credentials", credentials, "--drain", drain.String(), "no key")
		if _, err := io.WriteString(r.in, toolCall("register_agent", registers)); err != nil {
			t.Fatal(err)
		}
		<-platform.arrived
		r.end()
		time.AfterFunc(slowness, func() { close(platform.released) })
		if answer := r.line(); !strings.Contains(answer, "credentials_file") {
			t.Errorf("answered %s", answer)
		}
		r.wait()
		if stored, err := os.ReadFile(credentials); err != nil || !strings.Contains(string(stored), "polt_new_of_ada") {
			t.Errorf("%v: %s", err, stored)
		}
	})
	t.Run("http", func(t *testing.T) {
		platform := newSlowPlatform(t, registration)
		r := runCommand(t, "http", "--addr", "127.0.0.1:0", "--api-url", platform.URL, "--drain", drain.String(), "no key")
		url := strings.TrimSpace(strings.TrimPrefix(r.line(), "polt-mcp on "))
		answer := make(chan string, 1)
		go func() {
			resp, err := http.Post(url, "application/json", strings.NewReader(toolCall("register_agent", registers)))
			if err != nil {
				answer <- err.Error()
				return
			}
			defer resp.Body.Close()
			body, _ := io.ReadAll(resp.Body)
			answer <- string(body)
		}()
		<-platform.arrived
		r.end()
		time.AfterFunc(slowness, func() { close(platform.released) })
		if got := <-answer; !strings.Contains(got, "polt_new_of_ada") {
			t.Errorf("answered %s", got)
		}
		r.wait()
	})
}

func TestHangupEndsASessionWithTheOutcomesOfItsWrites(t *testing.T) {
	platform := newSlowPlatform(t, `{}`)
	journal := filepath.Join(t.TempDir(), "journal")
	r := runCommand(t, "stdio", "--api-url", platform.URL, "--journal", journal, "--drain", drain.String())
	if _, err := io.WriteString(r.in, toolCall("commit_to_task", `{"task_id":"t-1"}`)); err != nil {
		t.Fatal(err)
	}
	<-platform.arrived
	r.hang <- syscall.SIGHUP
	if answer := r.line(); !strings.Contains(answer, "outcome_unknown") {
		t.Errorf("answered %s", answer)
	}
	r.wait()
	if lines, err := os.ReadFile(journal); err != nil || !strings.Contains(string(lines), `"outcome":"outcome_unknown"`) {
		t.Errorf("%v: %s", err, lines)
	}
}

func TestHangupReopensTheLogOfAServer(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	r := runCommand(t, "http", "--addr", "127.0.0.1:0", "--sandbox", "--log-file", log, "--log-level", "info")
	r.line()
	if err := os.Rename(log, log+".1"); err != nil {
		t.Fatal(err)
	}
	r.hang <- syscall.SIGHUP
	awaitInFile(t, log, "reopened the log file")
	r.end()
	r.wait()
}

// awaitInFile waits until a file has a text.
func awaitInFile(t *testing.T, path, want string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; runtime.Gosched() {
		text, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(text), want) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("there is no %q: %v %s", want, err, text)
		}
	}
}

func TestHangupReloadsTheCertificateOfAServer(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := certtest.Write(t, dir, 1)
	log := filepath.Join(dir, "log")
	r := runCommand(t, "sse", "--addr", "127.0.0.1:0", "--sandbox", "--tls-cert", certFile, "--tls-key", keyFile, "--log-file", log, "--log-level", "info")
	url, err := url.Parse(strings.TrimSpace(strings.TrimPrefix(r.line(), "polt-mcp on ")))
	if err != nil || url.Scheme != "https" {
		t.Fatal(url, err)
	}
	serial := func() int64 {
		t.Helper()
		conn, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}).DialContext(t.Context(), "tcp", url.Host)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	if got := serial(); got != 1 {
		t.Errorf("certificate %d", got)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Get("https://" + url.Host + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	metrics, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || !regexp.MustCompile(`(?m)^polt_mcp_tls_certificate_expiry_timestamp_seconds [0-9]`).Match(metrics) {
		t.Errorf("%v: the metrics do not say when it expires", err)
	}
	certtest.Write(t, dir, 2)
	r.hang <- syscall.SIGHUP
	awaitInFile(t, log, "reloaded the TLS certificate")
	if got := serial(); got != 2 {
		t.Errorf("after SIGHUP, certificate %d", got)
	}
	if err := os.WriteFile(certFile, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.hang <- syscall.SIGHUP
	awaitInFile(t, log, "cannot reload the TLS certificate: still using the previous one")
	if got := serial(); got != 2 {
		t.Errorf("with one that is none, certificate %d", got)
	}
	r.end()
	r.wait()
}

func TestSessionLogsItsStartAndWhyItEnds(t *testing.T) {
	for want, end := range map[string]func(*running){
		"end of input":           func(r *running) { _ = r.in.Close() },
		"hangup signal received": func(r *running) { r.hang <- syscall.SIGHUP },
		"context canceled":       func(r *running) { r.end() },
	} {
		t.Run(want, func(t *testing.T) {
			log := filepath.Join(t.TempDir(), "log")
			r := runCommand(t, "stdio", "--sandbox", "--log-file", log, "--log-level", "info")
			awaitInFile(t, log, `"platform":"sandbox"`)
			end(r)
			r.wait()
			awaitInFile(t, log, fmt.Sprintf(`"reason":%q`, want))
		})
	}
}
