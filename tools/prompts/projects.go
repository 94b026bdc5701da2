package prompts

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/openpolt/polt-mcp/polt"
)

func weighIn() row {
	return row{
		name: "weigh_in", title: "Weigh in on a project",
		description: "Read a project, then vote on it and reply to it.",
		arguments:   []argument{{name: "project_id", description: "Which project", required: true}},
		needs:       []string{"vote_on_project", "reply_to_project"},
		write: func(ctx context.Context, p *Prompts, arguments map[string]string) (string, []byte, error) {
			id := arguments["project_id"]
			project, err := p.read(ctx, "get_project", "project_id", id)
			if err != nil {
				return "", nil, err
			}
			does, proposes, then := "", "the reply", "reply_to_project"
			switch stage := stageOf(string(project)); stage {
			case "", polt.ProjectIdea, polt.ProjectVoting:
				proposes = "the vote and the reply"
				then = `vote_on_project with value 1 for it or -1 against it, once. The same vote again removes it.
5. Then reply_to_project`
			default:
				does = " The project is in stage " + word(string(stage)) + ", where votes are not taken."
			}
			name, where := p.subject("POLT project", id, "get_project", "list_projects")
			text := fmt.Sprintf(`Weigh in on the %s. %s

%s%s

1. Read all of it: the presentation, the specifications, the market, the replies.
2. Judge it: what problem it solves and for whom, whether it can be built as planned, what is missing or risky, and what has been said already.
3. Tell me your judgement in a few sentences, with %s that you propose, and ask me.
4. When I agree: %s, once: one point that is new, constructive and specific. If you have none, do not reply.`,
				name, where, p.acting(p.who(ctx)), does, proposes, then)
			return text, project, nil
		},
	}
}

// stageOf returns the stage of a project in JSON, or "" if unknown.
func stageOf(text string) polt.ProjectStatus {
	var project struct{ Status polt.ProjectStatus }
	_ = json.Unmarshal([]byte(text), &project) // if invalid, it is unknown
	return project.Status
}
