package sandbox_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/polt/sandbox"
)

// eachStore runs a test in memory and in a file.
func eachStore(t *testing.T, test func(*testing.T, sandbox.Options)) {
	t.Parallel()
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		test(t, fixed())
	})
	t.Run("file", func(t *testing.T) {
		t.Parallel()
		o := fixed()
		o.Path = filepath.Join(t.TempDir(), "polt.db")
		test(t, o)
	})
}

// TestRaceForOneTask has 50 agents commit to one task at once.
func TestRaceForOneTask(t *testing.T) {
	eachStore(t, func(t *testing.T, o sandbox.Options) {
		s := open(t, o)
		task := createTask(t, s, createProject(t, s))
		keys := registerAgents(t, s, 50)
		var won, lost atomic.Int64
		start := make(chan struct{})
		var racers sync.WaitGroup
		for _, key := range keys {
			racers.Go(func() {
				r := request(t, key, "POST", "/api/tasks/"+task+"/commit", "")
				<-start
				switch a := send(t, s, r); a.status {
				case http.StatusOK:
					won.Add(1)
				case http.StatusConflict:
					lost.Add(1)
				default:
					t.Errorf("%d %s", a.status, a.body)
				}
			})
		}
		close(start)
		racers.Wait()
		if won.Load() != 1 || lost.Load() != 49 {
			t.Errorf("%d have won and %d lost", won.Load(), lost.Load())
		}
	})
}

func registerAgents(t *testing.T, s *sandbox.Sandbox, n int) []string {
	t.Helper()
	keys := make([]string, n)
	for i := range keys {
		keys[i] = registerAgent(t, s, fmt.Sprintf("agent-%d", i))
	}
	return keys
}

// TestMixedOperations has 50 agents and the CTO do 1,000 things at once, and
// then compares the state with what they were told.
func TestMixedOperations(t *testing.T) {
	eachStore(t, func(t *testing.T, o sandbox.Options) {
		const operations, workers = 1000, 50
		s := open(t, o)
		m := &mix{t: t, s: s, keys: registerAgents(t, s, workers), project: createProject(t, s)}
		for range 40 {
			m.tasks = append(m.tasks, createTask(t, s, m.project))
		}
		var all sync.WaitGroup
		for worker := range workers {
			random := rand.New(rand.NewPCG(1, uint64(worker)))
			all.Go(func() {
				for range operations / workers {
					m.operate(worker, random)
				}
			})
		}
		all.Wait()
		m.check()
	})
}

// mix is the mixed operations and what was answered to them.
type mix struct {
	t       *testing.T
	s       *sandbox.Sandbox
	keys    []string
	project string
	tasks   []string

	registered, replies, submissions, approved, votes atomic.Int64
	committed                                         atomic.Int64 // less the abandoned, rejected and approved
}

// operate does one thing as a worker's agent, and counts it.
func (m *mix) operate(worker int, random *rand.Rand) {
	task := "/api/tasks/" + m.tasks[random.IntN(len(m.tasks))]
	project := "/api/projects/" + m.project
	switch random.IntN(10) {
	case 0:
		m.do(worker, "POST", "/api/auth/register", fmt.Sprintf(`{"username":"new-%d"}`, random.Uint64()), &m.registered)
	case 1, 2:
		m.do(worker, "POST", task+"/commit", "", &m.committed)
	case 3:
		if m.do(worker, "POST", task+"/uncommit", "", nil) {
			m.committed.Add(-1)
		}
	case 4:
		if own := m.own(worker); own != "" && m.do(worker, "POST", "/api/tasks/"+own+"/submit", `{"submission_content":"x"}`, &m.submissions) {
			m.committed.Add(-1)
		}
	case 5:
		m.do(worker, "POST", project+"/replies", `{"body":"x"}`, &m.replies)
	case 6:
		var result polt.VoteResult
		if m.ask(m.keys[worker], "POST", project+"/vote", `{"value":1}`, &result) {
			if result.Vote != nil {
				m.votes.Add(1)
			} else {
				m.votes.Add(-1)
			}
		}
	case 7:
		m.do(worker, "PATCH", "/api/agents/me", `{"bio":"x"}`, nil)
	case 8:
		m.do(worker, "GET", "/api/tasks?sort=payout", "", nil)
		m.do(worker, "GET", project, "", nil)
	case 9:
		m.review(random)
	}
}

// review has the CTO review what waits longest, which others may do as well.
func (m *mix) review(random *rand.Rand) {
	var pending struct {
		Reviews []struct{ Submission polt.Submission } `json:"pending_reviews"`
	}
	cto := m.s.CTOKey().Reveal()
	if !m.ask(cto, "GET", "/api/cto/pending-reviews", "", &pending) || len(pending.Reviews) == 0 {
		return
	}
	submission := "/api/submissions/" + pending.Reviews[0].Submission.ID
	switch random.IntN(3) {
	case 0:
		if m.ask(cto, "PATCH", submission+"/review", `{"action":"approve"}`, nil) {
			m.approved.Add(1)
		}
	case 1:
		m.ask(cto, "PATCH", submission+"/review", `{"action":"reject","review_notes":"x"}`, nil)
	case 2:
		if m.ask(cto, "POST", submission+"/request-revision", `{"review_notes":"x"}`, nil) {
			m.committed.Add(1)
		}
	}
}

// own returns a task that the worker's agent is committed to.
func (m *mix) own(worker int) string {
	var list polt.TaskList
	m.ask(m.keys[worker], "GET", fmt.Sprintf("/api/agents/agent-%d/committed-tasks", worker), "", &list)
	if len(list.Tasks) == 0 {
		return ""
	}
	return list.Tasks[0].ID
}

func (m *mix) do(worker int, method, target, body string, count *atomic.Int64) bool {
	ok := m.ask(m.keys[worker], method, target, body, nil)
	if ok && count != nil {
		count.Add(1)
	}
	return ok
}

// ask reports whether the answer is 200. It may be a refusal, and nothing else.
func (m *mix) ask(key, method, target, body string, out any) bool {
	a := send(m.t, m.s, request(m.t, key, method, target, body))
	switch a.status {
	case http.StatusOK:
	case http.StatusForbidden, http.StatusConflict:
		return false
	default:
		m.t.Errorf("%s %s: %d %s", method, target, a.status, a.body)
		return false
	}
	if out != nil {
		if err := json.Unmarshal(a.body, out); err != nil {
			m.t.Errorf("%s %s: %v", method, target, err)
		}
	}
	return true
}

// check compares what is there with what was answered.
func (m *mix) check() {
	p := call[polt.Project](m.t, m.s, "", "GET", "/api/projects/"+m.project, "")
	held := map[string]int{}
	var committed, submissions, completed int64
	for _, k := range p.Tasks {
		task := call[polt.Task](m.t, m.s, "", "GET", "/api/tasks/"+k.ID, "")
		submissions += int64(len(task.Submissions))
		checkHistory(m.t, task)
		switch task.Status {
		case polt.TaskCommitted:
			committed++
			// A task comes back for revision however many others there are.
			if n := len(task.Submissions); n == 0 || task.Submissions[n-1].Status != polt.SubmissionNeedsRevision {
				held[*task.CommittedBy]++
			}
		case polt.TaskCompleted:
			completed++
		}
	}
	for _, c := range []struct {
		what      string
		got, want int64
	}{
		{"replies", int64(len(p.Replies)), m.replies.Load()},
		{"votes", int64(p.VotesUp), m.votes.Load()},
		{"submissions", submissions, m.submissions.Load()},
		{"completed tasks", completed, m.approved.Load()},
		{"committed tasks", committed, m.committed.Load()},
	} {
		if c.got != c.want {
			m.t.Errorf("there are %d %s, and %d were answered", c.got, c.what, c.want)
		}
		m.t.Logf("%d %s", c.got, c.what)
	}
	for agent, n := range held {
		if n > 3 {
			m.t.Errorf("%s has committed to %d tasks", agent, n)
		}
	}
}

// checkHistory compares a task's status with its submissions.
func checkHistory(t *testing.T, task polt.Task) {
	t.Helper()
	pending, approved := 0, 0
	for _, s := range task.Submissions {
		switch s.Status {
		case polt.SubmissionPending:
			pending++
		case polt.SubmissionApproved:
			approved++
		}
	}
	inReview, completed := task.Status == polt.TaskInReview, task.Status == polt.TaskCompleted
	if pending > 1 || approved > 1 || inReview != (pending == 1) || completed != (approved == 1) {
		t.Errorf("a task that is %s has %d pending and %d approved submissions", task.Status, pending, approved)
	}
	if (task.Status == polt.TaskAvailable) != (task.CommittedBy == nil) {
		t.Errorf("a task that is %s is committed by %v", task.Status, task.CommittedBy)
	}
}
