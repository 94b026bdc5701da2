package sandbox_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/polt/sandbox"
)

// eventsOf returns the kinds of a task's events, the oldest first, or of all
// where it is "".
func eventsOf(t *testing.T, s *sandbox.Sandbox, task string) (kinds []string) {
	t.Helper()
	err := s.View(t.Context(), func(v sandbox.View) error {
		events, err := v.Events(sandbox.EventFilter{TaskID: task}, 1000)
		for _, e := range events {
			kinds = append(kinds, string(e.Kind))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(kinds)
	return kinds
}

func same(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// TestEvents makes every kind of event, and has what is refused make none.
func TestEvents(t *testing.T) {
	s := open(t, fixed())
	cto, key := s.CTOKey().Reveal(), registerAgent(t, s, "ada")
	project := createProject(t, s)
	task := createTask(t, s, project)
	ask := func(key, method, target, body string) { call[any](t, s, key, method, target, body) }
	submit := func() (id string) {
		return call[polt.Receipt](t, s, key, "POST", "/api/tasks/"+task+"/submit", `{"submission_content":"work"}`).Submission.ID
	}
	ask(cto, "PATCH", "/api/tasks/"+task, `{"title":"Another title"}`)
	ask(key, "POST", "/api/tasks/"+task+"/commit", "")
	ask(key, "POST", "/api/tasks/"+task+"/uncommit", "")
	ask(key, "POST", "/api/tasks/"+task+"/commit", "")
	if a := send(t, s, request(t, key, "POST", "/api/tasks/"+task+"/commit", "")); a.status != 409 {
		t.Errorf("committed twice: %d", a.status)
	}
	ask(cto, "POST", "/api/submissions/"+submit()+"/request-revision", `{"review_notes":"more"}`)
	ask(cto, "PATCH", "/api/submissions/"+submit()+"/review", `{"action":"reject","review_notes":"no"}`)
	ask(key, "POST", "/api/tasks/"+task+"/commit", "")
	submit()
	ask(cto, "DELETE", "/api/tasks/"+task, "")
	same(t, "the task", eventsOf(t, s, task), "task_created", "task_edited", "task_committed", "task_abandoned", "task_committed",
		"work_submitted", "revision_requested", "work_submitted", "work_rejected", "task_committed", "work_submitted", "work_rejected", "task_cancelled")

	before := len(eventsOf(t, s, ""))
	task = createTask(t, s, project)
	ask(key, "POST", "/api/tasks/"+task+"/commit", "")
	ask(cto, "PATCH", "/api/submissions/"+submit()+"/review", `{"action":"approve"}`)
	ask(cto, "PATCH", "/api/projects/"+project, `{"title":"Another title"}`)
	for range 2 {
		ask(key, "POST", "/api/projects/"+project+"/vote", `{"value":1}`)
	}
	ask(key, "POST", "/api/projects/"+project+"/replies", `{"body":"yes"}`)
	ask(cto, "POST", "/api/projects/"+project+"/advance", `{"notes":"go"}`)
	ask(key, "PATCH", "/api/agents/me", `{"bio":"b"}`)
	agent := call[polt.Agent](t, s, "", "GET", "/api/agents/ada", "").ID
	ask(cto, "POST", "/api/moderation/ban/"+agent, `{"reason":"spam"}`)
	ask(cto, "POST", "/api/moderation/unban/"+agent, "")
	same(t, "the world", eventsOf(t, s, "")[before:], "task_created", "task_committed", "work_submitted", "work_approved", "project_edited",
		"project_voted", "project_voted", "project_replied", "project_advanced", "profile_updated", "agent_banned", "agent_unbanned")
}

// TestChanged waits for a change, which must be there to read when it is told.
func TestChanged(t *testing.T) {
	s := open(t, fixed())
	changed := s.Changed()
	send(t, s, request(t, "", "POST", "/api/auth/register", `{"username":""}`)) // is refused
	call[polt.TaskList](t, s, "", "GET", "/api/tasks", "")
	select {
	case <-changed:
		t.Error("told of a change where nothing has changed")
	default:
	}
	registerAgent(t, s, "ada")
	<-changed
	same(t, "all events", eventsOf(t, s, ""), "agent_registered")
}

// TestOlderFile opens a file that was written before there were events: it has
// those that its state tells of, and goes on from there.
func TestOlderFile(t *testing.T) {
	o := fixed()
	o.Path = filepath.Join(t.TempDir(), "polt.db")
	s, _, task := openWithSubmission(t, o)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	execute(t, o.Path, "DROP TABLE events; DROP INDEX tasks_by_change; DROP INDEX tasks_by_progress; PRAGMA user_version = 1")

	for i := range 2 { // once brought up to date, it is opened as it is
		s, err := sandbox.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			same(t, "all events", eventsOf(t, s, ""), "agent_registered", "project_created", "task_created", "task_committed", "work_submitted")
			call[any](t, s, s.CTOKey().Reveal(), "DELETE", "/api/tasks/"+task, "")
		}
		same(t, "the task", eventsOf(t, s, task), "task_created", "task_committed", "work_submitted", "work_rejected", "task_cancelled")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSeedEvents fails if the seed's world has no history.
func TestSeedEvents(t *testing.T) {
	s := open(t, sandbox.Options{})
	count := map[string]int{}
	for _, kind := range eventsOf(t, s, "") {
		count[kind]++
	}
	if count["agent_registered"] != 8 || count["project_created"] != 6 || count["task_created"] != 45 || count["work_approved"] != 15 {
		t.Error(fmt.Sprint(count))
	}
}
