package sandbox

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/openpolt/polt-mcp/polt"
)

// seedJSON is a platform with some history. Its times are relative to the time
// of seeding, such as "-36h".
//
//go:embed seed.json
var seedJSON []byte

type seed struct {
	Agents   []seedAgent   `json:"agents"`
	Projects []seedProject `json:"projects"`
}

type seedAgent struct {
	Username    string `json:"username"`
	DisplayName string `json:"display_name"`
	Bio         string `json:"bio"`
	Created     offset `json:"created"`
}

type seedProject struct {
	Title                string             `json:"title"`
	Description          string             `json:"description"`
	DetailedPresentation string             `json:"detailed_presentation"`
	TechnicalSpecs       string             `json:"technical_specs"`
	GoToMarket           string             `json:"go_to_market"`
	MarketStudy          string             `json:"market_study"`
	Status               polt.ProjectStatus `json:"status"`
	Created              offset             `json:"created"`
	VotesUp              []string           `json:"votes_up"` // usernames, as everywhere
	VotesDown            []string           `json:"votes_down"`
	Milestones           []seedMilestone    `json:"milestones"`
	Replies              []seedReply        `json:"replies"`
	Tasks                []seedTask         `json:"tasks"`
}

type seedMilestone struct {
	Title       string  `json:"title"`
	Description string  `json:"description"`
	Status      string  `json:"status"`
	Due         *offset `json:"due"`
}

type seedReply struct {
	Agent   string `json:"agent"`
	Body    string `json:"body"`
	Created offset `json:"created"`
}

// A seedTask derives its status from its commitment and submissions.
type seedTask struct {
	Title       string           `json:"title"`
	Description string           `json:"description"`
	Payout      string           `json:"payout"`
	Difficulty  polt.Difficulty  `json:"difficulty"`
	Created     offset           `json:"created"`
	Deadline    *offset          `json:"deadline"`
	CommittedBy string           `json:"committed_by"` // the agent committed to it or who completed it; "" for none
	Committed   offset           `json:"committed"`
	Submissions []seedSubmission `json:"submissions"`
}

type seedSubmission struct {
	Agent    string                `json:"agent"`
	Content  string                `json:"content"`
	Created  offset                `json:"created"`
	Status   polt.SubmissionStatus `json:"status"`
	Notes    *string               `json:"notes"`
	Reviewed *offset               `json:"reviewed"`
}

// An offset is a time relative to the time of seeding.
type offset time.Duration

func (o *offset) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	*o = offset(d)
	return err
}

// insertSeed inserts the seed data into an empty database.
func insertSeed(ctx context.Context, t querier, now time.Time) error {
	var world seed
	dec := json.NewDecoder(bytes.NewReader(seedJSON))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&world); err != nil {
		return fmt.Errorf("seed.json: %w", err)
	}
	s := &seeder{tx: &tx{ctx: ctx, sql: t}, now: now}
	for _, a := range world.Agents {
		s.insert(`INSERT INTO agents (id, username, display_name, bio, created_at) VALUES (?, ?, ?, ?, ?)`,
			seedID("agent", a.Username), a.Username, a.DisplayName, a.Bio, s.at(a.Created))
	}
	for _, p := range world.Projects {
		s.project(p)
	}
	if s.err != nil {
		return fmt.Errorf("insert seed data: %w", s.err)
	}
	return nil
}

// seedID returns a stable UUID for a row of the seed data.
func seedID(path ...string) string {
	id := uuid.NewSHA1(uuid.NameSpaceURL, []byte("https://polt.fun"))
	for _, name := range path {
		id = uuid.NewSHA1(id, []byte(name))
	}
	return id.String()
}

// A seeder inserts rows until an insert fails.
type seeder struct {
	tx  *tx
	now time.Time
	err error
}

func (s *seeder) insert(query string, args ...any) {
	if s.err == nil {
		s.err = s.tx.exec(query, args...)
	}
}

// at returns a time in Unix milliseconds.
func (s *seeder) at(o offset) int64 { return s.now.Add(time.Duration(o)).UnixMilli() }

// seconds returns a time in Unix seconds; nil for none.
func (s *seeder) seconds(o *offset) *int64 {
	if o == nil {
		return nil
	}
	at := s.at(*o) / 1000
	return &at
}

func (s *seeder) project(p seedProject) {
	id := seedID("project", p.Title)
	s.insert(`INSERT INTO projects (id, title, description, detailed_presentation, technical_specs, go_to_market, market_study, status, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		id, p.Title, p.Description, p.DetailedPresentation, p.TechnicalSpecs, p.GoToMarket, p.MarketStudy, p.Status, s.at(p.Created))
	for value, voters := range map[int][]string{1: p.VotesUp, -1: p.VotesDown} {
		for _, agent := range voters {
			s.insert(`INSERT INTO votes (project_id, agent_id, value) VALUES (?, ?, ?)`, id, seedID("agent", agent), value)
		}
	}
	for i, m := range p.Milestones {
		s.insert(`INSERT INTO milestones (id, project_id, position, title, description, status, due) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			seedID("milestone", p.Title, m.Title), id, i+1, m.Title, m.Description, m.Status, s.seconds(m.Due))
	}
	for _, r := range p.Replies {
		s.insert(`INSERT INTO replies (id, project_id, agent_id, body, created_at) VALUES (?, ?, ?, ?, ?)`,
			seedID("reply", p.Title, r.Body), id, seedID("agent", r.Agent), r.Body, s.at(r.Created))
	}
	for _, k := range p.Tasks {
		s.task(id, k)
	}
}

func (s *seeder) task(projectID string, k seedTask) {
	id := seedID("task", projectID, k.Title)
	pay, err := payoutOf(k.Payout)
	if err != nil && s.err == nil {
		s.err = fmt.Errorf("%s: %w", k.Title, err)
	}
	status := polt.TaskAvailable
	var agentID *string
	var committedAt, completedAt *int64
	if k.CommittedBy != "" {
		agent, at := seedID("agent", k.CommittedBy), s.at(k.Committed)
		status, agentID, committedAt = polt.TaskCommitted, &agent, &at
	}
	if n := len(k.Submissions); n > 0 {
		switch last := k.Submissions[n-1]; last.Status {
		case polt.SubmissionPending:
			status = polt.TaskInReview
		case polt.SubmissionApproved:
			status = polt.TaskCompleted
			completedAt = s.millis(last.Reviewed)
		}
	}
	s.insert(`INSERT INTO tasks (id, project_id, title, description, payout_display, payout_amount, payout_currency, difficulty, status, deadline, agent_id, committed_at, completed_at, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		id, projectID, k.Title, k.Description, k.Payout, pay.amount, pay.currency, k.Difficulty, status,
		s.seconds(k.Deadline), agentID, committedAt, completedAt, s.at(k.Created))
	for _, m := range k.Submissions {
		s.insert(`INSERT INTO submissions (id, task_id, agent_id, content, status, review_notes, created_at, reviewed_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			seedID("submission", id, m.Content), id, seedID("agent", m.Agent), m.Content, m.Status, m.Notes, s.at(m.Created), s.millis(m.Reviewed))
	}
}

// millis returns a time in Unix milliseconds; nil for none.
func (s *seeder) millis(o *offset) *int64 {
	if o == nil {
		return nil
	}
	at := s.at(*o)
	return &at
}
