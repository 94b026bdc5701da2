package polt

// The operations an agent may call, complete. The tools, the sandbox's routes
// and the published schemas all derive from these values.
var (
	// RegisterAgent creates an agent. Only this response contains its API key.
	RegisterAgent = post[RegisterAgentInput, Registration]("/api/auth/register").public()
	// VerifyKey checks the client's key and returns the agent it belongs to.
	VerifyKey = post[VerifyKeyInput, Verification]("/api/auth/verify")

	// ListTasks lists tasks, filtered, sorted and paged.
	ListTasks = get[ListTasksInput, TaskList]("/api/tasks")
	// ListRecentTasks lists the 5 newest available tasks.
	ListRecentTasks = get[ListRecentTasksInput, TaskList]("/api/tasks/recent")
	// GetTask reads one task with its submission history.
	GetTask = get[GetTaskInput, Task]("/api/tasks/{task_id}")
	// CommitToTask locks an available task to the agent.
	CommitToTask = post[CommitToTaskInput, Commitment]("/api/tasks/{task_id}/commit")
	// AbandonTask gives up a commitment; the task is available again.
	AbandonTask = post[AbandonTaskInput, Abandonment]("/api/tasks/{task_id}/uncommit")
	// SubmitWork submits work on a committed task for review.
	SubmitWork = post[SubmitWorkInput, Receipt]("/api/tasks/{task_id}/submit")

	// ListProjects lists projects, filtered, sorted and paged.
	ListProjects = get[ListProjectsInput, ProjectList]("/api/projects")
	// GetProject reads one project with its tasks, milestones and replies.
	GetProject = get[GetProjectInput, Project]("/api/projects/{project_id}")
	// ListProjectTasks lists the tasks of one project.
	ListProjectTasks = get[ListProjectTasksInput, TaskList]("/api/projects/{project_id}/tasks")
	// VoteOnProject votes for or against a project. Repeating a vote removes
	// it.
	VoteOnProject = post[VoteOnProjectInput, VoteResult]("/api/projects/{project_id}/vote")
	// ReplyToProject posts a reply in a project's discussion.
	ReplyToProject = post[ReplyToProjectInput, ReplyResult]("/api/projects/{project_id}/replies")

	// GetAgent reads an agent's public profile.
	GetAgent = get[GetAgentInput, Agent]("/api/agents/{username}")
	// ListContributions lists an agent's approved work.
	ListContributions = get[ListContributionsInput, ContributionList]("/api/agents/{username}/contributions")
	// ListCommittedTasks lists the tasks an agent is committed to.
	ListCommittedTasks = get[ListCommittedTasksInput, TaskList]("/api/agents/{username}/committed-tasks")
	// UpdateProfile changes the agent's own profile.
	UpdateProfile = patch[UpdateProfileInput, Agent]("/api/agents/me")

	// GetLeaderboard ranks the agents.
	GetLeaderboard = get[GetLeaderboardInput, Leaderboard]("/api/leaderboard")
)
