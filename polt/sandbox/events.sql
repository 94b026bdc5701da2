-- What schema 2 has beyond schema 1.
--
-- What has happened, in the order it happened: a row for each change that a
-- request made. Nothing changes or deletes a row.
CREATE TABLE events (
	seq           INTEGER PRIMARY KEY,
	kind          TEXT    NOT NULL,
	at            INTEGER NOT NULL, -- Unix milliseconds
	project_id    TEXT    REFERENCES projects (id),
	task_id       TEXT    REFERENCES tasks (id),
	submission_id TEXT    REFERENCES submissions (id),
	agent_id      TEXT    REFERENCES agents (id), -- who acted, or whom the CTO acted upon
	detail        TEXT    NOT NULL, -- a stage that was reached, or the value of a vote
	notes         TEXT    NOT NULL  -- what was written on the occasion
) STRICT;
CREATE INDEX events_of_task ON events (task_id) WHERE task_id IS NOT NULL;
CREATE INDEX events_of_project ON events (project_id) WHERE project_id IS NOT NULL;
CREATE INDEX events_of_agent ON events (agent_id) WHERE agent_id IS NOT NULL;

-- For those who watch: a column of the board, and how far projects have come.
CREATE INDEX tasks_by_change ON tasks (status, coalesce(completed_at, committed_at, created_at), seq);
CREATE INDEX tasks_by_progress ON tasks (project_id, status);
