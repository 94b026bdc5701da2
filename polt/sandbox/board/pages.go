package board

import (
	"net/http"
	"strconv"
	"time"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/polt/sandbox"
)

const (
	shownEvents   = 60
	shownProjects = 50
	shownAgents   = 50
	shownWaiting  = 100
	shownWork     = 30
	shownStanding = 20
)

type homePage struct {
	Counts   map[polt.TaskStatus]int
	Projects int
	Agents   int
	Events   []sandbox.Event
	Waiting  []sandbox.Waiting
}

func (b *Board) home(r *request) error {
	return b.render(r, http.StatusOK, "home.html", "", "home", func(v sandbox.View) (_ any, err error) {
		var d homePage
		if d.Counts, err = v.CountTasks(sandbox.TaskFilter{}); err != nil {
			return d, err
		}
		if d.Projects, err = v.CountProjects(); err != nil {
			return d, err
		}
		if d.Agents, err = v.CountAgents(); err != nil {
			return d, err
		}
		if d.Waiting, err = v.Waiting(4); err != nil {
			return d, err
		}
		d.Events, err = v.Events(sandbox.EventFilter{}, 8)
		return d, err
	})
}

type taskPage struct {
	polt.Task
	Events      []sandbox.Event
	Submissions map[string]polt.Submission // by id
	Pending     *polt.Submission
}

// Cancelled reports whether the CTO has cancelled the task.
func (p taskPage) Cancelled() bool { return p.Status == sandbox.StatusCancelled }

// Over reports whether the task is completed or cancelled.
func (p taskPage) Over() bool { return p.Cancelled() || p.Status == polt.TaskCompleted }

func (b *Board) task(r *request) error {
	return b.render(r, http.StatusOK, "task.html", "", "board", func(v sandbox.View) (any, error) { return newTaskPage(v, r.PathValue("id")) })
}

func newTaskPage(v sandbox.View, id string) (d taskPage, err error) {
	if d.Task, err = v.Task(id); err != nil {
		return d, err
	}
	d.Submissions = map[string]polt.Submission{}
	for _, s := range d.Task.Submissions {
		d.Submissions[s.ID] = s
		if s.Status == polt.SubmissionPending {
			d.Pending = &s
		}
	}
	// Keeps the latest events, in chronological order.
	if d.Events, err = v.Events(sandbox.EventFilter{TaskID: id}, 200); err != nil {
		return d, err
	}
	for i, j := 0, len(d.Events)-1; i < j; i, j = i+1, j-1 {
		d.Events[i], d.Events[j] = d.Events[j], d.Events[i]
	}
	return d, nil
}

// submission sends a submission's text as plain text, which no browser
// interprets as anything else.
func (b *Board) submission(w http.ResponseWriter, r *http.Request) {
	var s polt.Submission
	err := b.sandbox.View(r.Context(), func(v sandbox.View) (err error) {
		s, err = v.Submission(r.PathValue("id"))
		return err
	})
	if err != nil {
		b.fail(&request{Request: r, w: w, session: b.sessions.of(r), now: b.sandbox.Now()}, err)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'")
	_, _ = w.Write([]byte(s.Content)) // the client may have disconnected
}

type projectsPage struct {
	Projects []sandbox.ProjectSummary
	pager
}

func (b *Board) projects(r *request) error {
	return b.render(r, http.StatusOK, "projects.html", "Projects", "projects", func(v sandbox.View) (_ any, err error) {
		d := projectsPage{pager: pageOf(r, shownProjects)}
		if d.Total, err = v.CountProjects(); err != nil {
			return d, err
		}
		d.Projects, err = v.Projects(shownProjects, d.offset())
		return d, err
	})
}

type projectPage struct {
	sandbox.ProjectSummary
	Counts map[polt.TaskStatus]int
	Work   []polt.Task
	Events []sandbox.Event
}

// Next returns the project's next stage; "" after the last.
func (p projectPage) Next() string {
	stages := p.Status.Values()
	for i, s := range stages[:len(stages)-1] {
		if s == string(p.Status) {
			return stages[i+1]
		}
	}
	return ""
}

func (b *Board) project(r *request) error {
	return b.render(r, http.StatusOK, "project.html", "", "projects", func(v sandbox.View) (_ any, err error) {
		var d projectPage
		id := r.PathValue("id")
		if d.ProjectSummary, err = v.Project(id); err != nil {
			return d, err
		}
		filter := sandbox.TaskFilter{ProjectID: id}
		if d.Counts, err = v.CountTasks(filter); err != nil {
			return d, err
		}
		for _, status := range columnOrder {
			tasks, err := v.Tasks(filter, status, shownWork-len(d.Work), 0)
			if err != nil {
				return d, err
			}
			d.Work = append(d.Work, tasks...)
		}
		d.Events, err = v.Events(sandbox.EventFilter{ProjectID: id}, 12)
		return d, err
	})
}

type agentsPage struct {
	Agents    []sandbox.Profile
	Standings []polt.Standing
	Most      int // most tasks completed by one agent
	pager
}

func (b *Board) agents(r *request) error {
	return b.render(r, http.StatusOK, "agents.html", "Agents", "agents", func(v sandbox.View) (_ any, err error) {
		d := agentsPage{pager: pageOf(r, shownAgents)}
		if d.Total, err = v.CountAgents(); err != nil {
			return d, err
		}
		if d.Agents, err = v.Agents(shownAgents, d.offset()); err != nil || d.Page > 1 {
			return d, err
		}
		d.Standings, err = v.Leaderboard(shownStanding)
		if len(d.Standings) > 0 {
			d.Most = d.Standings[0].TasksCompleted
		}
		return d, err
	})
}

type agentPage struct {
	sandbox.Profile
	Current []polt.Task // committed, then in review
	Past    []polt.Task
	Earned  []string
	Events  []sandbox.Event
}

func (b *Board) agent(r *request) error {
	return b.render(r, http.StatusOK, "agent.html", "", "agents", func(v sandbox.View) (_ any, err error) {
		var d agentPage
		if d.Profile, err = v.Agent(r.PathValue("username")); err != nil {
			return d, err
		}
		filter := sandbox.TaskFilter{Agent: d.Username}
		for _, status := range []polt.TaskStatus{polt.TaskCommitted, polt.TaskInReview} {
			tasks, err := v.Tasks(filter, status, shownWork, 0)
			if err != nil {
				return d, err
			}
			d.Current = append(d.Current, tasks...)
		}
		if d.Past, err = v.Tasks(filter, polt.TaskCompleted, shownWork, 0); err != nil {
			return d, err
		}
		standings, err := v.Leaderboard(everyone)
		if err != nil {
			return d, err
		}
		for _, s := range standings {
			if s.Username == d.Username {
				d.Earned = s.Payouts
			}
		}
		d.Events, err = v.Events(sandbox.EventFilter{Agent: d.Username}, 12)
		return d, err
	})
}

// everyone is an unlimited limit.
const everyone = 1 << 30

type activityPage struct {
	Hours  []hour
	Older  int64 // the next page has events before this one; 0 for none
	Before int64
	Filter sandbox.EventFilter
}

// An hour is the events of one hour.
type hour struct {
	Start  time.Time
	Events []sandbox.Event
}

func (b *Board) activity(r *request) error {
	q := r.URL.Query()
	before, _ := strconv.ParseInt(q.Get("before"), 10, 64) // 0, the latest, if not a number
	filter := sandbox.EventFilter{Agent: q.Get("agent"), ProjectID: q.Get("project"), Before: max(before, 0)}
	return b.render(r, http.StatusOK, "activity.html", "Activity", "activity", func(v sandbox.View) (any, error) {
		d := activityPage{Filter: filter, Before: filter.Before}
		events, err := v.Events(filter, shownEvents+1)
		if len(events) > shownEvents {
			events = events[:shownEvents]
			d.Older = events[shownEvents-1].Seq
		}
		for _, e := range events {
			start := time.Unix(e.At, 0).In(r.now.Location()).Truncate(time.Hour)
			if n := len(d.Hours); n == 0 || !d.Hours[n-1].Start.Equal(start) {
				d.Hours = append(d.Hours, hour{Start: start})
			}
			last := &d.Hours[len(d.Hours)-1]
			last.Events = append(last.Events, e)
		}
		return d, err
	})
}

type reviewPage struct {
	Waiting []sandbox.Waiting
	Total   int
	Chosen  *taskPage // of the selected submission; nil if none
	Gone    bool      // the requested one no longer awaits review
}

func (b *Board) review(r *request) error {
	id := r.URL.Query().Get("submission")
	return b.render(r, http.StatusOK, "review.html", "Review", "review", func(v sandbox.View) (_ any, err error) {
		var d reviewPage
		if d.Total, err = v.CountWaiting(); err != nil {
			return d, err
		}
		if d.Waiting, err = v.Waiting(shownWaiting); err != nil {
			return d, err
		}
		if id != "" {
			s, err := v.Submission(id)
			if err != nil {
				return d, err
			}
			if s.Status == polt.SubmissionPending {
				return d, d.choose(v, s.TaskID)
			}
			d.Gone = true
		}
		if len(d.Waiting) > 0 {
			return d, d.choose(v, d.Waiting[0].TaskID)
		}
		return d, nil
	})
}

func (d *reviewPage) choose(v sandbox.View, taskID string) error {
	p, err := newTaskPage(v, taskID)
	d.Chosen = &p
	return err
}

// A pager is the position in a paged list.
type pager struct {
	Page, Size, Total int
}

func pageOf(r *request, size int) pager {
	n, err := strconv.Atoi(r.URL.Query().Get("page"))
	if err != nil || n < 1 || n > 1e6 {
		n = 1
	}
	return pager{Page: n, Size: size}
}

func (p pager) offset() int { return (p.Page - 1) * p.Size }

// Previous returns the previous page's number; 0 if none.
func (p pager) Previous() int { return p.Page - 1 }

// Next returns the next page's number; 0 if none.
func (p pager) Next() int {
	if p.Page*p.Size >= p.Total {
		return 0
	}
	return p.Page + 1
}
