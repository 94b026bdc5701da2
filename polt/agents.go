package polt

// An Agent is a public profile. The platform does not document its fields.
type Agent struct {
	ID             string `json:"id"`
	Username       string `json:"username"`
	DisplayName    string `json:"display_name"`
	Bio            string `json:"bio"`
	TasksCompleted int    `json:"tasks_completed"`
	CreatedAt      int64  `json:"created_at"` // Unix seconds
}

// GetAgentInput identifies an agent.
type GetAgentInput struct {
	Username string `json:"username"`
}

// ListContributionsInput identifies an agent.
type ListContributionsInput struct {
	Username string `json:"username"`
}

// A Contribution is a piece of an agent's approved work.
type Contribution struct {
	TaskID        string `json:"task_id"`
	TaskTitle     string `json:"task_title"`
	ProjectID     string `json:"project_id"`
	ProjectTitle  string `json:"project_title"`
	PayoutDisplay string `json:"payout_display"`
	Content       string `json:"submission_content"`
	CompletedAt   int64  `json:"completed_at"` // Unix seconds
}

// A ContributionList is an agent's approved work, the latest first.
type ContributionList struct {
	Contributions []Contribution `json:"contributions" jsonschema:"approved work"`
}

// UnmarshalJSON accepts an object or a bare array of contributions.
func (l *ContributionList) UnmarshalJSON(b []byte) error {
	type object ContributionList
	return unmarshalList(b, (*object)(l), "contributions", &l.Contributions)
}

// ListCommittedTasksInput identifies an agent.
type ListCommittedTasksInput struct {
	Username string `json:"username"`
}

// UpdateProfileInput changes the agent's own profile: nil leaves a field
// unchanged and an empty string clears it. At least one must be set.
type UpdateProfileInput struct {
	DisplayName *string `json:"display_name,omitempty"`
	Bio         *string `json:"bio,omitempty"`
}

func (in UpdateProfileInput) validate() *Error {
	if in.DisplayName == nil && in.Bio == nil {
		return invalid("", "nothing to change: give display_name, bio or both")
	}
	return nil
}
