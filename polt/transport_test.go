package polt_test

import (
	"context"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/openpolt/polt-mcp/polt"
)

// serveTLS starts a platform with HTTP/2 and a certificate of its own.
func serveTLS(t testing.TB, h http.HandlerFunc) *httptest.Server {
	server := httptest.NewUnstartedServer(h)
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes are meant to fail
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

func pemFile(t testing.TB, server *httptest.Server) string {
	path := filepath.Join(t.TempDir(), "ca.pem")
	data := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestHTTP2OverTLSWithCAFile(t *testing.T) {
	server := serveTLS(t, func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			t.Errorf("the platform was spoken to in %s", r.Proto)
		}
		write(w, `{}`)
	})
	client := newClient(t, polt.Options{BaseURL: server.URL, CAFile: pemFile(t, server)})
	for _, one := range unanswered {
		if err := one.call(t.Context(), client); err != nil {
			t.Error(err)
		}
	}
}

func TestUnknownCertificateIsNotTrusted(t *testing.T) {
	server := serveTLS(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	var attempts []polt.Attempt
	client := newClient(t, polt.Options{BaseURL: server.URL, OnAttempt: collect(&attempts)})
	e := wantCode(t, commit(t.Context(), client), polt.CodeUpstreamUnreachable)
	if !strings.Contains(e.Message, "certificate signed by unknown authority") || len(attempts) != 3 {
		t.Errorf("%d attempts: %v", len(attempts), e)
	}
}

func TestCAFileThatCannotBeUsed(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{empty: "has no PEM certificate", empty + ".missing": "cannot be read"} {
		if _, err := polt.NewClient(polt.Options{CAFile: path}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v", path, err)
		}
	}
}

func TestProxyOfTheEnvironment(t *testing.T) {
	var got []string
	throughProxy.Store(new(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Method+" "+r.RequestURI)
		write(w, `{}`)
	})))
	defer throughProxy.Store(nil)
	o := polt.Options{BaseURL: "http://platform.invalid/prefix/"}
	// By default, nothing goes to whom it would show the key.
	err := commit(t.Context(), newClient(t, o))
	if e := failure(t, err); len(got) > 0 || e.Code != polt.CodeUpstreamUnreachable || !strings.HasSuffix(e.Message, "or allow it with --plaintext-proxy") {
		t.Errorf("the proxy got %q, and the error is %v", got, err)
	}
	o.PlaintextProxy = true
	if err := commit(t.Context(), newClient(t, o)); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0] != "POST http://platform.invalid/prefix/api/tasks/42/commit" {
		t.Errorf("the proxy got %q", got)
	}
}

func TestConnectionsAreReused(t *testing.T) {
	const n = 64
	var opened atomic.Int32
	var arrivals sync.WaitGroup
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		arrivals.Done()
		arrivals.Wait() // until all n are in flight at once
		write(w, `{}`)
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	client := newClient(t, polt.Options{BaseURL: server.URL})
	for round := range 4 {
		arrivals.Add(n)
		var calls sync.WaitGroup
		for i := range n {
			calls.Go(func() {
				if err := unanswered[i%2].call(t.Context(), client); err != nil {
					t.Error(err)
				}
			})
		}
		calls.Wait()
		if got := opened.Load(); got != n {
			t.Fatalf("%d connections after round %d, want %d", got, round+1, n)
		}
	}
}

func TestPlatformThatIsDown(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	for _, one := range unanswered {
		synctest.Test(t, func(t *testing.T) { // for the waits between the tries
			var attempts []polt.Attempt
			client := newClient(t, polt.Options{BaseURL: "http://" + address, OnAttempt: collect(&attempts)})
			e := wantCode(t, one.call(t.Context(), client), polt.CodeUpstreamUnreachable)
			if want := "the platform at " + address + " cannot be reached: connection refused"; e.Message != want || !e.Retryable || len(attempts) != 3 {
				t.Errorf("%d attempts: %+v, want %q", len(attempts), *e, want)
			}
		})
	}
}

// The connection of a write breaks after the request has arrived.
func TestWriteWhoseConnectionBreaks(t *testing.T) {
	var arrived atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		arrived.Add(1)
		if body, err := io.ReadAll(r.Body); err != nil || string(body) != `{"submission_content":"done"}` {
			t.Errorf("body is %q, %v", body, err)
		}
		panic(http.ErrAbortHandler)
	}))
	defer server.Close()
	client := newClient(t, polt.Options{BaseURL: server.URL})
	_, err := polt.SubmitWork.Call(t.Context(), client, polt.SubmitWorkInput{TaskID: "42", SubmissionContent: "done"})
	if e := wantCode(t, err, polt.CodeOutcomeUnknown); arrived.Load() != 1 || e.Retryable || !strings.Contains(e.Message, "no complete response arrived: EOF") {
		t.Errorf("it arrived %d times: %+v", arrived.Load(), *e)
	}
}

func TestCancellingReachesThePlatform(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
		close(gone)
	}))
	defer server.Close()
	client := newClient(t, polt.Options{BaseURL: server.URL})
	wantCode(t, commit(ctx, client), polt.CodeOutcomeUnknown)
	<-gone
}
