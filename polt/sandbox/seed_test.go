package sandbox_test

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/polt/sandbox"
)

// TestSeed reads the world as an agent does.
func TestSeed(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	s := open(t, sandbox.Options{Now: func() time.Time { return now }})
	projects := call[polt.ProjectList](t, s, "", "GET", "/api/projects?limit=100", "").Projects
	stages := map[polt.ProjectStatus]int{}
	statuses, difficulties, currencies := map[polt.TaskStatus]int{}, map[polt.Difficulty]int{}, map[string]int{}
	outcomes, held := map[polt.SubmissionStatus]int{}, map[string]int{}
	total, long, withDeadline, replies := 0, 0, 0, 0
	for _, summary := range projects {
		p := call[polt.Project](t, s, "", "GET", "/api/projects/"+summary.ID, "")
		stages[p.Status]++
		replies += len(p.Replies)
		if len(p.Milestones) == 0 || p.DetailedPresentation == "" || p.TechnicalSpecs == "" || p.GoToMarket == "" || p.MarketStudy == "" {
			t.Errorf("%s is not complete", p.Title)
		}
		for _, k := range p.Tasks {
			total++
			task := call[polt.Task](t, s, "", "GET", "/api/tasks/"+k.ID, "")
			statuses[task.Status]++
			difficulties[task.Difficulty]++
			_, currency, _ := strings.Cut(task.PayoutDisplay, " ")
			currencies[currency]++
			if len(task.Description) > 600 {
				long++
			}
			if task.Deadline != nil {
				withDeadline++
			}
			if task.Status == polt.TaskCommitted {
				held[*task.CommittedBy]++
			}
			checkHistory(t, task)
			checkTimes(t, p, task, now.Unix())
			for _, s := range task.Submissions {
				outcomes[s.Status]++
			}
		}
	}
	for what, ok := range map[string]bool{
		"at least 4 projects":                len(projects) >= 4,
		"every stage":                        len(stages) == 5,
		"at least 40 tasks":                  total >= 40,
		"every status":                       len(statuses) == 4,
		"every difficulty":                   len(difficulties) == 4,
		"two currencies":                     slices.Equal(slices.Sorted(maps.Keys(currencies)), []string{"POLT", "SOL"}),
		"long descriptions":                  long >= 5,
		"deadlines for some":                 withDeadline > 10 && withDeadline < total-10,
		"replies":                            replies > 10,
		"every outcome":                      len(outcomes) == 4,
		"no one who is committed to 4 tasks": slices.Max(slices.Collect(maps.Values(held))) <= 3,
		"a leaderboard":                      len(call[polt.Leaderboard](t, s, "", "GET", "/api/leaderboard", "").Standings) >= 5,
	} {
		if !ok {
			t.Errorf("the world has not: %s", what)
		}
	}
	t.Log(total, stages, statuses, difficulties, currencies, outcomes)
}

// checkTimes checks that nothing of a task was before it could be.
func checkTimes(t *testing.T, p polt.Project, task polt.Task, now int64) {
	t.Helper()
	if _, err := uuid.Parse(task.ID); err != nil {
		t.Errorf("%s: %v", task.Title, err)
	}
	times := []int64{p.CreatedAt, task.CreatedAt}
	for _, s := range task.Submissions {
		times = append(times, s.CreatedAt)
		if s.ReviewedAt != nil {
			times = append(times, *s.ReviewedAt)
		}
		if s.Status != polt.SubmissionPending && s.ReviewNotes == nil {
			t.Errorf("%s: a review without notes", task.Title)
		}
	}
	times = append(times, now)
	if !slices.IsSorted(times) {
		t.Errorf("%s: the times are out of order: %v", task.Title, times)
	}
	if task.CommittedAt != nil && (*task.CommittedAt < task.CreatedAt || *task.CommittedAt > now) {
		t.Errorf("%s: committed at %d", task.Title, *task.CommittedAt)
	}
	if task.Deadline != nil && *task.Deadline < now && task.Status != polt.TaskCompleted {
		t.Errorf("%s: the deadline is over", task.Title)
	}
}

// TestSeedIsTheSame fails if two worlds with the same clock differ.
func TestSeedIsTheSame(t *testing.T) {
	o := sandbox.Options{Now: func() time.Time { return time.Unix(1_800_000_000, 0) }}
	one, two := open(t, o), open(t, o)
	for _, target := range []string{"/api/tasks?limit=100", "/api/projects", "/api/leaderboard", "/api/agents/oxbow/contributions"} {
		a, b := send(t, one, request(t, "", "GET", target, "")), send(t, two, request(t, "", "GET", target, ""))
		if !bytes.Equal(a.body, b.body) {
			t.Errorf("%s differs", target)
		}
	}
}
