package tools_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/polt/sandbox"
	"github.com/openpolt/polt-mcp/tools"
)

// The agents of a [world], named as the guide names them.
const (
	you     = "you"
	another = "another"
)

// guideStates brings a new world into each state of the guide's table, in every
// way that leads there.
var guideStates = map[string][]func(*world){
	"No key yet": {
		func(w *world) { delete(w.keys, you) },
	},
	"Open": {
		func(*world) {},
		func(w *world) { w.do(another, "commit_to_task", "abandon_task") },
	},
	"Open again": {
		func(w *world) { w.submitted(another, polt.SubmissionRejected) },
		func(w *world) {
			w.submitted(another, polt.SubmissionNeedsRevision)
			w.do(another, "abandon_task")
		},
	},
	"No longer yours": {
		func(w *world) { w.submitted(you, polt.SubmissionRejected) },
		func(w *world) { w.submitted(you, polt.SubmissionNeedsRevision); w.do(you, "abandon_task") },
	},
	"Yours, to do": {
		func(w *world) { w.do(you, "commit_to_task") },
		func(w *world) { w.submitted(you, polt.SubmissionRejected); w.do(you, "commit_to_task") },
		func(w *world) { w.submitted(another, polt.SubmissionRejected); w.do(you, "commit_to_task") },
		func(w *world) {
			w.submitted(another, polt.SubmissionNeedsRevision)
			w.do(another, "abandon_task")
			w.do(you, "commit_to_task")
		},
	},
	"Yours, to revise": {
		func(w *world) { w.submitted(you, polt.SubmissionNeedsRevision) },
		func(w *world) {
			w.submitted(you, polt.SubmissionNeedsRevision)
			w.do(you, "submit_work")
			w.review(polt.SubmissionNeedsRevision)
		},
		func(w *world) {
			w.submitted(you, polt.SubmissionNeedsRevision)
			w.do(you, "abandon_task", "commit_to_task")
		},
	},
	"Yours, in review": {
		func(w *world) { w.submitted(you, polt.SubmissionPending) },
		func(w *world) { w.submitted(you, polt.SubmissionNeedsRevision); w.do(you, "submit_work") },
	},
	"Yours, done": {
		func(w *world) { w.submitted(you, polt.SubmissionApproved) },
	},
	"Another's, in work": {
		func(w *world) { w.do(another, "commit_to_task") },
		func(w *world) { w.submitted(another, polt.SubmissionNeedsRevision) },
		func(w *world) { w.submitted(you, polt.SubmissionRejected); w.do(another, "commit_to_task") },
	},
	"Another's, in review": {
		func(w *world) { w.submitted(another, polt.SubmissionPending) },
	},
	"Another's, done": {
		func(w *world) { w.submitted(another, polt.SubmissionApproved) },
	},
	"Cancelled": {
		func(w *world) { w.cto("DELETE", "/api/tasks/"+w.task, nil, nil) },
		func(w *world) { w.do(you, "commit_to_task"); w.cto("DELETE", "/api/tasks/"+w.task, nil, nil) },
		func(w *world) { w.task = "none" },
	},
	"You hold three": {
		func(w *world) {
			for range 3 {
				w.task = w.newTask()
				w.do(you, "commit_to_task")
			}
			w.wanted = w.newTask()
		},
	},
}

// leaves is the status that a tool leaves a task in.
var leaves = map[string]polt.TaskStatus{
	"commit_to_task": polt.TaskCommitted,
	"abandon_task":   polt.TaskAvailable,
	"submit_work":    polt.TaskInReview,
}

// TestGuideNamesTheNextStepInEachState brings a sandbox into each state of the
// guide's table, and takes the steps that the guide names there.
func TestGuideNamesTheNextStepInEachState(t *testing.T) {
	rows := guideTable(t, "| State | How you see it | Next step |")
	seen := map[string]bool{}
	for _, row := range rows {
		state, looks, next := row[0], row[1], quoted(row[2])
		setups := guideStates[state]
		if len(setups) == 0 || len(next) == 0 {
			t.Errorf("%s: %d setups, %d next steps", state, len(setups), len(next))
		}
		for i, setup := range setups {
			for _, tool := range next {
				t.Run(fmt.Sprintf("%s/%d/%s", state, i, tool), func(t *testing.T) {
					w := newWorld(t)
					setup(w)
					if err := w.looks(looks); err != nil {
						t.Errorf("the guide says %q, and %v", looks, err)
					}
					for _, other := range rows {
						if aboutStatus(looks) && aboutStatus(other[1]) && other[0] != state && w.looks(other[1]) == nil {
							t.Errorf("it looks as in state %q too", other[0])
						}
					}
					task, _ := w.get()
					seen[string(task.Status)] = true
					for _, s := range task.Submissions {
						seen[string(s.Status)] = true
					}
					if r := w.call(you, tool); r.IsError {
						t.Errorf("%s: %s", tool, textOf(r))
					}
					if task, _ := w.get(); leaves[tool] != "" && task.Status != leaves[tool] {
						t.Errorf("%s leaves the task %s", tool, task.Status)
					}
				})
			}
		}
	}
	for state := range guideStates {
		if !slices.ContainsFunc(rows, func(row []string) bool { return row[0] == state }) {
			t.Errorf("the guide has no state %q", state)
		}
	}
	for _, status := range append(polt.TaskStatus("").Values(), constants(t, "../polt/tasks.go", "SubmissionStatus")...) {
		if !seen[status] {
			t.Errorf("no state of the guide has the status %s", status)
		}
	}
}

// A step is what may happen to a task: a call of a tool, or a review.
type step struct {
	agent, tool string
	outcome     polt.SubmissionStatus
}

var steps = []step{
	{agent: you, tool: "commit_to_task"},
	{agent: you, tool: "abandon_task"},
	{agent: you, tool: "submit_work"},
	{agent: another, tool: "commit_to_task"},
	{agent: another, tool: "abandon_task"},
	{agent: another, tool: "submit_work"},
	{outcome: polt.SubmissionApproved},
	{outcome: polt.SubmissionRejected},
	{outcome: polt.SubmissionNeedsRevision},
}

// TestGuideDescribesEachStateOnce takes every sequence of steps that a sandbox
// lets happen to a task until nothing new comes of it, and requires that exactly
// one row of the guide's table describes each task on the way.
func TestGuideDescribesEachStateOnce(t *testing.T) {
	rows := slices.DeleteFunc(guideTable(t, "| State | How you see it | Next step |"),
		func(row []string) bool { return !aboutStatus(row[1]) })
	w := newWorld(t)
	reached, described := map[string]bool{}, map[string]bool{}
	for paths := [][]step{nil}; len(paths) > 0; paths = paths[1:] {
		path := paths[0]
		w.task = w.newTask()
		happened := w.happens(path)
		// What can happen next depends on this alone, so that a longer way to it
		// need not be gone on.
		if like := w.like(); happened && !reached[like] {
			reached[like] = true
			var states []string
			for _, row := range rows {
				if w.looks(row[1]) == nil {
					states = append(states, row[0])
					described[row[0]] = true
				}
			}
			if len(states) != 1 {
				t.Errorf("%s, after %+v, is in the states %q", like, path, states)
			}
			for _, next := range steps {
				paths = append(paths, append(slices.Clone(path), next))
			}
		}
		for _, agent := range []string{you, another} {
			w.call(agent, "abandon_task") // nobody may hold more than three
		}
	}
	for _, row := range rows {
		if !described[row[0]] {
			t.Errorf("nothing leads to the state %q", row[0])
		}
	}
	t.Logf("%d kinds of task", len(reached))
}

// happens takes steps until one is refused, and reports whether none was.
func (w *world) happens(path []step) bool {
	w.t.Helper()
	for _, s := range path {
		if s.tool != "" {
			if w.call(s.agent, s.tool).IsError {
				return false
			}
			continue
		}
		if task, _ := w.get(); task.Status != polt.TaskInReview {
			return false
		}
		w.review(s.outcome)
	}
	return true
}

// like says of the task what the guide's table may tell its states by.
func (w *world) like() string {
	w.t.Helper()
	task, _ := w.get()
	like := string(task.Status)
	if task.CommittedBy != nil {
		like += " by " + *task.CommittedBy
	}
	if n := len(task.Submissions); n > 0 {
		last := task.Submissions[n-1]
		like += fmt.Sprintf(", last submission %s by %s", last.Status, last.Agent)
	}
	return like
}

// A world is an empty sandbox with a task, and agents who have a key each.
type world struct {
	t      *testing.T
	box    *sandbox.Sandbox
	set    *tools.Set
	keys   map[string]polt.Key
	task   string // the task that the state is of
	wanted string // the task to commit to, if it is another
}

func newWorld(t *testing.T) *world {
	t.Helper()
	box, err := sandbox.Open(t.Context(), sandbox.Options{Empty: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { box.Close() })
	w := &world{t: t, box: box, keys: map[string]polt.Key{}}
	w.set = newSet(t, box.Transport(), func(o *tools.Options) {
		o.Key = func(ctx context.Context) polt.Key { k, _ := ctx.Value(keyOf{}).(polt.Key); return k }
	})
	for _, username := range []string{you, another} {
		r := w.set.Call(t.Context(), "register_agent", object(t, map[string]string{"username": username}))
		var registration polt.Registration
		decode(t, r, &registration)
		w.keys[username] = registration.APIKey
	}
	w.task = w.newTask()
	return w
}

// newTask returns the id of a new task.
func (w *world) newTask() string {
	w.t.Helper()
	var project struct{ Project polt.Project }
	w.cto("POST", "/api/projects", map[string]string{
		"title": "A", "description": "b", "detailed_presentation": "c", "technical_specs": "d", "go_to_market": "e", "market_study": "f",
	}, &project)
	var task struct{ Task polt.Task }
	w.cto("POST", "/api/tasks", map[string]string{
		"project_id": project.Project.ID, "title": "A task", "description": "b", "payout_display": "5 POLT",
	}, &task)
	return task.Task.ID
}

// cto has the CTO do what no tool can; out may be nil.
func (w *world) cto(method, path string, in, out any) {
	w.t.Helper()
	var body bytes.Buffer
	if in != nil {
		body.Write(object(w.t, in))
	}
	r, err := http.NewRequestWithContext(w.t.Context(), method, "http://polt.invalid"+path, &body)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+w.box.CTOKey().Reveal())
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := w.box.Transport().RoundTrip(r)
	if err != nil || answer.StatusCode != http.StatusOK {
		w.t.Fatalf("%s %s: %v %v", method, path, answer, err)
	}
	if out == nil {
		return
	}
	if err := json.NewDecoder(answer.Body).Decode(out); err != nil {
		w.t.Fatal(err)
	}
}

// submitted has an agent take the task and submit it, and the CTO review it.
func (w *world) submitted(agent string, outcome polt.SubmissionStatus) {
	w.t.Helper()
	w.do(agent, "commit_to_task", "submit_work")
	w.review(outcome)
}

// review gives the last submission its outcome; pending is none.
func (w *world) review(outcome polt.SubmissionStatus) {
	w.t.Helper()
	task, _ := w.get()
	path := "/api/submissions/" + task.Submissions[len(task.Submissions)-1].ID
	in := map[string]string{"review_notes": "Because."}
	switch outcome {
	case polt.SubmissionPending:
		return
	case polt.SubmissionNeedsRevision:
		w.cto("POST", path+"/request-revision", in, nil)
		return
	case polt.SubmissionApproved:
		in["action"] = "approve"
	case polt.SubmissionRejected:
		in["action"] = "reject"
	}
	w.cto("PATCH", path+"/review", in, nil)
}

// reviewPending has the CTO review all that is pending in one way.
func (w *world) reviewPending(method, path string, in map[string]string) {
	w.t.Helper()
	var pending struct {
		Reviews []struct{ Submission polt.Submission } `json:"pending_reviews"`
	}
	w.cto("GET", "/api/cto/pending-reviews", nil, &pending)
	for _, r := range pending.Reviews {
		w.cto(method, "/api/submissions/"+r.Submission.ID+path, in, nil)
	}
}

// do has an agent call tools that must succeed.
func (w *world) do(agent string, tools ...string) {
	w.t.Helper()
	for _, tool := range tools {
		if r := w.call(agent, tool); r.IsError {
			w.t.Fatalf("%s by %s: %s", tool, agent, textOf(r))
		}
	}
}

// call calls a tool on the task.
func (w *world) call(agent, tool string) *mcp.CallToolResult {
	w.t.Helper()
	task := map[string]string{"task_id": w.task}
	arguments := map[string]map[string]string{
		"register_agent":       {"username": "newcomer"},
		"verify_key":           {},
		"list_tasks":           {"status": "available"},
		"get_task":             task,
		"commit_to_task":       {"task_id": cmp.Or(w.wanted, w.task)},
		"abandon_task":         task,
		"submit_work":          {"task_id": w.task, "submission_content": "The work."},
		"list_contributions":   {"username": agent},
		"list_committed_tasks": {"username": agent},
		"wait_for_review":      {"task_id": w.task, "timeout_s": "1"},
	}[tool]
	if arguments == nil {
		w.t.Fatalf("there are no arguments for %s", tool)
	}
	ctx := context.WithValue(w.t.Context(), keyOf{}, w.keys[agent])
	return w.set.Call(ctx, tool, object(w.t, arguments))
}

// get returns the task, or the code of the error.
func (w *world) get() (task polt.Task, code polt.Code) {
	w.t.Helper()
	r := w.call(you, "get_task")
	if r.IsError {
		return task, codeOf(w.t, r)
	}
	decode(w.t, r, &task)
	return task, ""
}

var (
	toolSays    = regexp.MustCompile("`([a-z_]+)` says `([a-z_]+)`")
	committedBy = regexp.MustCompile("`committed_by` ([a-z]+)")
	lastOne     = regexp.MustCompile("last submission (.*)")
	heldTasks   = regexp.MustCompile("`list_committed_tasks` shows ([0-9]+)")
)

// isTaskStatus reports whether a status is one that the platform documents.
func isTaskStatus(s string) bool { return slices.Contains(polt.TaskStatus("").Values(), s) }

// aboutStatus reports whether a state is seen by the status of its task.
func aboutStatus(looks string) bool { return isTaskStatus(quoted(looks)[0]) }

// looks returns what is not as the guide says that it looks, or nil.
func (w *world) looks(as string) error {
	w.t.Helper()
	task, code := w.get()
	var last *polt.Submission
	if n := len(task.Submissions); n > 0 {
		last = &task.Submissions[n-1]
	}
	if aboutStatus(as) && string(task.Status) != quoted(as)[0] {
		return fmt.Errorf("the status is %s", task.Status)
	}
	if strings.Contains(as, "no status named here") && code == "" {
		if isTaskStatus(string(task.Status)) {
			return fmt.Errorf("the status is %s", task.Status)
		}
	} else if m := toolSays.FindStringSubmatch(as); m != nil {
		if r := w.call(you, m[1]); !r.IsError || string(codeOf(w.t, r)) != m[2] {
			return fmt.Errorf("%s says: %s", m[1], textOf(r))
		}
	}
	if m := committedBy.FindStringSubmatch(as); m != nil && (task.CommittedBy == nil || *task.CommittedBy != m[1]) {
		return errors.New("it is committed by somebody else, or nobody")
	}
	if strings.Contains(as, "no submission") && last != nil {
		return errors.New("there is a submission")
	}
	if m := lastOne.FindStringSubmatch(as); m != nil && !fits(last, m[1]) {
		return fmt.Errorf("the last submission is %+v", last)
	}
	if m := heldTasks.FindStringSubmatch(as); m != nil {
		var held polt.TaskList
		decode(w.t, w.call(you, "list_committed_tasks"), &held)
		if strconv.Itoa(len(held.Tasks)) != m[1] {
			return fmt.Errorf("%d tasks are held", len(held.Tasks))
		}
	}
	return nil
}

// fits reports whether a submission is as it is described: whose it is, a colon
// and its status, or one of several that are listed.
func fits(last *polt.Submission, as string) bool {
	if last == nil {
		return strings.HasPrefix(as, "none")
	}
	whose := strings.Contains(as, map[string]string{you: "yours", another: "another's"}[last.Agent])
	status := slices.Contains(quoted(as), string(last.Status))
	if strings.Contains(as, ":") {
		return whose && status
	}
	return whose || status
}

// codeOf returns the code of a result that is an error.
func codeOf(t *testing.T, r *mcp.CallToolResult) polt.Code {
	t.Helper()
	text := textOf(r)
	var failure struct{ Code polt.Code }
	if err := json.Unmarshal([]byte(text[strings.LastIndex(text, "\n")+1:]), &failure); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return failure.Code
}

func textOf(r *mcp.CallToolResult) string { return r.Content[0].(mcp.TextContent).Text }

// decode decodes a result that is no error.
func decode(t *testing.T, r *mcp.CallToolResult, into any) {
	t.Helper()
	if r.IsError {
		t.Fatal(textOf(r))
	}
	if err := json.Unmarshal(r.RawStructuredContent, into); err != nil {
		t.Fatal(err)
	}
}

// object encodes arguments.
func object(t *testing.T, v any) json.RawMessage {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
