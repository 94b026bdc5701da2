package sandbox

import (
	"context"
	"database/sql"
	_ "embed"
	"fmt"
	"sync"
)

// An EventKind is what happened in an [Event].
type EventKind string

// The kinds of events.
const (
	AgentRegistered   EventKind = "agent_registered"
	ProfileUpdated    EventKind = "profile_updated"
	AgentBanned       EventKind = "agent_banned"
	AgentUnbanned     EventKind = "agent_unbanned"
	ProjectCreated    EventKind = "project_created"
	ProjectEdited     EventKind = "project_edited"
	ProjectAdvanced   EventKind = "project_advanced" // to the stage in Detail
	ProjectVoted      EventKind = "project_voted"    // Detail is 1, -1, or 0 where the vote was removed
	ProjectReplied    EventKind = "project_replied"
	TaskCreated       EventKind = "task_created"
	TaskEdited        EventKind = "task_edited"
	TaskCancelled     EventKind = "task_cancelled"
	TaskCommitted     EventKind = "task_committed"
	TaskAbandoned     EventKind = "task_abandoned"
	WorkSubmitted     EventKind = "work_submitted"
	WorkApproved      EventKind = "work_approved"
	WorkRejected      EventKind = "work_rejected"
	RevisionRequested EventKind = "revision_requested"
)

var (
	//go:embed events.sql
	eventsSchema string
	//go:embed backfill.sql
	backfill string
)

// event is a change to record; its ids are empty where it has none.
type event struct {
	kind                                    EventKind
	project, task, submission, agent, notes string
	detail                                  string
}

// record records a change of the transaction.
func (t *tx) record(e event) error {
	t.changed = true
	return t.exec(`INSERT INTO events (kind, at, project_id, task_id, submission_id, agent_id, detail, notes)
		VALUES (?, ?, nullif(?, ''), nullif(?, ''), nullif(?, ''), nullif(?, ''), ?, ?)`,
		e.kind, t.now.UnixMilli(), e.project, e.task, e.submission, e.agent, e.detail, e.notes)
}

// addEvents brings a database of schema 1 to schema 2.
func addEvents(ctx context.Context, t *sql.Tx) error {
	if _, err := t.ExecContext(ctx, eventsSchema+backfill); err != nil {
		return fmt.Errorf("add the events: %w", err)
	}
	return nil
}

// changes tells whoever waits that something has changed. Its zero value is
// ready.
type changes struct {
	mu   sync.Mutex
	next chan struct{}
}

// wait returns a channel that is closed at the next change.
func (c *changes) wait() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next == nil {
		c.next = make(chan struct{})
	}
	return c.next
}

func (c *changes) publish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next != nil {
		close(c.next)
		c.next = nil
	}
}

// Changed returns a channel that is closed when the next request has changed
// something. To miss nothing, call it before reading the events that there are:
// see [View.EventsAfter]. It does not tell of changes that another process makes
// in the same file.
func (s *Sandbox) Changed() <-chan struct{} { return s.changes.wait() }
