package sandbox_test

import (
	"bytes"
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/polt/sandbox"
)

// openWithSubmission opens a sandbox in which an agent has submitted work to a
// task. The caller closes it.
func openWithSubmission(t *testing.T, o sandbox.Options) (s *sandbox.Sandbox, key, task string) {
	t.Helper()
	s, err := sandbox.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	key = registerAgent(t, s, "ada")
	task = createTask(t, s, createProject(t, s))
	call[polt.Commitment](t, s, key, "POST", "/api/tasks/"+task+"/commit", "")
	call[polt.Receipt](t, s, key, "POST", "/api/tasks/"+task+"/submit", `{"submission_content":"work"}`)
	return s, key, task
}

// TestRestart closes a sandbox in a file and opens it again.
func TestRestart(t *testing.T) {
	o := fixed()
	// Every character here has a meaning in a URI, and none in a file's name.
	o.Path = filepath.Join(t.TempDir(), "a b?c#d%20&e.db")
	s, key, task := openWithSubmission(t, o)
	before := send(t, s, request(t, "", "GET", "/api/tasks/"+task, ""))
	oldCTO := s.CTOKey().Reveal()
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if a := send(t, s, request(t, "", "GET", "/api/tasks/"+task, "")); a.status != 503 {
		t.Errorf("after Close: %d %s", a.status, a.body)
	}
	if file, err := os.ReadFile(o.Path); err != nil || bytes.Contains(file, []byte(key)) || bytes.Contains(file, []byte(oldCTO)) {
		t.Errorf("there is a key in the file, or there is none: %v", err)
	}

	s = open(t, o)
	after := send(t, s, request(t, "", "GET", "/api/tasks/"+task, ""))
	if !bytes.Equal(before.body, after.body) {
		t.Errorf("before %s\nafter %s", before.body, after.body)
	}
	call[polt.Verification](t, s, key, "POST", "/api/auth/verify", "")
	if a := send(t, s, request(t, oldCTO, "GET", "/api/cto/pending-reviews", "")); a.status != 401 {
		t.Errorf("the old CTO's key: %d %s", a.status, a.body)
	}
}

// TestTwoInMemory fails if two sandboxes share a memory.
func TestTwoInMemory(t *testing.T) {
	one, two := open(t, fixed()), open(t, fixed())
	registerAgent(t, one, "ada")
	if a := send(t, two, request(t, "", "GET", "/api/agents/ada", "")); a.status != 404 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestTwoOnOneFile has two sandboxes write to a file in turn, as two processes
// would.
func TestTwoOnOneFile(t *testing.T) {
	o := sandbox.Options{Path: filepath.Join(t.TempDir(), "polt.db"), Empty: true}
	one, two := open(t, o), open(t, o)
	key := registerAgent(t, one, "ada")
	call[polt.Agent](t, two, key, "PATCH", "/api/agents/me", `{"bio":"two"}`)
	if a := call[polt.Agent](t, one, "", "GET", "/api/agents/ada", ""); a.Bio != "two" {
		t.Errorf("bio %q", a.Bio)
	}
}

func TestForeignFiles(t *testing.T) {
	for _, c := range []struct {
		name  string
		write func(t *testing.T, path string)
		says  string
	}{
		{"text", func(t *testing.T, path string) { write(t, path, strings.Repeat("Dear diary, ", 500)) }, "the file is not a database"},
		{"short text", func(t *testing.T, path string) { write(t, path, "x") }, "the file is not a database"},
		{"another's database", func(t *testing.T, path string) { execute(t, path, "CREATE TABLE notes (x)") }, "another application"},
		{"another's application id", func(t *testing.T, path string) { execute(t, path, "PRAGMA application_id = 7") }, "another application"},
		{"another's version", func(t *testing.T, path string) { execute(t, path, "PRAGMA user_version = 1") }, "another application"},
		{"a newer sandbox's", func(t *testing.T, path string) {
			execute(t, path, "PRAGMA application_id = 0x504f4c54; PRAGMA user_version = 99; CREATE TABLE agents (x)")
		}, "a newer version of the sandbox: it has schema 99"},
		{"an older sandbox's", func(t *testing.T, path string) {
			execute(t, path, "PRAGMA application_id = 0x504f4c54; CREATE TABLE agents (x)")
		}, "an older version of the sandbox: it has schema 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "some.db")
			c.write(t, path)
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			s, err := sandbox.Open(t.Context(), sandbox.Options{Path: path})
			if err == nil {
				_ = s.Close()
				t.Fatal("it was opened")
			}
			if !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), path) {
				t.Errorf("says: %v", err)
			}
			after, err := os.ReadFile(path)
			if err != nil || !bytes.Equal(before, after) {
				t.Errorf("the file was changed: %v", err)
			}
		})
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func execute(t *testing.T, path, statements string) {
	t.Helper()
	db, err := sql.Open("sqlite", path+"?_busy_timeout=10000")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), statements); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx context.Context
		o   sandbox.Options
	}{
		"an outcome that is none":          {t.Context(), sandbox.Options{Reviews: []polt.SubmissionStatus{"splendid"}}},
		"pending, which is no outcome":     {t.Context(), sandbox.Options{Reviews: []polt.SubmissionStatus{polt.SubmissionPending}}},
		"a negative delay":                 {t.Context(), sandbox.Options{AutoReview: -1}},
		"a folder that is not there":       {t.Context(), sandbox.Options{Path: filepath.Join(t.TempDir(), "no", "polt.db")}},
		"a file that is a folder":          {t.Context(), sandbox.Options{Path: t.TempDir()}},
		"a context that is over":           {over, sandbox.Options{}},
		"a context that is over, in files": {over, sandbox.Options{Path: filepath.Join(t.TempDir(), "polt.db")}},
	} {
		if s, err := sandbox.Open(c.ctx, c.o); err == nil || !strings.HasPrefix(err.Error(), "sandbox: ") {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
}

// TestFailures has the database be gone from under the sandbox's feet: that is
// a 500 in the framework's shape.
func TestFailures(t *testing.T) {
	o := fixed()
	o.Path = filepath.Join(t.TempDir(), "polt.db")
	s := open(t, o)
	key := registerAgent(t, s, "ada")
	execute(t, o.Path, "DROP VIEW task_answers; DROP VIEW project_answers; DROP VIEW submission_answers")
	for _, route := range []string{"GET /api/tasks", "GET /api/tasks/1", "POST /api/tasks/1/commit", "GET /api/projects/1", "GET /api/projects/1/tasks"} {
		method, path, _ := strings.Cut(route, " ")
		a := send(t, s, request(t, key, method, path, ""))
		if a.status != 500 || !strings.HasPrefix(string(a.body), `{"statusCode":500,"error":"Internal Server Error","message":"`) {
			t.Errorf("%s: %d %s", route, a.status, a.body)
		}
	}
}
