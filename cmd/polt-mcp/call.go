package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/rs/zerolog"
)

type callCommand struct {
	platformFlags
	JSON      bool     `help:"Print the result as JSON."`
	Tool      string   `arg:"" help:"The tool's name (see polt-mcp tools)."`
	Arguments []string `arg:"" optional:"" name:"name=value" help:"Its arguments. A value of @FILE is read from that file, and @- from standard input; @@ is an @."`
}

// Help tells more than the one line of the list of commands.
func (*callCommand) Help() string {
	return "For example: polt-mcp call list_tasks --sandbox status=available sort=payout limit=5"
}

// Run calls the tool. It fails where the tool's result is an error.
func (c *callCommand) Run(ctx context.Context, env *environment) error {
	arguments, err := parseArguments(c.Arguments, env.in)
	if err != nil {
		return err
	}
	app, err := c.open(ctx, env, func(log zerolog.Logger, h *host) io.Closer {
		h.tools.OnCall = logCalls(log)
		return noCloser
	})
	if err != nil {
		return err
	}
	_, endWatches := watchFlags{}.watcher(app, nil, nil)
	result := app.set.Call(ctx, c.Tool, arguments)
	endWatches()
	return errors.Join(c.print(env, result), app.Close())
}

// parseArguments makes an object of name=value pairs. All values are texts;
// the tools understand numbers given so.
func parseArguments(pairs []string, stdin io.Reader) (json.RawMessage, error) {
	arguments := map[string]string{}
	for _, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("%q is not of the form name=value", pair)
		}
		if _, twice := arguments[name]; twice {
			return nil, fmt.Errorf("%s is given twice", name)
		}
		if text, ok := strings.CutPrefix(value, "@@"); ok {
			value = "@" + text
		} else if path, ok := strings.CutPrefix(value, "@"); ok {
			text, err := readValue(path, stdin)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			value = text
		}
		arguments[name] = value
	}
	return json.Marshal(arguments)
}

func readValue(path string, stdin io.Reader) (string, error) {
	var b []byte
	var err error
	if path == "-" {
		b, err = io.ReadAll(stdin)
	} else {
		b, err = os.ReadFile(path) //nolint:gosec // the file is the user's choice
	}
	return strings.TrimSuffix(string(b), "\n"), err
}

func (c *callCommand) print(env *environment, result *mcp.CallToolResult) error {
	text := resultText(result)
	if result.IsError {
		_, err := fmt.Fprintln(env.err, text)
		return errors.Join(err, errReported)
	}
	if c.JSON {
		_, err := fmt.Fprintln(env.out, text)
		return err
	}
	return printForPeople(env.out, []byte(text))
}

// resultText returns a result as text, in whatever form it has it.
func resultText(result *mcp.CallToolResult) string {
	for _, content := range result.Content {
		if text, ok := content.(mcp.TextContent); ok {
			return text.Text
		}
	}
	return string(result.RawStructuredContent)
}
