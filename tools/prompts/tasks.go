package prompts

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/openpolt/polt-mcp/internal/clean"
	"github.com/openpolt/polt-mcp/polt"
)

// taskID is the argument that names a task.
var taskID = argument{name: "task_id", description: "Which task", required: true}

func findWork() row {
	return row{
		name: "find_work", title: "Find work",
		description: "Compare the available tasks with what you can do, and recommend one. Commits to nothing.",
		arguments: []argument{
			{name: "skills", description: "What you can do, such as: Go,testing,German"},
			{name: "difficulty", description: "Only tasks of this difficulty: easy, medium, hard or expert", values: polt.Difficulty("").Values()},
			{name: "days", description: "Within how many days it is to be done", check: checkDays},
		},
		needs: []string{"list_tasks"},
		write: func(ctx context.Context, p *Prompts, arguments map[string]string) (string, []byte, error) {
			query := map[string]any{"status": polt.TaskAvailable, "sort": polt.TasksByPayout}
			if d := arguments["difficulty"]; d != "" {
				query["difficulty"] = d
			}
			within := "any time"
			if days := arguments["days"]; days != "" {
				query["sort"] = polt.TasksByDeadline
				within = "within " + days + " days; leave out what is overdue, or due before it can be done"
			}
			list, err := p.set.ReadSummary(ctx, "list_tasks", query)
			if err != nil {
				return "", nil, err
			}
			situation := now()
			if who := p.who(ctx); who != "" {
				situation = p.acting(who) + p.holding(ctx, who) + " " + situation
			}
			text := fmt.Sprintf(`Find a task on POLT for me to work on.

- Skills: %s
- Difficulty: %s
- To be done: %s

%s

The available tasks are at the end of this message, as list_tasks gives them. %s

1. Choose up to five that fit. If none does, look at more pages with list_tasks, or say so.
2. Read each%s: the whole description, and why earlier submissions were rejected.
3. Compare them in a table: title, task_id, payout, difficulty, deadline, why it fits, what could go wrong.
4. Recommend one and ask me.%s`,
				or(oneLine(arguments["skills"]), "judge by what you can do"), or(arguments["difficulty"], "any"), within, situation, untrusted,
				p.where("get_task", " with get_task", " at polt://tasks/ and its id"),
				p.where("commit_to_task", " Do not call commit_to_task before I have agreed: it locks the task, and at most 3 can be held at once.", ""))
			return text, list, nil
		},
	}
}

func checkDays(text string) string {
	if n, err := strconv.Atoi(text); err != nil || n < 1 || n > 3650 {
		return fmt.Sprintf("%q is not a whole number of days from 1 to 3650", clean.Line(text, 40))
	}
	return ""
}

func workOnTask() row {
	return row{
		name: "work_on_task", title: "Work on a task",
		description: "Take one task from where it stands to a submission that is fit to be approved.",
		arguments:   []argument{taskID},
		needs:       []string{"commit_to_task", "submit_work"},
		write: func(ctx context.Context, p *Prompts, arguments map[string]string) (string, []byte, error) {
			id := arguments[taskID.name]
			task, err := p.read(ctx, "get_task", taskID.name, id)
			if err != nil {
				return "", nil, err
			}
			name, where := p.subject("POLT task", id, "get_task", "list_tasks")
			who, stands := p.who(ctx), standingOf(string(task))
			first, possible := stands.work(who)
			if !possible {
				return fmt.Sprintf(`The %s was to be worked on. %s

%s The task is %s. Stop, commit to nothing, submit nothing, and tell me.`, name, where, p.acting(who), stands.is()), task, nil
			}
			text := fmt.Sprintf(`Work on the %s. %s

%s %s

%s

Then:
1. Write down what "done" means: every point of the description, and every reason for which an earlier submission was rejected.
2. Do all of it. If you cannot by the deadline, say so%[6]s soon.
3. Check the result against that list before you submit.

A good submission
- is complete: the reviewer sees submission_content and nothing else, so it holds the work itself or links that the reviewer can open;
- answers each point of the description, and each earlier rejection, by name;
- says how it was checked, and what it does not do;
- holds no key and nothing private of mine.

4. Call submit_work once, with the task's task_id. A review takes time: %[7]s.`,
				name, where, p.acting(who), now(), first,
				p.where("abandon_task", " and abandon_task", ""), p.where("wait_for_review", "then wait_for_review, or do other work", "do other work meanwhile, and look later"))
			return text, task, nil
		},
	}
}

func answerRevision() row {
	return row{
		name: "answer_revision", title: "Answer a revision",
		description: "Mend what a review found missing in your submission, and submit again.",
		arguments:   []argument{taskID},
		needs:       []string{"submit_work"},
		write: func(ctx context.Context, p *Prompts, arguments map[string]string) (string, []byte, error) {
			id := arguments[taskID.name]
			task, err := p.read(ctx, "get_task", taskID.name, id)
			if err != nil {
				return "", nil, err
			}
			name, where := p.subject("POLT task", id, "get_task", "list_tasks")
			who := p.who(ctx)
			first, not := standingOf(string(task)).revise(who)
			if not != "" {
				return fmt.Sprintf(`A revision of the %s was to be answered. %s

%s %s. Stop, submit nothing, and tell me.`, name, where, p.acting(who), not), task, nil
			}
			text := fmt.Sprintf(`A review of my submission to the %s asked for a revision. %s Its submissions are the oldest first.

%s %s%s

1. Find the last submission and its review_notes. List every point that they raise, and what the description asks for besides.
2. Mend each. Keep what was not criticised.
3. Begin the new submission with a list: each point, and what was done about it. Then the whole work again: the reviewer must need nothing else.
4. Call submit_work with the task's task_id, once and promptly. If the points cannot be met, tell me%[6]s.`,
				name, where, p.acting(who), now(), first, p.where("abandon_task", ", and abandon_task", ""))
			return text, task, nil
		},
	}
}

// oneLine replaces each run of whitespace with a space.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
