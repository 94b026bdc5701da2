package polt_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/openpolt/polt-mcp/polt"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

const (
	testSecret = "polt_0123456789abcdef"
	// testPrefix is a path in the base URL, so that every test shows that
	// nothing is sent beside it.
	testPrefix = "/behind/a/proxy"
)

// throughProxy answers what reaches the proxy of the environment: nil for
// nobody is expected there. net/http reads the environment once only.
var throughProxy atomic.Pointer[http.HandlerFunc]

func TestMain(m *testing.M) {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h := throughProxy.Load(); h != nil {
			(*h)(w, r)
			return
		}
		panic("a request that no test expects reached the proxy: " + r.RequestURI)
	}))
	for _, name := range []string{"HTTP_PROXY", "http_proxy"} {
		os.Setenv(name, proxy.URL)
	}
	for _, name := range []string{"NO_PROXY", "no_proxy", "REQUEST_METHOD"} {
		os.Unsetenv(name)
	}
	code := m.Run()
	proxy.Close()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// setup starts a platform and returns a client of it. A request that the test
// has no handler for fails the test.
func setup(t testing.TB) (*polt.Client, *http.ServeMux) {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("unexpected request: %s %s", r.Method, r.RequestURI)
		http.Error(w, "unexpected", http.StatusTeapot)
	})
	return newClient(t, polt.Options{BaseURL: serve(t, mux)}), mux
}

// serve starts a platform that answers with h and returns its base URL.
func serve(t testing.TB, h http.Handler) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.RequestURI, testPrefix+"/api/") {
			t.Errorf("request beside the base URL: %s %s", r.Method, r.RequestURI)
		}
		http.StripPrefix(testPrefix, h).ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL + testPrefix
}

// newClient returns a client with the test's key, unless o has another.
func newClient(t testing.TB, o polt.Options) *polt.Client {
	t.Helper()
	if o.Key.IsZero() {
		o.Key = testKey(t)
	}
	client, err := polt.NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	return client
}

func testKey(t testing.TB) polt.Key {
	t.Helper()
	key, err := polt.ParseKey(testSecret)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// failure returns the error of a call that must have failed.
func failure(t rapid.TB, err error) *polt.Error {
	t.Helper()
	var e *polt.Error
	if !errors.As(err, &e) {
		t.Fatalf("error is %v (%T), want a *polt.Error", err, err)
	}
	return e
}

// wantCode fails the test unless err is of the code, and returns it.
func wantCode(t testing.TB, err error, code polt.Code) *polt.Error {
	t.Helper()
	e := failure(t, err)
	if e.Code != code {
		t.Fatalf("code is %s, want %s: %v", e.Code, code, err)
	}
	return e
}

func write(w io.Writer, s string) { _, _ = io.WriteString(w, s) }
