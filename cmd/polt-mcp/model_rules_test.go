package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/polt/sandbox"
)

// A model knows POLT's rules: it stands before a sandbox, is told of every
// request that reaches it, knows what it has to answer, and what is true then.
type model struct {
	sandbox *sandbox.Sandbox

	mu       sync.Mutex
	requests []observed
	agents   map[string]*modelAgent // by username
	byKey    map[string]*modelAgent
	keys     []string // every key that there is, the CTO's included
	tasks    map[string]*modelTask
	projects map[string]*modelProject
	wrong    []string // what must not be
}

// observed is a request that reached the platform.
type observed struct {
	method, path, key, body string
	status                  int
}

func (o observed) applied() bool { return o.status >= 200 && o.status <= 299 }

type modelAgent struct{ username, key, bio string }

type modelTask struct {
	status      polt.TaskStatus
	holder      string
	submissions []string // their contents
}

type modelProject struct {
	stage   polt.ProjectStatus
	votes   map[string]int
	replies []string
}

func newModel(s *sandbox.Sandbox) *model {
	return &model{
		sandbox: s, keys: []string{s.CTOKey().Reveal()},
		agents: map[string]*modelAgent{}, byKey: map[string]*modelAgent{}, tasks: map[string]*modelTask{}, projects: map[string]*modelProject{},
	}
}

func (m *model) fault(format string, args ...any) {
	m.wrong = append(m.wrong, fmt.Sprintf(format, args...))
}

// ServeHTTP has the sandbox answer, and compares the answer with the rules.
func (m *model) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if r.Method != http.MethodGet {
		m.mu.Lock() // what is written is in the order in which it is observed
		defer m.mu.Unlock()
	}
	answer := httptest.NewRecorder()
	m.sandbox.ServeHTTP(answer, r)
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	if r.Method == http.MethodGet {
		m.mu.Lock()
	}
	o := observed{r.Method, r.URL.Path, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), string(body), answer.Code}
	m.requests = append(m.requests, o)
	if !isOperation(o) {
		m.fault("a request outside the 18: %s %s", o.method, o.path)
	}
	if o.method != http.MethodGet {
		m.observe(o, answer.Body.Bytes())
	}
	if r.Method == http.MethodGet {
		m.mu.Unlock()
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

func isOperation(o observed) bool {
	return slices.ContainsFunc(polt.Operations(), func(op polt.Operation) bool {
		want, got := strings.Split(op.Path(), "/"), strings.Split(o.path, "/")
		return op.Method() == o.method && slices.EqualFunc(want, got, func(w, g string) bool { return w == g || strings.HasPrefix(w, "{") && g != "" })
	})
}

// observe says what a write had to be answered, and what is true after it.
func (m *model) observe(o observed, answer []byte) {
	var in struct {
		Username, Bio, Body string
		Content             string `json:"submission_content"`
		Value               int
	}
	_ = json.Unmarshal([]byte(o.body), &in)
	who := m.byKey[o.key]
	name := ""
	if who != nil {
		name = who.username
	}
	parts := strings.Split(strings.TrimPrefix(o.path, "/api/"), "/")
	task, project := m.tasks[parts[min(1, len(parts)-1)]], m.projects[parts[min(1, len(parts)-1)]]
	may, then := who != nil, func() {}
	switch action := parts[0] + " " + parts[len(parts)-1]; action {
	case "auth register":
		may = m.agents[in.Username] == nil && in.Username != ""
		then = func() {
			var r struct {
				Key string `json:"api_key"`
			}
			_ = json.Unmarshal(answer, &r)
			a := &modelAgent{username: in.Username, key: r.Key, bio: in.Bio}
			m.agents[in.Username], m.byKey[r.Key], m.keys = a, a, append(m.keys, r.Key)
		}
	case "auth verify":
	case "tasks commit":
		may = may && task != nil && task.status == polt.TaskAvailable && m.held(name) < 3
		then = func() { task.status, task.holder = polt.TaskCommitted, name }
	case "tasks uncommit":
		may = may && task != nil && task.status == polt.TaskCommitted && task.holder == name
		then = func() { task.status, task.holder = polt.TaskAvailable, "" }
	case "tasks submit":
		may = may && task != nil && task.status == polt.TaskCommitted && task.holder == name
		then = func() {
			task.status = polt.TaskInReview
			task.submissions = append(task.submissions, in.Content)
		}
	case "projects vote":
		may = may && project != nil && (project.stage == polt.ProjectIdea || project.stage == polt.ProjectVoting)
		then = func() {
			if project.votes[name] == in.Value {
				delete(project.votes, name)
			} else {
				project.votes[name] = in.Value
			}
		}
	case "projects replies":
		may = may && project != nil
		then = func() { project.replies = append(project.replies, in.Body) }
	case "agents me":
		then = func() { who.bio = in.Bio }
	default:
		m.fault("a write that the model does not know: %s", action)
		return
	}
	may = may && !strings.Contains(in.Username+in.Bio+in.Body+in.Content, "\x00") // which no text may have
	if may != o.applied() {
		m.fault("%s %s %s by %q is answered %d %s; by the rules it may be done: %v", o.method, o.path, o.body, name, o.status, answer, may)
	}
	if o.applied() && may {
		then()
		if n := m.held(name); n > 3 {
			m.fault("%s is committed to %d tasks", name, n)
		}
	}
}

func (m *model) held(username string) (n int) {
	for _, t := range m.tasks {
		if t.status == polt.TaskCommitted && t.holder == username {
			n++
		}
	}
	return n
}

// votes returns the votes for and against.
func (p *modelProject) count() (up, down int) {
	for _, v := range p.votes {
		if v > 0 {
			up++
		} else {
			down++
		}
	}
	return up, down
}

// direct sends a request to the sandbox that no fault meets, as the CTO or an
// agent, and decodes the answer.
func (m *model) direct(key, method, path, body string, out any) error {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	w := httptest.NewRecorder()
	m.sandbox.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		return fmt.Errorf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	return json.Unmarshal(w.Body.Bytes(), out)
}

// addProject has the CTO make a project in a stage, with tasks.
func (m *model) addProject(stage polt.ProjectStatus, tasks int) (project string, ids []string, err error) {
	cto := m.sandbox.CTOKey().Reveal()
	var made struct {
		Project polt.Project
		Task    polt.Task
	}
	if err := m.direct(cto, "POST", "/api/projects", `{"title":"A","description":"b","detailed_presentation":"c","technical_specs":"d","go_to_market":"e","market_study":"f"}`, &made); err != nil {
		return "", nil, err
	}
	project = made.Project.ID
	for made.Project.Status != stage {
		if err := m.direct(cto, "POST", "/api/projects/"+project+"/advance", `{"notes":"on"}`, &made); err != nil {
			return "", nil, err
		}
	}
	for range tasks {
		body := fmt.Sprintf(`{"project_id":%q,"title":"A task","description":"b","payout_display":"5 POLT"}`, project)
		if err := m.direct(cto, "POST", "/api/tasks", body, &made); err != nil {
			return "", nil, err
		}
		ids = append(ids, made.Task.ID)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.projects[project] = &modelProject{stage: stage, votes: map[string]int{}}
	for _, id := range ids {
		m.tasks[id] = &modelTask{status: polt.TaskAvailable}
	}
	return project, ids, nil
}

// review has the CTO review the work on a task that waits for it.
func (m *model) review(id string, outcome polt.SubmissionStatus) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.tasks[id]
	if t.status != polt.TaskInReview {
		return nil
	}
	var task polt.Task
	if err := m.direct("", "GET", "/api/tasks/"+id, "", &task); err != nil {
		return err
	}
	submission, cto := "/api/submissions/"+task.Submissions[len(task.Submissions)-1].ID, m.sandbox.CTOKey().Reveal()
	var ignored any
	switch outcome {
	case polt.SubmissionApproved:
		t.status = polt.TaskCompleted
		return m.direct(cto, "PATCH", submission+"/review", `{"action":"approve","review_notes":"good"}`, &ignored)
	case polt.SubmissionRejected:
		t.status, t.holder = polt.TaskAvailable, ""
		return m.direct(cto, "PATCH", submission+"/review", `{"action":"reject","review_notes":"no"}`, &ignored)
	}
	t.status = polt.TaskCommitted
	return m.direct(cto, "POST", submission+"/request-revision", `{"review_notes":"more"}`, &ignored)
}

// check compares a project and its tasks with the sandbox.
func (m *model) check(project string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var p polt.Project
	if err := m.direct("", "GET", "/api/projects/"+project, "", &p); err != nil {
		m.fault("%v", err)
		return
	}
	up, down := m.projects[project].count()
	if p.VotesUp != up || p.VotesDown != down || len(p.Replies) != len(m.projects[project].replies) {
		m.fault("project: %d for, %d against, %d replies; by the model %d, %d, %d", p.VotesUp, p.VotesDown, len(p.Replies), up, down, len(m.projects[project].replies))
	}
	for _, task := range p.Tasks {
		if len(m.tasks[task.ID].submissions) > 0 {
			if err := m.direct("", "GET", "/api/tasks/"+task.ID, "", &task); err != nil {
				m.fault("%v", err)
				continue
			}
		}
		want, holder := m.tasks[task.ID], ""
		if task.CommittedBy != nil {
			holder = *task.CommittedBy
		}
		if task.Status != want.status || want.status == polt.TaskCommitted && holder != want.holder || len(task.Submissions) != len(want.submissions) {
			m.fault("task: %s by %q with %d submissions; by the model %s, %q, %d", task.Status, holder, len(task.Submissions), want.status, want.holder, len(want.submissions))
		}
	}
}

// since returns the writes that have reached the platform after the first n
// requests, and how many there are now.
func (m *model) since(n int) []observed {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.requests[n:])
}

func (m *model) seen() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.requests)
}
