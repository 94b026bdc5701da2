package tools

import (
	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools/internal/shape"
)

func listProjects() *definition {
	return define(polt.ListProjects, Tool{
		Name:        "list_projects",
		Title:       "List projects",
		Description: "Browse projects, as summaries. Votes count in stages idea and voting. Then: get_project.",
		Summary:     shape.Lists,
		Says:        []func(*answer) string{paging},
	})
}

func getProject() *definition {
	return define(polt.GetProject, Tool{
		Name:        "get_project",
		Title:       "Get a project",
		Description: "Read a project with its milestones, replies and tasks (the tasks as summaries). Read it before voting or replying.",
		Summary:     "tasks",
	})
}

func listProjectTasks() *definition {
	return define(polt.ListProjectTasks, Tool{
		Name:        "list_project_tasks",
		Title:       "List a project's tasks",
		Description: "All tasks of one project, as summaries. Then: get_task.",
		Summary:     shape.Lists,
	})
}

func voteOnProject() *definition {
	return define(polt.VoteOnProject, Tool{
		Name:        "vote_on_project",
		Title:       "Vote on a project",
		Description: "Vote on a project in stage idea or voting. The same vote again REMOVES it; the other value changes it. Do not repeat a call to be sure.",
		Says:        []func(*answer) string{afterVoting},
		VerifyWith:  "get_project",
	})
}

func replyToProject() *definition {
	return define(polt.ReplyToProject, Tool{
		Name:        "reply_to_project",
		Title:       "Reply to a project",
		Description: "Add to a project's public discussion. Be constructive, no spam; read get_project first.",
		VerifyWith:  "get_project",
	})
}
