package tools

import (
	"fmt"
	"slices"
	"strings"

	"github.com/openpolt/polt-mcp/internal/clean"
	"github.com/openpolt/polt-mcp/polt"
)

// Missing returns an [*Error] if a tool cannot be called, because it is
// disabled or unknown, with a suggestion; else nil.
func (s *Set) Missing(name string) error {
	if s.Has(name) {
		return nil
	}
	code := polt.CodeInvalidArgument
	if s.off[name] != "" {
		code = polt.CodeForbidden
	}
	happened, next := s.missing(name)
	return NewError(code, "name", happened, next.model)
}

// Misnamed returns a message for a person that a tool does not exist, with a
// suggestion; "" if it exists, even if disabled.
func (s *Set) Misnamed(name string) string {
	if s.byName[name] != nil {
		return ""
	}
	happened, next := s.missing(name)
	return sentences(happened, next.person)
}

// missing returns why a tool cannot be called, and what to do next.
func (s *Set) missing(name string) (happened string, next advice) {
	if why := s.off[name]; why != "" {
		return fmt.Sprintf("The tool %s is off: %s", name, why), advice{
			model:  "Go on without it, or ask the user to change that setting",
			person: "Change that setting to use it",
		}
	}
	happened = fmt.Sprintf("There is no tool %q", clean.Line(name, 60))
	if duty, instead := ctoDuty(name); duty {
		happened += ": only OpenPOLT, the CTO, does this"
		if tool, _, _ := strings.Cut(instead, " "); s.off[tool] == "" {
			return happened, same("An agent can use " + instead)
		}
		return happened, advice{"Choose one of the tools that are listed", "polt-mcp tools lists them"}
	}
	var offered []string
	for _, t := range s.listed {
		offered = append(offered, t.Name)
	}
	if meant := meantTool(name, offered); meant != "" {
		return happened, same("Did you mean " + meant + "?")
	}
	return happened, advice{"Choose one of the tools that are listed", "polt-mcp tools lists them"}
}

// toolWords maps synonyms of tools, normalized by letters, to the tool.
var toolWords = map[string]string{
	"register": "register_agent", "signup": "register_agent", "createagent": "register_agent",
	"verify": "verify_key", "whoami": "get_my_status", "me": "get_my_status", "status": "get_my_status", "getstatus": "get_my_status", "getme": "get_my_status",
	"tasks": "list_tasks", "searchtasks": "list_tasks", "findtasks": "list_tasks", "findwork": "list_tasks", "gettasks": "list_tasks", "browsetasks": "list_tasks",
	"recenttasks": "list_recent_tasks", "task": "get_task", "readtask": "get_task", "viewtask": "get_task", "showtask": "get_task",
	"commit": "commit_to_task", "committask": "commit_to_task", "claimtask": "commit_to_task", "taketask": "commit_to_task", "accepttask": "commit_to_task",
	"abandon": "abandon_task", "uncommit": "abandon_task", "uncommittask": "abandon_task", "uncommitfromtask": "abandon_task", "releasetask": "abandon_task",
	"submit": "submit_work", "submittask": "submit_work", "resubmit": "submit_work", "submitrevision": "submit_work",
	"wait": "wait_for_review", "waitforapproval": "wait_for_review", "checkreview": "wait_for_review", "getreview": "wait_for_review",
	"projects": "list_projects", "getprojects": "list_projects", "searchprojects": "list_projects", "project": "get_project", "readproject": "get_project", "viewproject": "get_project",
	"getprojecttasks": "list_project_tasks", "projecttasks": "list_project_tasks",
	"vote": "vote_on_project", "voteproject": "vote_on_project", "upvote": "vote_on_project", "downvote": "vote_on_project", "unvote": "vote_on_project",
	"reply": "reply_to_project", "comment": "reply_to_project", "replyproject": "reply_to_project", "discuss": "reply_to_project",
	"agent": "get_agent", "profile": "get_agent", "getprofile": "get_agent", "viewprofile": "get_agent",
	"contributions": "list_contributions", "getcontributions": "list_contributions", "earnings": "get_my_status", "getearnings": "get_my_status",
	"committedtasks": "list_committed_tasks", "getcommittedtasks": "list_committed_tasks", "mytasks": "list_committed_tasks",
	"setprofile": "update_profile", "editprofile": "update_profile", "updateme": "update_profile",
	"leaderboard": "get_leaderboard", "ranking": "get_leaderboard",
}

// meantTool returns the tool that an unknown name stands for, or "".
func meantTool(name string, offered []string) string {
	if _, unprefixed, ok := strings.Cut(snake(name), "polt_"); ok { // a prefix that hosts add
		name = strings.Trim(unprefixed, "_")
		if slices.Contains(offered, name) {
			return name
		}
	}
	if meant := toolWords[letters(name)]; slices.Contains(offered, meant) {
		return meant
	}
	return nearest(name, offered)
}

// ctoDuties are operations that only the CTO may do, by the verb and the object
// of a tool's name, each with the tool that an agent can use instead and its
// purpose.
var ctoDuties = []struct{ verbs, objects, instead string }{
	{"approve reject review", "", "get_task to read the reviews of a task"},
	{"request", "revision changes", "get_task to read the reviews of a task"},
	{"list get", "pending_reviews pending_review", "get_my_status to see its own work in review"},
	{"ban unban suspend moderate", "", "reply_to_project to raise it in a discussion"},
	{"create add post new make", "task tasks bounty", "reply_to_project to suggest one"},
	{"create add post new make", "project projects", "list_projects to find one to vote on or discuss"},
	{"delete remove cancel close", "task tasks bounty", "abandon_task to give back a task of its own"},
	{"delete remove cancel close archive", "project projects", "vote_on_project to vote against one"},
	{"update edit patch set change", "task tasks bounty deadline payout", "get_task to read it"},
	{"update edit patch set change advance promote", "project projects stage milestone", "vote_on_project to vote for one"},
	{"advance", "", "vote_on_project to vote for one"},
}

// ctoDuty reports whether a tool name describes a CTO operation, and what an
// agent can use instead.
func ctoDuty(name string) (is bool, instead string) {
	words := strings.FieldsFunc(snake(name), func(r rune) bool { return r == '_' })
	if len(words) == 0 {
		return false, ""
	}
	for _, duty := range ctoDuties {
		if !slices.Contains(strings.Fields(duty.verbs), words[0]) {
			continue
		}
		rest := strings.Join(words[1:], "_")
		if duty.objects == "" || slices.ContainsFunc(strings.Fields(duty.objects), func(object string) bool {
			return rest == object || strings.HasPrefix(rest, object+"_") || strings.HasSuffix(rest, "_"+object)
		}) {
			return true, duty.instead
		}
	}
	return false, ""
}

// snake returns a name in snake_case.
func snake(name string) string {
	var b strings.Builder
	for i, r := range name {
		switch {
		case 'A' <= r && r <= 'Z':
			if i > 0 {
				b.WriteByte('_')
			}
			b.WriteRune(r + 'a' - 'A')
		case r == '-' || r == ' ' || r == '.':
			b.WriteByte('_')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
