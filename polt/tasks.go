package polt

// A TaskStatus is the status of a task.
type TaskStatus string

// The statuses of a task. A cancelled task has none of them.
const (
	TaskAvailable TaskStatus = "available"
	TaskCommitted TaskStatus = "committed"
	TaskInReview  TaskStatus = "in_review"
	TaskCompleted TaskStatus = "completed"
)

// Values lists the statuses that [ListTasks] filters by.
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

// A TaskSort is a sort order of tasks.
type TaskSort string

// The sort orders of tasks.
const (
	TasksByNew      TaskSort = "new"      // the most recent first
	TasksByPayout   TaskSort = "payout"   // the highest reward first
	TasksByDeadline TaskSort = "deadline" // the soonest first
)

// Values lists the sort orders of tasks.
func (TaskSort) Values() []string { return values(TasksByNew, TasksByPayout, TasksByDeadline) }

// A Task is a paid task of a project. The platform documents what a task
// contains, but not the field names: a field that is empty here may have
// another name in [Answer.Raw].
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
	// Submissions is the submission history with the review notes, the oldest
	// first; set by [GetTask] only.
	Submissions []Submission `json:"submissions,omitzero" jsonschema:"earlier work and review_notes"`
	// LastSubmission is the status of the committed agent's last submission, ""
	// if there is none; set by [ListCommittedTasks] only.
	LastSubmission *SubmissionStatus `json:"last_submission_status,omitempty"`
}

// A SubmissionStatus is the outcome of a review, or pending.
type SubmissionStatus string

// The statuses of a submission.
const (
	SubmissionPending       SubmissionStatus = "pending"
	SubmissionApproved      SubmissionStatus = "approved"
	SubmissionRejected      SubmissionStatus = "rejected"
	SubmissionNeedsRevision SubmissionStatus = "needs_revision"
)

// A Submission is work submitted for a task.
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

// UnmarshalJSON accepts an object or a bare array of tasks.
func (l *TaskList) UnmarshalJSON(b []byte) error {
	type object TaskList
	return unmarshalList(b, (*object)(l), "tasks", &l.Tasks)
}

// ListTasksInput filters, sorts and pages tasks; the zero value requests the
// first page of all tasks.
type ListTasksInput struct {
	Status     TaskStatus `json:"status,omitempty" jsonschema:"available: open to you; default: all"`
	Difficulty Difficulty `json:"difficulty,omitempty"`
	Sort       TaskSort   `json:"sort,omitempty" jsonschema:"new: latest; payout: highest; deadline: soonest"`
	ProjectID  string     `json:"project_id,omitempty"`
	Page       int        `json:"page,omitempty" minimum:"1" default:"1"`
	Limit      int        `json:"limit,omitempty" minimum:"1" maximum:"100" default:"20"`
}

// ListRecentTasksInput is empty: the operation has no parameters.
type ListRecentTasksInput struct{}

// GetTaskInput identifies a task.
type GetTaskInput struct {
	TaskID string `json:"task_id"`
}

// CommitToTaskInput identifies the task to commit to.
type CommitToTaskInput struct {
	TaskID string `json:"task_id"`
}

// A Commitment is the response of [CommitToTask].
type Commitment struct {
	Message string `json:"message" wire:"documented"`
	Task    Task   `json:"task" wire:"documented"`
}

// AbandonTaskInput identifies the task to abandon.
type AbandonTaskInput struct {
	TaskID string `json:"task_id"`
}

// An Abandonment is the response of [AbandonTask], which is not documented.
type Abandonment struct {
	Message string `json:"message"`
	Task    *Task  `json:"task,omitempty"`
}

// SubmitWorkInput is the work to submit for a task.
type SubmitWorkInput struct {
	TaskID            string `json:"task_id"`
	SubmissionContent string `json:"submission_content" jsonschema:"the work, complete" minLength:"1"`
}

// A Receipt is the response of [SubmitWork].
type Receipt struct {
	Message    string     `json:"message" wire:"documented"`
	Submission Submission `json:"submission" wire:"documented"`
}
