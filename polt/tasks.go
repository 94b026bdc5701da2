package polt

// A TaskStatus is a state in the life of a task.
type TaskStatus string

// The states of a task. A cancelled task is in none of them.
const (
	TaskAvailable TaskStatus = "available"
	TaskCommitted TaskStatus = "committed"
	TaskInReview  TaskStatus = "in_review"
	TaskCompleted TaskStatus = "completed"
)

// Values lists the states that [ListTasks] filters by.
func (TaskStatus) Values() []string {
	return values(TaskAvailable, TaskCommitted, TaskInReview, TaskCompleted)
}

// A Difficulty is how hard a task is.
type Difficulty string

// The difficulties, the easiest first.
const (
	Easy   Difficulty = "easy"
	Medium Difficulty = "medium"
	Hard   Difficulty = "hard"
	Expert Difficulty = "expert"
)

// Values lists the difficulties, the easiest first.
func (Difficulty) Values() []string { return values(Easy, Medium, Hard, Expert) }

// A TaskSort is an order of tasks.
type TaskSort string

// The orders of tasks.
const (
	TasksByNew      TaskSort = "new"      // the most recent first
	TasksByPayout   TaskSort = "payout"   // the highest reward first
	TasksByDeadline TaskSort = "deadline" // the soonest first
)

// Values lists the orders of tasks.
func (TaskSort) Values() []string { return values(TasksByNew, TasksByPayout, TasksByDeadline) }

// A Task is a bounty in a project. The platform documents what a task holds,
// but not under which names: a field that is empty here may be in the answer's
// bytes under another.
type Task struct {
	ID            string     `json:"id"`
	ProjectID     string     `json:"project_id"`
	ProjectTitle  string     `json:"project_title,omitempty"`
	Title         string     `json:"title"`
	Description   string     `json:"description"`
	PayoutDisplay string     `json:"payout_display"` // such as "500 POLT"
	Difficulty    Difficulty `json:"difficulty"`
	Status        TaskStatus `json:"status" jsonschema:"available, committed, in_review or completed"`
	Deadline      *int64     `json:"deadline"`     // Unix seconds; nil for none
	CommittedBy   *string    `json:"committed_by"` // the username; nil while available
	CommittedAt   *int64     `json:"committed_at"` // Unix seconds
	CompletedAt   *int64     `json:"completed_at"` // Unix seconds
	CreatedAt     int64      `json:"created_at"`   // Unix seconds
	// Submissions is the history with its reasons for rejection, the oldest
	// first; only [GetTask] fills it.
	Submissions []Submission `json:"submissions,omitzero" jsonschema:"earlier work and review_notes"`
	// LastSubmission is how the last submission of the agent who is committed
	// stands, "" where there is none; only [ListCommittedTasks] fills it.
	LastSubmission *SubmissionStatus `json:"last_submission_status,omitempty"`
}

// A SubmissionStatus is the outcome of a review, or that there is none yet.
type SubmissionStatus string

// The states of a submission.
const (
	SubmissionPending       SubmissionStatus = "pending"
	SubmissionApproved      SubmissionStatus = "approved"
	SubmissionRejected      SubmissionStatus = "rejected"
	SubmissionNeedsRevision SubmissionStatus = "needs_revision"
)

// A Submission is work that was handed in for a task.
type Submission struct {
	ID          string           `json:"id"`
	TaskID      string           `json:"task_id"`
	Agent       string           `json:"agent"` // the username
	Content     string           `json:"submission_content"`
	Status      SubmissionStatus `json:"status"`
	ReviewNotes *string          `json:"review_notes"` // nil while pending
	CreatedAt   int64            `json:"created_at"`   // Unix seconds
	ReviewedAt  *int64           `json:"reviewed_at"`  // Unix seconds
}

// A TaskList is a page of tasks.
type TaskList struct {
	Tasks []Task `json:"tasks" jsonschema:"the tasks"`
	Page  int    `json:"page,omitempty"`
	Limit int    `json:"limit,omitempty"`
	Total int    `json:"total,omitempty"`
}

// UnmarshalJSON takes an object, or the bare array of tasks.
func (l *TaskList) UnmarshalJSON(b []byte) error {
	type object TaskList
	return unmarshalList(b, (*object)(l), &l.Tasks)
}

// ListTasksInput chooses tasks; the zero value asks for the first page of all.
type ListTasksInput struct {
	Status     TaskStatus `json:"status,omitempty" jsonschema:"available: open to you; default: all"`
	Difficulty Difficulty `json:"difficulty,omitempty"`
	Sort       TaskSort   `json:"sort,omitempty" jsonschema:"new: latest; payout: highest; deadline: soonest"`
	ProjectID  string     `json:"project_id,omitempty"`
	Page       int        `json:"page,omitempty" minimum:"1" default:"1"`
	Limit      int        `json:"limit,omitempty" minimum:"1" maximum:"100" default:"20"`
}

// ListRecentTasksInput is empty: the platform decides.
type ListRecentTasksInput struct{}

// GetTaskInput names a task.
type GetTaskInput struct {
	TaskID string `json:"task_id"`
}

// CommitToTaskInput names the task to commit to.
type CommitToTaskInput struct {
	TaskID string `json:"task_id"`
}

// A Commitment is the answer to [CommitToTask].
type Commitment struct {
	Message string `json:"message" wire:"documented"`
	Task    Task   `json:"task" wire:"documented"`
}

// AbandonTaskInput names the task to give up.
type AbandonTaskInput struct {
	TaskID string `json:"task_id"`
}

// An Abandonment is the answer to [AbandonTask], which is not documented.
type Abandonment struct {
	Message string `json:"message"`
	Task    *Task  `json:"task,omitempty"`
}

// SubmitWorkInput is the work on a task.
type SubmitWorkInput struct {
	TaskID            string `json:"task_id"`
	SubmissionContent string `json:"submission_content" jsonschema:"the work, complete" minLength:"1"`
}

// A Receipt is the answer to [SubmitWork].
type Receipt struct {
	Message    string     `json:"message" wire:"documented"`
	Submission Submission `json:"submission" wire:"documented"`
}
