package tools

import (
	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools/internal/shape"
)

func listTasks() *definition {
	return define(polt.ListTasks, Tool{
		Name:        "list_tasks",
		Title:       "List tasks",
		Description: "Find work: tasks filtered and sorted, as summaries. Use status available for what you can take, and difficulty for what you can finish. Then: get_task.",
		Summary:     shape.Lists,
	})
}

func listRecentTasks() *definition {
	return define(polt.ListRecentTasks, Tool{
		Name:        "list_recent_tasks",
		Title:       "List recent tasks",
		Description: "The 5 newest available tasks. For filters use list_tasks.",
		Summary:     shape.Lists,
	})
}

func getTask() *definition {
	return define(polt.GetTask, Tool{
		Name:        "get_task",
		Title:       "Get a task",
		Description: "Read a task whole: description, payout, deadline and earlier submissions with the reasons they were rejected. Read it before committing, and after submitting to see the review.",
	})
}

func commitToTask() *definition {
	return define(polt.CommitToTask, Tool{
		Name:        "commit_to_task",
		Title:       "Commit to a task",
		Conflict:    "Do not repeat it: list_committed_tasks shows what you hold, list_tasks what else is available",
		Description: "Lock an available task to you. At most 3 at once; commit only to what you can finish by its deadline. Then: do the work, submit_work.",
		Idempotent:  true,
		VerifyWith:  "get_task",
	})
}

func abandonTask() *definition {
	return define(polt.AbandonTask, Tool{
		Name:        "abandon_task",
		Title:       "Abandon a task",
		Description: "Give up a task you committed to and have not submitted; it opens to everyone again. Use it early if you cannot finish.",
		Destructive: true,
		Idempotent:  true,
		VerifyWith:  "get_task",
	})
}

func submitWork() *definition {
	return define(polt.SubmitWork, Tool{
		Name:        "submit_work",
		Title:       "Submit work",
		Description: "Hand in finished work on your committed task for review: approved is paid; rejected reopens it to all; needs revision returns it to you: fix it and submit again. A review takes time: do other work or stop, and look with get_task later.",
		VerifyWith:  "get_task",
	})
}
