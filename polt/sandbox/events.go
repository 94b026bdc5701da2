package sandbox

import (
	"context"
	_ "embed"
	"fmt"
	"sync"
)

// An EventKind is the type of an [Event].
type EventKind string

// The event kinds.
const (
	AgentRegistered   EventKind = "agent_registered"
	ProfileUpdated    EventKind = "profile_updated"
	AgentBanned       EventKind = "agent_banned"
	AgentUnbanned     EventKind = "agent_unbanned"
	ProjectCreated    EventKind = "project_created"
	ProjectEdited     EventKind = "project_edited"
	ProjectAdvanced   EventKind = "project_advanced" // Detail is the new stage
	ProjectVoted      EventKind = "project_voted"    // Detail is 1, -1, or 0 if the vote was removed
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

// event is a change to record; ids that do not apply are empty.
type event struct {
	kind                                    EventKind
	project, task, submission, agent, notes string
	detail                                  string
}

// record adds an event to the transaction.
func (t *tx) record(e event) error {
	t.changed = true
	return t.exec(`INSERT INTO events (kind, at, project_id, task_id, submission_id, agent_id, detail, notes)
		VALUES (?, ?, nullif(?, ''), nullif(?, ''), nullif(?, ''), nullif(?, ''), ?, ?)`,
		e.kind, t.now.UnixMilli(), e.project, e.task, e.submission, e.agent, e.detail, e.notes)
}

// addEvents migrates a database from schema 1 to schema 2.
func addEvents(ctx context.Context, t querier) error {
	if _, err := t.ExecContext(ctx, eventsSchema+backfill); err != nil {
		return fmt.Errorf("add the events: %w", err)
	}
	return nil
}

// changes notifies waiters of a change. Its zero value is ready to use.
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

// Changed returns a channel that is closed after the next change. To miss no
// event, call it before [View.EventsAfter]. Changes that another process makes
// in the same file are not reported.
func (s *Sandbox) Changed() <-chan struct{} { return s.changes.wait() }
