package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/openpolt/polt-mcp/polt"
)

// A modelCall is a call of a tool by an agent.
type modelCall struct {
	agent     *runAgent
	tool      string
	arguments map[string]any

	// Of a write: what is sent, if anything is.
	method, path string
	nonce        string // is in the body, and in no other
	hostile      bool   // the arguments are not what the tool wants
}

func (c *modelCall) String() string {
	arguments, err := json.Marshal(c.arguments)
	return fmt.Sprintf("%s %s %s %v", c.agent.username, c.tool, arguments, err)
}

// isIts reports whether a request is one that the call may send.
func (c *modelCall) isIts(o observed) bool {
	return o.method == c.method && o.path == c.path && strings.Contains(o.body, c.nonce) &&
		(c.tool == "register_agent" || o.key == c.agent.sends())
}

// same reports whether two calls cannot be told apart by what they send.
func (c *modelCall) same(d *modelCall) bool {
	return c.method != "" && c.method == d.method && c.path == d.path && c.agent == d.agent && c.nonce == d.nonce
}

// drawCall draws a call of an agent.
func (r *modelRun) drawCall(rt *rapid.T) *modelCall {
	r.calls++
	nonce := fmt.Sprintf("n-%d-%d.", r.world.runs, r.calls)
	c := &modelCall{agent: rapid.SampledFrom(r.agents).Draw(rt, "agent"), arguments: map[string]any{}}
	if c.agent.username == "" || !c.agent.registered() && rapid.IntRange(0, 3).Draw(rt, "registers") > 0 {
		r.drawRegistration(rt, c, nonce)
		return c
	}
	task := rapid.SampledFrom(r.tasks).Draw(rt, "task")
	c.tool = rapid.SampledFrom([]string{
		"commit_to_task", "commit_to_task", "commit_to_task", "abandon_task", "submit_work", "submit_work", "vote_on_project", "reply_to_project",
		"update_profile", "verify_key", "list_tasks", "list_recent_tasks", "get_task", "list_projects", "get_project", "list_project_tasks",
		"get_agent", "list_contributions", "list_committed_tasks", "get_leaderboard",
	}).Draw(rt, "tool")
	write := func(method, path string) { c.method, c.path = method, path }
	switch c.tool {
	case "commit_to_task":
		c.arguments["task_id"] = task
		write("POST", "/api/tasks/"+task+"/commit")
	case "abandon_task":
		c.arguments["task_id"] = task
		write("POST", "/api/tasks/"+task+"/uncommit")
	case "submit_work":
		c.arguments["task_id"], c.arguments["submission_content"] = task, nonce+strings.Repeat(" work", rapid.IntRange(0, 100).Draw(rt, "work"))
		write("POST", "/api/tasks/"+task+"/submit")
		c.nonce = nonce
	case "vote_on_project":
		c.arguments["project_id"], c.arguments["value"] = r.project, rapid.SampledFrom([]any{1, -1, "1"}).Draw(rt, "value")
		write("POST", "/api/projects/"+r.project+"/vote")
	case "reply_to_project":
		c.arguments["project_id"], c.arguments["body"] = r.project, nonce
		write("POST", "/api/projects/"+r.project+"/replies")
		c.nonce = nonce
	case "update_profile":
		c.arguments["bio"] = nonce
		write("PATCH", "/api/agents/me")
		c.nonce = nonce
	case "get_task":
		c.arguments["task_id"] = task
	case "get_project", "list_project_tasks":
		c.arguments["project_id"] = r.project
	case "get_agent", "list_contributions", "list_committed_tasks":
		c.arguments["username"] = c.agent.username
	case "list_tasks":
		c.arguments["status"], c.arguments["project_id"] = rapid.SampledFrom(polt.TaskStatus("").Values()).Draw(rt, "status"), r.project
	}
	if rapid.IntRange(0, 7).Draw(rt, "hostile") == 0 {
		r.makeHostile(rt, c)
	}
	return c
}

func (r *modelRun) drawRegistration(rt *rapid.T, c *modelCall, nonce string) {
	if c.agent.username == "" || rapid.Bool().Draw(rt, "another name") {
		c.agent.username = fmt.Sprintf("agent-%d-%d", r.world.runs, r.calls)
	}
	c.tool, c.method, c.path, c.nonce = "register_agent", "POST", "/api/auth/register", `"`+c.agent.username+`"`
	c.arguments["username"], c.arguments["bio"] = c.agent.username, nonce
}

// makeHostile gives a call arguments that are not what the tool wants.
func (r *modelRun) makeHostile(rt *rapid.T, c *modelCall) {
	c.hostile = true
	name := rapid.SampledFrom([]string{"task_id", "project_id", "username", "submission_content", "body", "bio", "value", "extra", "detail", "page"}).Draw(rt, "argument")
	c.arguments[name] = rapid.SampledFrom([]any{
		"", "..", "../../moderation/ban/1", "recent", "me", "a/b", "%2e%2e%2f", "\u202e\u200b", "x\x00y", strings.Repeat("long", 300),
		nil, true, 1e300, -1, []any{"a"}, map[string]any{"a": 1}, c.agent.sends(), "the key " + c.agent.sends() + " is mine",
	}).Draw(rt, "hostile value")
	if _, isID := c.arguments["task_id"]; isID && rapid.IntRange(0, 9).Draw(rt, "a key for an id") == 0 {
		c.arguments["task_id"] = r.world.model.sandbox.CTOKey().Reveal()
	}
}

// A modelAnswer is what a call was answered.
type modelAnswer struct {
	raw     []byte
	isError bool
	text    string
	code    polt.Code
	result  json.RawMessage // structured
}

func readAnswer(raw []byte) (a modelAnswer, err error) {
	var m struct {
		Result *struct {
			IsError           bool
			Content           []struct{ Text string }
			StructuredContent json.RawMessage
		}
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return a, fmt.Errorf("not JSON: %w: %.300q", err, raw)
	}
	if m.Result == nil || len(m.Result.Content) == 0 {
		return a, fmt.Errorf("no result: %.300s", raw)
	}
	a = modelAnswer{raw: raw, isError: m.Result.IsError, text: m.Result.Content[0].Text, result: m.Result.StructuredContent}
	if !a.isError {
		if !json.Valid(a.result) {
			return a, fmt.Errorf("the result is not JSON: %.300s", raw)
		}
		return a, nil
	}
	var f struct{ Code polt.Code }
	if err := json.Unmarshal([]byte(a.text[strings.LastIndexByte(a.text, '\n')+1:]), &f); err != nil || f.Code == "" {
		return a, fmt.Errorf("an error without a code: %s", a.text)
	}
	a.code = f.Code
	return a, nil
}

var settles = regexp.MustCompile(`before (\w+) has shown`)

// judge compares what a call was answered with what has reached the platform.
func (r *modelRun) judge(c *modelCall, raw []byte, requests []observed) error {
	a, err := readAnswer(raw)
	if err != nil {
		return err
	}
	if c.agent.sends() != "" && strings.Contains(fmt.Sprint(c.arguments), c.agent.sends()) && !a.isError {
		return fmt.Errorf("a call that holds the agent's key is sent")
	}
	if c.method == "" || c.hostile {
		return nil
	}
	var sent []observed
	for _, o := range requests {
		if c.isIts(o) {
			sent = append(sent, o)
		}
	}
	applied := len(sent) == 1 && sent[0].applied()
	switch {
	case len(sent) > 1:
		return fmt.Errorf("a write was sent %d times: %+v", len(sent), sent)
	case !a.isError && !applied:
		return fmt.Errorf("done, and it was not: %s, sent: %+v", a.text, sent)
	case a.isError && a.code != polt.CodeOutcomeUnknown && applied:
		return fmt.Errorf("refused, and it was done: %s", a.text)
	case a.isError && a.code == polt.CodeOutcomeUnknown:
		return r.settle(c, a)
	case !a.isError && c.tool == "register_agent":
		return r.took(c, a)
	}
	return nil
}

// took notes whom an agent acts as, after it has registered.
func (r *modelRun) took(c *modelCall, a modelAnswer) error {
	registered := r.world.model.agent(c.agent.username)
	stored := strings.Contains(a.text, "the API key is stored")
	var answer struct {
		Key string `json:"api_key"`
	}
	_ = json.Unmarshal(a.result, &answer)
	switch {
	case r.world.stdio && stored && c.agent.key == "":
		c.agent.key = registered.key
	case r.world.stdio && answer.Key == registered.key:
		return fmt.Errorf("a key that was found is shown, and not stored: %s", a.text)
	case !r.world.stdio && answer.Key == registered.key:
		c.agent.key = registered.key
	}
	return nil
}

// settle asks the read that the error names, without faults, and compares what it
// shows with the model.
func (r *modelRun) settle(c *modelCall, a modelAnswer) error {
	named := settles.FindStringSubmatch(a.text)
	if named == nil {
		return fmt.Errorf("an unknown outcome, and nothing that settles it: %s", a.text)
	}
	defer r.world.faulty.Store(r.world.faulty.Swap(r.world.sound))
	arguments := map[string]any{}
	switch named[1] {
	case "get_task":
		arguments["task_id"] = c.arguments["task_id"]
	case "get_project":
		arguments["project_id"] = c.arguments["project_id"]
	case "get_agent":
		arguments["username"] = c.agent.username
	default:
		return fmt.Errorf("what settles it is %s", named[1])
	}
	raw := <-c.agent.conn.request(c.agent.key, "tools/call", map[string]any{"name": named[1], "arguments": arguments})
	read, err := readAnswer(raw)
	if err != nil {
		return err
	}
	m := r.world.model
	m.mu.Lock()
	defer m.mu.Unlock()
	if c.tool == "register_agent" {
		if found := !read.isError; found != (m.agents[c.agent.username] != nil) {
			return fmt.Errorf("get_agent finds %s: %v", c.agent.username, found)
		}
		return nil
	}
	var now struct {
		Status      polt.TaskStatus
		CommittedBy string `json:"committed_by"`
		Submissions []struct {
			Content string `json:"submission_content"`
		}
		VotesUp   int `json:"votes_up"`
		VotesDown int `json:"votes_down"`
		Replies   []struct{ Body string }
		Bio       string
	}
	if read.isError || json.Unmarshal(read.result, &now) != nil {
		return fmt.Errorf("what settles it fails: %s", read.text)
	}
	switch c.tool {
	case "commit_to_task", "abandon_task":
		task := m.tasks[c.arguments["task_id"].(string)]
		if now.Status != task.status || task.status == polt.TaskCommitted && now.CommittedBy != task.holder {
			return fmt.Errorf("%s shows %s by %s; it is %+v", named[1], now.Status, now.CommittedBy, task)
		}
	case "submit_work":
		task := m.tasks[c.arguments["task_id"].(string)]
		has := func(content string) bool { return strings.Contains(content, c.nonce) }
		if slices.ContainsFunc(task.submissions, has) != strings.Contains(string(read.result), c.nonce) {
			return fmt.Errorf("%s shows %s; it is %+v", named[1], read.text, task)
		}
	case "vote_on_project":
		if up, down := m.projects[r.project].count(); now.VotesUp != up || now.VotesDown != down {
			return fmt.Errorf("%s shows %d for and %d against; it is %d and %d", named[1], now.VotesUp, now.VotesDown, up, down)
		}
	case "reply_to_project":
		if slices.Contains(m.projects[r.project].replies, c.nonce) != strings.Contains(string(read.result), c.nonce) {
			return fmt.Errorf("%s does not tell whether there is the reply", named[1])
		}
	case "update_profile":
		if now.Bio != m.agents[c.agent.username].bio {
			return fmt.Errorf("%s shows %q; it is %q", named[1], now.Bio, m.agents[c.agent.username].bio)
		}
	}
	return nil
}
