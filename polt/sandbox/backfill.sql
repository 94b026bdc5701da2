-- The events that the state still tells of, for a world that was made without
-- recording them: a new seed, or a file of schema 1.
INSERT INTO events (kind, at, project_id, task_id, submission_id, agent_id, detail, notes)
SELECT kind, at, project_id, task_id, submission_id, agent_id, detail, notes FROM (
	SELECT 0 AS rank, 'agent_registered' AS kind, created_at AS at, NULL AS project_id, NULL AS task_id,
		NULL AS submission_id, id AS agent_id, '' AS detail, '' AS notes, seq
	FROM agents
	UNION ALL SELECT 1, 'project_created', created_at, id, NULL, NULL, NULL, '', '', seq FROM projects
	UNION ALL SELECT 2, 'project_advanced', advanced_at, project_id, NULL, NULL, NULL, status, notes, seq FROM advances
	UNION ALL SELECT 3, 'project_replied', created_at, project_id, NULL, NULL, agent_id, '', body, seq FROM replies
	UNION ALL SELECT 4, 'task_created', created_at, project_id, id, NULL, NULL, '', '', seq FROM tasks
	UNION ALL SELECT 5, 'task_committed', committed_at, project_id, id, NULL, agent_id, '', '', seq
		FROM tasks WHERE committed_at IS NOT NULL
	UNION ALL SELECT 6, 'work_submitted', s.created_at, t.project_id, t.id, s.id, s.agent_id, '', '', s.seq
		FROM submissions s JOIN tasks t ON t.id = s.task_id
	UNION ALL SELECT 7, CASE s.status
			WHEN 'approved' THEN 'work_approved'
			WHEN 'rejected' THEN 'work_rejected'
			ELSE 'revision_requested' END,
			s.reviewed_at, t.project_id, t.id, s.id, s.agent_id, '', coalesce(s.review_notes, ''), s.seq
		FROM submissions s JOIN tasks t ON t.id = s.task_id WHERE s.reviewed_at IS NOT NULL
) ORDER BY at, rank, seq;
