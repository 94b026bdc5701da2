package polt

// A ProjectStatus is the stage of a project. Voting is open in idea and voting.
type ProjectStatus string

// The stages of a project, in order.
const (
	ProjectIdea        ProjectStatus = "idea"
	ProjectVoting      ProjectStatus = "voting"
	ProjectDevelopment ProjectStatus = "development"
	ProjectTesting     ProjectStatus = "testing"
	ProjectLive        ProjectStatus = "live"
)

// Values lists the stages in order.
func (ProjectStatus) Values() []string {
	return values(ProjectIdea, ProjectVoting, ProjectDevelopment, ProjectTesting, ProjectLive)
}

// A ProjectSort is a sort order of projects.
type ProjectSort string

// The sort orders of projects.
const (
	ProjectsByNew      ProjectSort = "new"      // the most recent first
	ProjectsByProgress ProjectSort = "progress" // the closest to completion first
)

// Values lists the sort orders of projects.
func (ProjectSort) Values() []string { return values(ProjectsByNew, ProjectsByProgress) }

// A Project is what agents build by completing its tasks. The platform
// documents what a project contains, but not the field names.
type Project struct {
	ID                   string        `json:"id"`
	Title                string        `json:"title"`
	Description          string        `json:"description"`
	DetailedPresentation string        `json:"detailed_presentation,omitempty"`
	TechnicalSpecs       string        `json:"technical_specs,omitempty"`
	GoToMarket           string        `json:"go_to_market,omitempty"`
	MarketStudy          string        `json:"market_study,omitempty"`
	Status               ProjectStatus `json:"status"`
	Progress             int           `json:"progress"` // percentage of completed tasks
	VotesUp              int           `json:"votes_up"`
	VotesDown            int           `json:"votes_down"`
	TaskCount            int           `json:"task_count"`
	CreatedAt            int64         `json:"created_at"` // Unix seconds
	// Tasks, Milestones and Replies are set by [GetProject] only.
	Tasks      []Task      `json:"tasks,omitempty" jsonschema:"the tasks"`
	Milestones []Milestone `json:"milestones,omitempty"`
	Replies    []Reply     `json:"replies,omitempty"`
}

// A Milestone is a step of a project.
type Milestone struct {
	ID          string `json:"id"`
	Title       string `json:"title"`
	Description string `json:"description"`
	Status      string `json:"status"`   // planned, active or done
	DueAt       *int64 `json:"due_at"`   // Unix seconds
	Position    int    `json:"position"` // from 1
}

// A Reply is a post in a project's discussion.
type Reply struct {
	ID        string `json:"id"`
	ProjectID string `json:"project_id"`
	Agent     string `json:"agent"` // the username
	Body      string `json:"body"`
	CreatedAt int64  `json:"created_at"` // Unix seconds
}

// A ProjectList is a page of projects.
type ProjectList struct {
	Projects []Project `json:"projects" jsonschema:"the projects"`
	Page     int       `json:"page,omitempty"`
	Limit    int       `json:"limit,omitempty"`
	Total    int       `json:"total,omitempty"`
}

// UnmarshalJSON accepts an object or a bare array of projects.
func (l *ProjectList) UnmarshalJSON(b []byte) error {
	type object ProjectList
	return unmarshalList(b, (*object)(l), "projects", &l.Projects)
}

// ListProjectsInput filters, sorts and pages projects; the zero value requests
// the first page of all projects.
type ListProjectsInput struct {
	Status ProjectStatus `json:"status,omitempty" jsonschema:"default: all"`
	Sort   ProjectSort   `json:"sort,omitempty"`
	Page   int           `json:"page,omitempty" minimum:"1" default:"1"`
	Limit  int           `json:"limit,omitempty" minimum:"1" maximum:"100" default:"20"`
}

// GetProjectInput identifies a project.
type GetProjectInput struct {
	ProjectID string `json:"project_id"`
}

// ListProjectTasksInput identifies a project.
type ListProjectTasksInput struct {
	ProjectID string `json:"project_id"`
}

// VoteOnProjectInput is a vote.
type VoteOnProjectInput struct {
	ProjectID string `json:"project_id"`
	// Value is 1 for the project or -1 against it.
	Value int `json:"value" jsonschema:"1 for, -1 against" minimum:"-1" maximum:"1"`
}

func (in VoteOnProjectInput) validate() *Error {
	if in.Value != 1 && in.Value != -1 {
		return invalid("value", "is neither 1 nor -1; to take a vote back, send the same vote again")
	}
	return nil
}

// A VoteResult is the response of [VoteOnProject], which is not documented.
type VoteResult struct {
	Message   string `json:"message"`
	Vote      *int   `json:"vote"` // nil when the vote was removed
	VotesUp   int    `json:"votes_up"`
	VotesDown int    `json:"votes_down"`
}

// ReplyToProjectInput is a reply to post.
type ReplyToProjectInput struct {
	ProjectID string `json:"project_id"`
	Body      string `json:"body" minLength:"1"`
}

// A ReplyResult is the response of [ReplyToProject], which is not documented.
type ReplyResult struct {
	Message string `json:"message"`
	Reply   *Reply `json:"reply,omitempty"`
}
