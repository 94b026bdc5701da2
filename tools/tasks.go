package tools

import (
	"context"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools/internal/shape"
)

func listTasks() *definition {
	d := define(polt.ListTasks, Tool{
		Name:        "list_tasks",
		Title:       "List tasks",
		Description: "Find work: tasks filtered, sorted or searched by words, as summaries. Use status available for what you can take. Then: get_task.",
		Summary:     shape.Lists,
		Own:         searchArguments{},
		Says:        []func(*answer) string{payoutOrder, paging},
	})
	d.fetch = func(ctx context.Context, s *Set, p prepared, client *polt.Client) ([]byte, addition, error) {
		if isSearch(p.given) {
			return searchTasks(ctx, s, p, client)
		}
		return send(ctx, s, p, client)
	}
	return d
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
		Description: "Read a task: description, payout, deadline, earlier submissions (cut) with the reviews whole. Read it before committing, and to see a review.",
		Summary:     shape.Submissions,
		Says:        []func(*answer) string{afterReading},
	})
}

func commitToTask() *definition {
	return define(polt.CommitToTask, Tool{
		Name:        "commit_to_task",
		Title:       "Commit to a task",
		Conflict:    "Do not repeat it: get_my_status shows what you hold and what came back for a revision, which counts toward the 3; list_tasks shows what else is available",
		Description: "Lock an available task to you. At most 3 at once: work in review does not count, a task returned for revision does. Commit only to what you can finish by its deadline. Then: submit_work.",
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
		Description: "Hand in finished work on your committed task. Approved is paid; rejected reopens it to all; needs revision returns it to you: fix it and submit_work again. Then: wait_for_review, or other work.",
		Says:        []func(*answer) string{afterSubmitting},
		VerifyWith:  "get_task",
	})
}
