package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/rs/zerolog"

	"github.com/openpolt/polt-mcp/internal/answers"
	"github.com/openpolt/polt-mcp/polt"
)

type callCommand struct {
	platformFlags
	Output    string `novariable:"" short:"o" enum:"auto,table,wide,json,yaml" default:"auto" help:"How the result is printed: ${enum}. Auto is table in a terminal, and wide, which has everything, elsewhere."`
	JSON      bool   `help:"The same as -o json."`
	Tool      string `arg:"" help:"The tool's name (see polt-mcp tools)."`
	Arguments []pair `arg:"" optional:"" name:"name=value" help:"Its arguments. A value of @FILE is read from that file, and @- from standard input; @@ is an @. An id may be given by its beginning, as tables show it."`
}

// Help returns the detailed help.
func (*callCommand) Help() string {
	return "For example: polt-mcp call list_tasks --sandbox status=available sort=payout limit=5\n\nA tool's arguments, with an example: polt-mcp call list_tasks --help"
}

// Run calls the tool. It fails if the result is an error.
func (c *callCommand) Run(ctx context.Context, env *environment) (err error) {
	arguments, err := parseArguments(c.Tool, c.Arguments, env.in)
	if err != nil {
		return err
	}
	app, err := c.open(ctx, env, func(log zerolog.Logger, h *host) io.Closer {
		h.tools.OnCall, h.tools.ForPeople = logCalls(log), c.readByPerson(env)
		return noCloser
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, app.Close()) }()
	if problem := app.set.Misnamed(c.Tool); problem != "" {
		return errors.New(problem)
	}
	if err := c.wholeIDs(ctx, app.client, arguments); err != nil {
		return err
	}
	c.ownName(ctx, app, arguments)
	object, err := json.Marshal(arguments)
	if err != nil {
		return err
	}
	return c.print(env, app.set.Call(ctx, c.Tool, object))
}

// ownName sets a required but missing username to that of the key in use.
func (c *callCommand) ownName(ctx context.Context, app *app, arguments map[string]string) {
	const username = "username"
	switch c.Tool {
	case "list_committed_tasks", "list_contributions", "get_agent":
	default:
		return
	}
	if _, given := arguments[username]; given {
		return
	}
	key := app.set.Key(ctx)
	if key.IsZero() {
		return
	}
	answer, err := polt.VerifyKey.Call(ctx, app.client.As(key), polt.VerifyKeyInput{})
	if err != nil {
		return // the call reports what is missing
	}
	if own := answers.Owner(answer.Raw); own != "" {
		arguments[username] = own
	}
}

func (c *callCommand) print(env *environment, result *mcp.CallToolResult) error {
	text := resultText(result)
	if result.IsError {
		_, err := fmt.Fprintln(env.err, text)
		return errors.Join(err, errReported)
	}
	document, err := c.format(env.screen(), text)
	if err != nil {
		// What was done is done, and a result may be shown only once.
		_, _ = fmt.Fprintf(env.err, "The result cannot be shown as asked (%v): it follows as JSON\n", err)
		document = text + "\n"
	}
	_, err = io.WriteString(env.out, document)
	if c.Tool == "register_agent" && c.Local && c.DB == "" {
		_, said := fmt.Fprintln(env.err, "This sandbox has ended with the command, and the agent with it. To keep them: --db FILE")
		err = errors.Join(err, said)
	}
	return err
}

// format returns a result in the form asked for, ready to print.
func (c *callCommand) format(screen screen, text string) (document string, err error) {
	defer func() {
		if p := recover(); p != nil { // a result is never lost to its form
			err = fmt.Errorf("internal error: %v", p)
		}
	}()
	output := c.Output
	switch {
	case c.JSON:
		output = "json"
	case output == "auto" && screen.width == 0:
		output = "wide"
	}
	switch output {
	case "json":
		return text + "\n", nil
	case "yaml":
		return asYAML([]byte(text))
	}
	p := &printer{screen: screen, wide: output == "wide", now: time.Now()}
	if p.wide {
		p.width = 0
	}
	return p.format([]byte(text))
}

// readByPerson reports whether errors are read by a person rather than a
// program or a model.
func (c *callCommand) readByPerson(env *environment) bool {
	_, ok := asTerminal(env.err)
	return ok && !c.JSON && c.Output != "json"
}

// resultText returns a result as text, whatever its form.
func resultText(result *mcp.CallToolResult) string {
	for _, content := range result.Content {
		if text, ok := content.(mcp.TextContent); ok {
			return text.Text
		}
	}
	return string(result.RawStructuredContent)
}
