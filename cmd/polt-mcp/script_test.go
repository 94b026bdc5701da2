package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(withBuilds{m}, map[string]func(){"polt-mcp": main, "polt-mcp-watched": watched})
}

// Builds is the folder of the commands that tests build, each once.
var Builds string

// withBuilds runs the tests, and removes what they have built.
type withBuilds struct{ *testing.M }

func (m withBuilds) Run() int {
	var err error
	if Builds, err = os.MkdirTemp("", "polt-mcp-builds-"); err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(Builds) }()
	return m.M.Run()
}

// TestScripts runs testdata/script/*.txtar: shell-like scripts that run the
// command as a process of its own. Beside testscript's commands there are
//
//	upstream [STATUS [BODY]]  begin a platform at $POLT_API_URL that answers so
//	requests FILE             write what has reached that platform to a file
//	capture VAR PATTERN       set a variable to what the pattern's group matches in stdout
//	reviewed TASK STATUS      get the task until it is no more in review; it is STATUS then
//	listening LOG VAR…        wait until a server's log says where it listens; set the variables to its URLs
//	post URL KEY TOOL [JSON]  call a tool over HTTP with these arguments; stdout is the answer;
//	                          instead of a key it may be a header, with escapes as in Go: Authorization: VALUE
//	get URL STATUS            get a URL that answers so; stdout is the answer
//	terminal COLUMNS INPUT ARGUMENT…
//	                          run polt-mcp in a terminal, where it reads the file INPUT; stdout is what is seen
//	answers N [ERRORS]        stdout has N answers of JSON-RPC, a line each, and so many errors
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", filepath.Join(e.WorkDir, "home"))
			e.Setenv("XDG_CONFIG_HOME", filepath.Join(e.WorkDir, "config"))
			e.Setenv("POLT_STORE", "file")          // the keyring is the one of whoever runs the tests
			e.Setenv("GORACE", "atexit_sleep_ms=0") // a command built with the race detector sleeps a second at its end
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"upstream": startUpstream, "requests": writeRequests, "capture": capture, "answers": checkAnswers, "reviewed": reviewed,
			"listening": listening, "post": post, "get": get, "terminal": terminal,
		},
	})
}

// upstreams has the platforms of all scripts, which run at once, by URL.
var upstreams sync.Map

// recorder is a platform that answers everything alike. It echoes the key that
// it was called with: a platform may.
type recorder struct {
	status int
	body   string

	mu       sync.Mutex
	requests bytes.Buffer
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(&r.requests, "%s %s key=%q type=%q agent=%q body=%s\n", req.Method, req.RequestURI,
		strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer "), req.Header.Get("Content-Type"), req.UserAgent(), body)
	w.WriteHeader(r.status)
	_, _ = io.WriteString(w, r.body)
}

func startUpstream(ts *testscript.TestScript, _ bool, args []string) {
	r := &recorder{status: http.StatusOK, body: "{}"}
	if len(args) > 0 {
		_, err := fmt.Sscan(args[0], &r.status)
		ts.Check(err)
	}
	if len(args) > 1 {
		r.body = args[1]
	}
	s := httptest.NewServer(r)
	ts.Defer(s.Close)
	ts.Setenv("POLT_API_URL", s.URL)
	upstreams.Store(s.URL, r)
}

func writeRequests(ts *testscript.TestScript, _ bool, args []string) {
	found, _ := upstreams.Load(ts.Getenv("POLT_API_URL"))
	r := found.(*recorder)
	r.mu.Lock()
	defer r.mu.Unlock()
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), r.requests.Bytes(), 0o600))
}

func capture(ts *testscript.TestScript, _ bool, args []string) {
	m := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if len(m) != 2 {
		ts.Fatalf("no match for %s", args[1])
	}
	ts.Setenv(args[0], m[1])
}

func reviewed(ts *testscript.TestScript, _ bool, args []string) {
	for {
		ts.Check(ts.Exec("polt-mcp", "call", "get_task", "task_id="+args[0]))
		stdout := ts.ReadFile("stdout")
		if strings.Contains(stdout, "\nstatus: in_review\n") {
			continue // each turn is a process, which takes its time
		}
		if !strings.Contains(stdout, "\nstatus: "+args[1]+"\n") {
			ts.Fatalf("the task is not %s: %s", args[1], stdout)
		}
		return
	}
}

func checkAnswers(ts *testscript.TestScript, _ bool, args []string) {
	var want, wantErrors, got, gotErrors int
	_, err := fmt.Sscan(strings.Join(append(args, "0"), " "), &want, &wantErrors)
	ts.Check(err)
	for line := range strings.Lines(ts.ReadFile("stdout")) {
		var m struct {
			JSONRPC string
			ID      any
			Error   any
			Result  any
		}
		if err := json.Unmarshal([]byte(line), &m); err != nil || m.JSONRPC != "2.0" {
			ts.Fatalf("no JSON-RPC: %s", line)
		}
		if m.ID != nil || m.Error != nil {
			got++
		}
		if m.Error != nil {
			gotErrors++
		}
	}
	if got != want || gotErrors != wantErrors {
		ts.Fatalf("%d answers with %d errors", got, gotErrors)
	}
}
