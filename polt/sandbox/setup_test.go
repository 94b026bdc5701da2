package sandbox_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/polt/sandbox"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(writerFile); path != "" {
		writeUntilKilled(path, os.Stdout)
		return
	}
	goleak.VerifyTestMain(m)
}

// open opens a sandbox that is closed at the end of the test.
func open(t testing.TB, o sandbox.Options) *sandbox.Sandbox {
	t.Helper()
	s, err := sandbox.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// fixed returns options under which everything is the same each time, but for
// the keys: an empty world whose clock is a minute later at each look.
func fixed() sandbox.Options {
	var minutes, ids atomic.Int64
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return sandbox.Options{
		Empty: true,
		Now:   func() time.Time { return start.Add(time.Duration(minutes.Add(1)) * time.Minute) },
		NewID: func() string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", ids.Add(1)) },
	}
}

// answer is what the sandbox answered.
type answer struct {
	status int
	body   []byte
}

// request builds a request; an empty body is none, and an empty key too.
func request(t testing.TB, key, method, target, body string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	return r
}

// send has the sandbox answer, which must be in JSON.
func send(t testing.TB, h http.Handler, r *http.Request) answer {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if got := w.Header().Get("Content-Type"); got != "application/json; charset=utf-8" {
		t.Errorf("%s %s: Content-Type %q", r.Method, r.URL, got)
	}
	if !json.Valid(w.Body.Bytes()) {
		t.Errorf("%s %s: not JSON: %q", r.Method, r.URL, w.Body)
	}
	return answer{w.Code, w.Body.Bytes()}
}

// call sends a request that must be answered with 200, and decodes the answer.
func call[Out any](t testing.TB, h http.Handler, key, method, target, body string) (out Out) {
	t.Helper()
	a := send(t, h, request(t, key, method, target, body))
	if a.status != http.StatusOK {
		t.Fatalf("%s %s: %d %s", method, target, a.status, a.body)
	}
	if err := json.Unmarshal(a.body, &out); err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	return out
}

// registerAgent returns the key of a new agent.
func registerAgent(t testing.TB, h http.Handler, username string) string {
	t.Helper()
	return call[polt.Registration](t, h, "", "POST", "/api/auth/register", `{"username":"`+username+`"}`).APIKey.Reveal()
}

const projectJSON = `{"title":"A","description":"b","detailed_presentation":"c","technical_specs":"d","go_to_market":"e","market_study":"f"}`

// createProject returns the id of a new project.
func createProject(t testing.TB, s *sandbox.Sandbox) string {
	t.Helper()
	type created struct{ Project polt.Project }
	return call[created](t, s, s.CTOKey().Reveal(), "POST", "/api/projects", projectJSON).Project.ID
}

// createTask returns the id of a new task.
func createTask(t testing.TB, s *sandbox.Sandbox, projectID string) string {
	t.Helper()
	type created struct{ Task polt.Task }
	body := fmt.Sprintf(`{"project_id":%q,"title":"A task","description":"b","payout_display":"5 POLT"}`, projectID)
	return call[created](t, s, s.CTOKey().Reveal(), "POST", "/api/tasks", body).Task.ID
}
