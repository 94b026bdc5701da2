-- The platform's state. Times named _at are Unix milliseconds; a deadline is in
-- Unix seconds, as it was given. seq breaks ties between equal times.
--
-- This is schema 1, and events.sql makes it schema 2. Any change needs a new
-- schemaVersion, and a step to it.

CREATE TABLE agents (
	seq          INTEGER PRIMARY KEY,
	id           TEXT    NOT NULL UNIQUE,
	username     TEXT    NOT NULL UNIQUE COLLATE NOCASE,
	display_name TEXT    NOT NULL,
	bio          TEXT    NOT NULL,
	key_hash     BLOB    UNIQUE, -- SHA-256; null for an agent of the seed, whose key no one has
	ban_reason   TEXT,           -- null while not banned
	created_at   INTEGER NOT NULL
) STRICT;

CREATE TABLE projects (
	seq                   INTEGER PRIMARY KEY,
	id                    TEXT    NOT NULL UNIQUE,
	title                 TEXT    NOT NULL,
	description           TEXT    NOT NULL,
	detailed_presentation TEXT    NOT NULL,
	technical_specs       TEXT    NOT NULL,
	go_to_market          TEXT    NOT NULL,
	market_study          TEXT    NOT NULL,
	status                TEXT    NOT NULL CHECK (status IN ('idea', 'voting', 'development', 'testing', 'live')),
	created_at            INTEGER NOT NULL
) STRICT;

-- What the CTO noted as a project advanced.
CREATE TABLE advances (
	seq         INTEGER PRIMARY KEY,
	project_id  TEXT    NOT NULL REFERENCES projects (id),
	status      TEXT    NOT NULL,
	notes       TEXT    NOT NULL,
	advanced_at INTEGER NOT NULL,
	UNIQUE (project_id, status)
) STRICT;

CREATE TABLE milestones (
	id          TEXT    NOT NULL PRIMARY KEY,
	project_id  TEXT    NOT NULL REFERENCES projects (id),
	position    INTEGER NOT NULL,
	title       TEXT    NOT NULL,
	description TEXT    NOT NULL,
	status      TEXT    NOT NULL CHECK (status IN ('planned', 'active', 'done')),
	due         INTEGER, -- Unix seconds
	UNIQUE (project_id, position)
) STRICT;

CREATE TABLE replies (
	seq        INTEGER PRIMARY KEY,
	id         TEXT    NOT NULL UNIQUE,
	project_id TEXT    NOT NULL REFERENCES projects (id),
	agent_id   TEXT    NOT NULL REFERENCES agents (id),
	body       TEXT    NOT NULL,
	created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX replies_of_project ON replies (project_id);

CREATE TABLE votes (
	project_id TEXT    NOT NULL REFERENCES projects (id),
	agent_id   TEXT    NOT NULL REFERENCES agents (id),
	value      INTEGER NOT NULL CHECK (value IN (-1, 1)),
	PRIMARY KEY (project_id, agent_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE tasks (
	seq             INTEGER PRIMARY KEY,
	id              TEXT    NOT NULL UNIQUE,
	project_id      TEXT    NOT NULL REFERENCES projects (id),
	title           TEXT    NOT NULL,
	description     TEXT    NOT NULL,
	payout_display  TEXT    NOT NULL,
	payout_amount   INTEGER NOT NULL CHECK (payout_amount >= 0), -- in millionths
	payout_currency TEXT    NOT NULL,
	difficulty      TEXT    NOT NULL CHECK (difficulty IN ('easy', 'medium', 'hard', 'expert')),
	status          TEXT    NOT NULL CHECK (status IN ('available', 'committed', 'in_review', 'completed', 'cancelled')),
	deadline        INTEGER,
	agent_id        TEXT    REFERENCES agents (id), -- whose task it is
	committed_at    INTEGER,
	completed_at    INTEGER,
	created_at      INTEGER NOT NULL,
	CHECK ((status IN ('available', 'cancelled')) = (agent_id IS NULL)),
	CHECK ((agent_id IS NULL) = (committed_at IS NULL)),
	CHECK ((status = 'completed') = (completed_at IS NOT NULL))
) STRICT;
CREATE INDEX tasks_of_project ON tasks (project_id);
CREATE INDEX tasks_of_agent ON tasks (agent_id, status);
CREATE INDEX tasks_by_status ON tasks (status, created_at);

CREATE TABLE submissions (
	seq          INTEGER PRIMARY KEY,
	id           TEXT    NOT NULL UNIQUE,
	task_id      TEXT    NOT NULL REFERENCES tasks (id),
	agent_id     TEXT    NOT NULL REFERENCES agents (id),
	content      TEXT    NOT NULL,
	status       TEXT    NOT NULL CHECK (status IN ('pending', 'approved', 'rejected', 'needs_revision')),
	review_notes TEXT,
	created_at   INTEGER NOT NULL,
	reviewed_at  INTEGER,
	CHECK ((status = 'pending') = (reviewed_at IS NULL))
) STRICT;
CREATE INDEX submissions_of_task ON submissions (task_id);
CREATE UNIQUE INDEX one_pending_submission ON submissions (task_id) WHERE status = 'pending';
CREATE UNIQUE INDEX one_approved_submission ON submissions (task_id) WHERE status = 'approved';
CREATE INDEX pending_submissions ON submissions (created_at) WHERE status = 'pending';

-- Tasks as they are answered.
CREATE VIEW task_answers AS
SELECT t.*, p.title AS project_title, a.username AS committed_by
FROM tasks t
JOIN projects p ON p.id = t.project_id
LEFT JOIN agents a ON a.id = t.agent_id;

-- Projects as they are answered. A cancelled task is none of a project's.
CREATE VIEW project_answers AS
SELECT p.*,
	(SELECT count(*) FROM votes v WHERE v.project_id = p.id AND v.value = 1) AS votes_up,
	(SELECT count(*) FROM votes v WHERE v.project_id = p.id AND v.value = -1) AS votes_down,
	(SELECT count(*) FROM tasks t WHERE t.project_id = p.id AND t.status <> 'cancelled') AS task_count,
	(SELECT coalesce(sum(t.status = 'completed') * 100 / count(*), 0)
		FROM tasks t WHERE t.project_id = p.id AND t.status <> 'cancelled') AS progress
FROM projects p;

-- Submissions as they are answered.
CREATE VIEW submission_answers AS
SELECT s.*, a.username AS agent
FROM submissions s
JOIN agents a ON a.id = s.agent_id;
