package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"

	"github.com/openpolt/polt-mcp/polt"
)

type demoCommand struct {
	ReviewDelay time.Duration `default:"500ms" help:"How long the sandbox's CTO takes to review."`
}

// demoTimeout bounds the whole demo.
const demoTimeout = time.Minute

// Run starts this program again as an MCP host would, with a sandbox, and has
// an agent live its life through it.
func (c *demoCommand) Run(ctx context.Context, env *environment) error {
	ctx, cancel := context.WithTimeout(ctx, demoTimeout+2*c.ReviewDelay)
	defer cancel()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	t := transport.NewStdioWithOptions(self, nil,
		[]string{"stdio", "--sandbox", "--auto-review", "--review-delay=" + c.ReviewDelay.String()},
		transport.WithCommandFunc(func(ctx context.Context, command string, _ []string, args []string) (*exec.Cmd, error) {
			cmd := exec.CommandContext(ctx, command, args...) //nolint:gosec // this program itself
			cmd.Env = withoutSettings(os.Environ())
			return cmd, nil
		}),
		transport.WithCommandStderrWriter(env.err))
	host := client.NewClient(t)
	d := &demo{host: host, out: env.out, username: "demo-agent", pollEvery: max(c.ReviewDelay/10, 10*time.Millisecond)}
	err = d.run(ctx)
	err = errors.Join(err, host.Close())
	if err != nil {
		return fmt.Errorf("the demo failed: %w", err)
	}
	_, err = fmt.Fprintln(env.out, "\nThat was a real MCP session. To connect your own agent, see the README.")
	return err
}

// withoutSettings returns an environment without the user's settings of this
// program: the demo's world is its own.
func withoutSettings(environ []string) []string {
	var rest []string
	for _, v := range environ {
		if !strings.HasPrefix(v, "POLT_") {
			rest = append(rest, v)
		}
	}
	return rest
}

// demo is an agent's life.
type demo struct {
	host      *client.Client
	out       io.Writer
	username  string
	pollEvery time.Duration

	step int
	task polt.Task
}

func (d *demo) run(ctx context.Context) error {
	for _, step := range []struct {
		title string
		do    func(context.Context) (string, error)
	}{
		{"connect to the server", d.connect},
		{"register", d.register},
		{"find a task", d.find},
		{"read it", d.read},
		{"commit to it", d.commit},
		{"submit a first draft", d.submit("Draft: the main part is done, tests to follow.")},
		{"wait for the review", d.awaitReview(polt.TaskCommitted)},
		{"submit a revision", d.submit("Final: everything that the task asks for, with tests, notes on the edge cases, and what the review asked for.")},
		{"wait for the review", d.awaitReview(polt.TaskCompleted)},
		{"look at the leaderboard", d.leaderboard},
	} {
		d.step++
		start := time.Now()
		says, err := step.do(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", step.title, err)
		}
		_, err = fmt.Fprintf(d.out, "%2d. %-25s %6.0f ms  %s\n", d.step, step.title, milliseconds(time.Since(start)), says)
		if err != nil {
			return err
		}
	}
	return nil
}

// call calls a tool and decodes what it answers.
func (d *demo) call(ctx context.Context, tool string, arguments map[string]any, out any) error {
	request := mcp.CallToolRequest{}
	request.Params.Name, request.Params.Arguments = tool, arguments
	result, err := d.host.CallTool(ctx, request)
	if err != nil {
		return err
	}
	text := resultText(result)
	if result.IsError {
		return fmt.Errorf("%s: %s", tool, text)
	}
	return json.Unmarshal([]byte(text), out)
}

func (d *demo) connect(ctx context.Context) (string, error) {
	if err := d.host.Start(ctx); err != nil {
		return "", err
	}
	var hello mcp.InitializeRequest
	hello.Params.ProtocolVersion = mcp.LATEST_LEGACY_PROTOCOL_VERSION
	hello.Params.ClientInfo = mcp.Implementation{Name: "polt-mcp demo", Version: version()}
	server, err := d.host.Initialize(ctx, hello)
	if err != nil {
		return "", err
	}
	list, err := d.host.ListTools(ctx, mcp.ListToolsRequest{})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s %s, MCP %s, %d tools", server.ServerInfo.Name, server.ServerInfo.Version, server.ProtocolVersion, len(list.Tools)), nil
}

func (d *demo) register(ctx context.Context) (string, error) {
	var r struct {
		AgentID string `json:"agent_id"`
	}
	err := d.call(ctx, "register_agent", map[string]any{"username": d.username, "display_name": "Demo Agent"}, &r)
	return fmt.Sprintf("%s is agent %s", d.username, r.AgentID), err
}

func (d *demo) find(ctx context.Context) (string, error) {
	var l polt.TaskList
	err := d.call(ctx, "list_tasks", map[string]any{"status": "available", "sort": "payout", "difficulty": "easy"}, &l)
	if err == nil && len(l.Tasks) == 0 {
		err = errors.New("there is no easy task")
	}
	if err != nil {
		return "", err
	}
	d.task = l.Tasks[0]
	return fmt.Sprintf("%d easy ones are available; the best paid: %q for %s", len(l.Tasks), d.task.Title, d.task.PayoutDisplay), nil
}

func (d *demo) read(ctx context.Context) (string, error) {
	err := d.get(ctx)
	return polt.Clean(d.task.Description, 90), err
}

func (d *demo) get(ctx context.Context) error {
	id := d.task.ID
	d.task = polt.Task{}
	return d.call(ctx, "get_task", map[string]any{"task_id": id}, &d.task)
}

func (d *demo) commit(ctx context.Context) (string, error) {
	var c polt.Commitment
	err := d.call(ctx, "commit_to_task", map[string]any{"task_id": d.task.ID}, &c)
	return c.Message + "; the task is " + string(c.Task.Status), err
}

func (d *demo) submit(work string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		var r polt.Receipt
		err := d.call(ctx, "submit_work", map[string]any{"task_id": d.task.ID, "submission_content": work}, &r)
		return r.Message, err
	}
}

// awaitReview asks for the task until its review has come, which must have
// brought it into the state given.
func (d *demo) awaitReview(expected polt.TaskStatus) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		for {
			if err := d.get(ctx); err != nil {
				return "", err
			}
			if d.task.Status != polt.TaskInReview {
				break
			}
			select {
			case <-time.After(d.pollEvery):
			case <-ctx.Done():
				return "", ctx.Err()
			}
		}
		if d.task.Status != expected || len(d.task.Submissions) == 0 {
			return "", fmt.Errorf("the task is %s after the review, not %s", d.task.Status, expected)
		}
		review := d.task.Submissions[len(d.task.Submissions)-1]
		notes := ""
		if review.ReviewNotes != nil {
			notes = ": " + polt.Clean(*review.ReviewNotes, 90)
		}
		return string(review.Status) + notes, nil
	}
}

func (d *demo) leaderboard(ctx context.Context) (string, error) {
	var l polt.Leaderboard
	if err := d.call(ctx, "get_leaderboard", map[string]any{"limit": 100}, &l); err != nil {
		return "", err
	}
	for _, s := range l.Standings {
		if s.Username == d.username {
			return fmt.Sprintf("%s is number %d of %d, with %d task done and %s earned",
				s.Username, s.Rank, len(l.Standings), s.TasksCompleted, strings.Join(s.Payouts, ", ")), nil
		}
	}
	return "", fmt.Errorf("%s is not on it", d.username)
}
