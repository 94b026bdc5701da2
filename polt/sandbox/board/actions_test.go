package board_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/polt/sandbox"
)

// TestCTO has the CTO do all there is to do, by the forms of the pages.
func TestCTO(t *testing.T) {
	w := open(t, sandbox.Options{Empty: true})
	c := w.signIn()
	got := w.post(c, "/projects", url.Values{
		"title": {"Relay"}, "description": {"b"}, "detailed_presentation": {"c"}, "technical_specs": {"d"}, "go_to_market": {"e"}, "market_study": {"f"},
	})
	project := strings.TrimPrefix(got.url.Path, "/projects/")
	if got.status != 200 || !strings.Contains(got.body, "Project created.") {
		t.Fatalf("create a project: %d at %s", got.status, got.url)
	}
	got = w.post(c, "/tasks", url.Values{
		"project_id": {project}, "title": {"Write it"}, "description": {"All of it"}, "payout_display": {"500 POLT"}, "difficulty": {"hard"}, "deadline": {"2030-05-01T12:30"},
	})
	task := strings.TrimPrefix(got.url.Path, "/tasks/")
	k := w.task(task)
	deadline := time.Date(2030, 5, 1, 12, 30, 0, 0, time.Local).Unix()
	if k.Title != "Write it" || k.Difficulty != polt.Hard || k.PayoutDisplay != "500 POLT" || k.Deadline == nil || *k.Deadline != deadline {
		t.Errorf("the task is %+v", k)
	}
	w.post(c, "/tasks/"+task, url.Values{"title": {"Write it well"}, "description": {"All"}, "payout_display": {"600 POLT"}, "difficulty": {"easy"}})
	if k := w.task(task); k.Title != "Write it well" || k.Deadline != nil || k.Difficulty != polt.Easy {
		t.Errorf("edited, the task is %+v", k)
	}
	w.post(c, "/projects/"+project+"/advance", url.Values{"notes": {"on we go"}})
	if p := api[polt.Project](w, "", "GET", "/api/projects/"+project, ""); p.Status != polt.ProjectVoting {
		t.Errorf("the project is in %s", p.Status)
	}

	key := w.register("ada")
	for _, step := range []struct {
		action, notes string
		status        polt.TaskStatus
	}{{"revise", "Tests, please", polt.TaskCommitted}, {"reject", "No tests", polt.TaskAvailable}, {"approve", "", polt.TaskCompleted}} {
		if w.task(task).Status == polt.TaskAvailable {
			api[polt.Commitment](w, key, "POST", "/api/tasks/"+task+"/commit", "")
		}
		id := w.resubmit(key, task, "work")
		if page := w.get(c, "/review"); !strings.Contains(page.body, `action="/review/`+id+`"`) {
			t.Errorf("the submission is not up for review")
		}
		w.post(c, "/review/"+id, url.Values{"action": {step.action}, "review_notes": {step.notes}})
		if k := w.task(task); k.Status != step.status {
			t.Errorf("after %s the task is %s", step.action, k.Status)
		}
	}

	other := w.newTask("Another")
	w.post(c, "/tasks/"+other+"/cancel", nil)
	if k := w.task(other); k.Status != sandbox.StatusCancelled {
		t.Errorf("the task is %s", k.Status)
	}
	w.post(c, "/agents/ada/ban", url.Values{"reason": {"spam"}})
	if page := w.get(w.client, "/agents/ada"); !strings.Contains(page.body, "Banned") || !strings.Contains(page.body, "spam") {
		t.Error("the ban is not shown")
	}
	w.post(c, "/agents/ada/unban", nil)
	api[polt.Verification](w, key, "POST", "/api/auth/verify", "")

	// All of it is the task's timeline.
	page := w.get(w.client, "/tasks/"+task).body
	at := 0
	for _, want := range []string{
		"posted the task", "edited the task", "submitted work", "for a revision", "Tests, please", "submitted work", "rejected the work", "No tests", "committed", "submitted work", "approved the work",
	} {
		i := strings.Index(page[at:], want)
		if i < 0 {
			t.Fatalf("the timeline lacks %q after %q", want, page[max(at-200, 0):at])
		}
		at += i
	}
}

// TestRefusedForm fails if what was written is lost where the platform refuses it.
func TestRefusedForm(t *testing.T) {
	w := open(t, sandbox.Options{})
	c := w.signIn()
	project := api[polt.ProjectList](w, "", "GET", "/api/projects", "").Projects[0].ID
	for field, problem := range map[string]string{
		"payout_display": "must be an amount and a currency",
		"title":          "The title is too long: it may have 150 characters.",
		"deadline":       "must be a date",
		"description":    "Please fill in the description.",
	} {
		fields := url.Values{"project_id": {project}, "title": {"A <b>title</b>"}, "description": {"A long\ntext"}, "payout_display": {"5 POLT"}, "difficulty": {"expert"}}
		fields.Set(field, map[string]string{"payout_display": "much", "title": strings.Repeat("x", 151), "deadline": "soon"}[field])
		got := w.post(c, "/tasks", fields)
		if got.status != 422 || !strings.Contains(got.body, problem) {
			t.Errorf("%s: %d without %q", field, got.status, problem)
		}
		kept := "A long\ntext"
		if field == "description" {
			kept = "A &lt;b&gt;title&lt;/b&gt;"
		}
		if !strings.Contains(got.body, kept) || !strings.Contains(got.body, `value="expert" selected`) {
			t.Errorf("%s: what was written is lost", field)
		}
	}
	if got := w.post(c, "/review/none", url.Values{"action": {"approve"}}); got.status != 404 || !strings.Contains(got.body, "Submission not found") {
		t.Errorf("an unknown submission: %d", got.status)
	}
}
