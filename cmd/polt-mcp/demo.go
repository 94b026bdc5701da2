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

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/openpolt/polt-mcp/internal/clean"
	"github.com/openpolt/polt-mcp/polt"
)

type demoCommand struct {
	ReviewDelay time.Duration `default:"500ms" help:"How long the sandbox's CTO takes to review."`
	Board       bool          `help:"Watch in a browser: serve the sandbox's board, start when it is opened, and keep serving after the end."`
	Addr        string        `default:"127.0.0.1:8090" help:"Address to serve the board on. Port 0 picks a free port."`
	Pause       time.Duration `default:"1500ms" help:"How long to pause before each step while the board is watched."`
}

// demoTimeout bounds the whole demo.
const demoTimeout = time.Minute

// Run starts this program again as an MCP host would, with a sandbox, and plays
// an agent's life in it.
func (c *demoCommand) Run(ctx context.Context, env *environment) error {
	if c.Board {
		return c.runWithBoard(ctx, env)
	}
	_, err := fmt.Fprintln(env.out, "An agent connects over MCP, as a host would, to a POLT inside this program:")
	if err != nil {
		return err
	}
	err = c.live(ctx, env, 0, "--sandbox", "--auto-review", "--review-delay="+c.ReviewDelay.String())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.out, "\nThat was a real MCP session. To connect your own agent:\n  %s\n", nextCommand(env))
	return err
}

// live plays an agent's life against a server started with args, pausing before
// each step.
func (c *demoCommand) live(ctx context.Context, env *environment, pause time.Duration, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, demoTimeout+2*c.ReviewDelay+steps*pause)
	defer cancel()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	args = append([]string{"stdio", "--watch-interval=" + max(c.ReviewDelay/10, 10*time.Millisecond).String()}, args...)
	cmd := exec.CommandContext(ctx, self, args...) //nolint:gosec // this program itself
	cmd.Env = withoutSettings(os.Environ())
	cmd.Stderr = env.err
	host, err := startHost(cmd)
	if err != nil {
		return err
	}
	d := &demo{host: host, out: env.out, username: "demo-agent", pause: func() error { return wait(ctx, pause) }}
	err = errors.Join(d.run(), host.close())
	if err != nil {
		return fmt.Errorf("the demo failed: %w", err)
	}
	return nil
}

// steps is the number of steps in the agent's life.
const steps = 11

// wait waits for a time, or until ctx is done.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// withoutSettings removes the user's settings of this program from an
// environment: the demo must not depend on them.
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
	host     *demoHost
	out      io.Writer
	username string
	pause    func() error // before each step

	step int
	task polt.Task
}

func (d *demo) run() error {
	for _, step := range []struct {
		title string
		do    func() (string, error)
	}{
		{"connect to the server", d.connect},
		{"register", d.register},
		{"find a task", d.find},
		{"read it", d.read},
		{"watch it", d.watch},
		{"commit to it", d.commit},
		{"submit a first draft", d.submit("Draft: the main part is done, tests to follow.")},
		{"wait for the review", d.awaitReview(polt.TaskCommitted)},
		{"submit a revision", d.submit("Final: everything that the task asks for, with tests, notes on the edge cases, and what the review asked for.")},
		{"wait for the review", d.awaitReview(polt.TaskCompleted)},
		{"look at the leaderboard", d.leaderboard},
	} {
		d.step++
		if err := d.pause(); err != nil {
			return err
		}
		start := time.Now()
		if _, err := fmt.Fprintf(d.out, "%2d. %-25s", d.step, step.title); err != nil {
			return err
		}
		says, err := step.do()
		if err != nil {
			return fmt.Errorf("%s: %w", step.title, err)
		}
		if _, err := fmt.Fprintf(d.out, " %6.0f ms  %s\n", milliseconds(time.Since(start)), says); err != nil {
			return err
		}
	}
	return nil
}

// call calls a tool and decodes its result.
func (d *demo) call(tool string, arguments map[string]any, out any) error {
	var result struct {
		Content           []struct{ Text string }
		StructuredContent json.RawMessage
		IsError           bool
	}
	if err := d.host.request(string(mcp.MethodToolsCall), map[string]any{"name": tool, "arguments": arguments}, &result); err != nil {
		return err
	}
	if result.IsError {
		return fmt.Errorf("%s: %s", tool, result.Content[0].Text)
	}
	return json.Unmarshal(result.StructuredContent, out)
}

func (d *demo) connect() (string, error) {
	var server mcp.InitializeResult
	if err := d.host.request(string(mcp.MethodInitialize), map[string]any{
		"protocolVersion": mcp.LATEST_LEGACY_PROTOCOL_VERSION, "capabilities": struct{}{},
		"clientInfo": map[string]string{"name": "polt-mcp demo", "version": version()},
	}, &server); err != nil {
		return "", err
	}
	if err := d.host.send(map[string]string{"jsonrpc": mcp.JSONRPC_VERSION, "method": "notifications/initialized"}); err != nil {
		return "", err
	}
	var list struct{ Tools []struct{} }
	err := d.host.request(string(mcp.MethodToolsList), struct{}{}, &list)
	return fmt.Sprintf("%s %s, MCP %s, %d tools", server.ServerInfo.Name, server.ServerInfo.Version, server.ProtocolVersion, len(list.Tools)), err
}

func (d *demo) register() (string, error) {
	var r struct {
		AgentID string `json:"agent_id"`
	}
	err := d.call("register_agent", map[string]any{"username": d.username, "display_name": "Demo Agent"}, &r)
	return fmt.Sprintf("%s is agent %s", d.username, r.AgentID), err
}

func (d *demo) find() (string, error) {
	var l polt.TaskList
	err := d.call("list_tasks", map[string]any{"status": "available", "sort": "payout", "difficulty": "easy"}, &l)
	if err == nil && len(l.Tasks) == 0 {
		err = errors.New("there is no easy task")
	}
	if err != nil {
		return "", err
	}
	d.task = l.Tasks[0]
	return fmt.Sprintf("%d easy ones are available; the best paid: %q for %s", len(l.Tasks), d.task.Title, d.task.PayoutDisplay), nil
}

func (d *demo) read() (string, error) {
	err := d.get()
	return clean.Line(d.task.Description, 90), err
}

func (d *demo) watch() (string, error) {
	uri := "polt://tasks/" + d.task.ID
	err := d.host.request(string(mcp.MethodResourcesSubscribe), map[string]string{"uri": uri}, &struct{}{})
	return "subscribed to " + uri, err
}

func (d *demo) get() error {
	id := d.task.ID
	d.task = polt.Task{}
	return d.call("get_task", map[string]any{"task_id": id}, &d.task)
}

func (d *demo) commit() (string, error) {
	var c polt.Commitment
	err := d.call("commit_to_task", map[string]any{"task_id": d.task.ID}, &c)
	return c.Message + "; the task is " + string(c.Task.Status), err
}

func (d *demo) submit(work string) func() (string, error) {
	return func() (string, error) {
		var r polt.Receipt
		if err := d.call("submit_work", map[string]any{"task_id": d.task.ID, "submission_content": work}, &r); err != nil {
			return "", err
		}
		return r.Message, d.get()
	}
}

// awaitReview waits for the notification of the task's review, which must leave
// the task in the expected status.
func (d *demo) awaitReview(expected polt.TaskStatus) func() (string, error) {
	return func() (string, error) {
		for d.task.Status == polt.TaskInReview {
			if err := d.host.awaitUpdate(); err != nil {
				return "", err
			}
			if err := d.get(); err != nil {
				return "", err
			}
		}
		if d.task.Status != expected || len(d.task.Submissions) == 0 {
			return "", fmt.Errorf("the task is %s after the review, not %s", d.task.Status, expected)
		}
		review := d.task.Submissions[len(d.task.Submissions)-1]
		notes := ""
		if review.ReviewNotes != nil {
			notes = ": " + clean.Line(*review.ReviewNotes, 90)
		}
		return string(review.Status) + notes, nil
	}
}

func (d *demo) leaderboard() (string, error) {
	var l polt.Leaderboard
	if err := d.call("get_leaderboard", map[string]any{"limit": 100}, &l); err != nil {
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
