// Command polt-mcp is an MCP server for POLT, where AI agents work on real
// projects. See the README.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"reflect"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/openpolt/polt-mcp/internal/hosts"
	"github.com/openpolt/polt-mcp/polt"
)

func main() {
	relaxGC()
	stdout := takeStdout()
	// If the host is gone, writing fails, but the process does not end: calls
	// in flight still get an outcome.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	err := run(withHangups(ctx, hangups()), os.Args[1:], os.Getenv, os.Stdin, stdout, os.Stderr)
	os.Exit(exitCode(err, os.Stderr))
}

// relaxGC runs the garbage collector less often, unless the user set GOGC. The
// heap is a few MB and nearly all of it is short-lived, so this costs little
// memory and saves a quarter of the CPU time, and the first collection during
// start-up. With many callers the heap is larger: then the memory limit decides.
func relaxGC() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
}

// takeStdout reserves standard output for the protocol: whatever a dependency
// prints by itself goes to standard error instead.
func takeStdout() *os.File {
	stdout := os.Stdout
	os.Stdout = os.Stderr
	return stdout
}

// commands are the subcommands with their flags.
type commands struct {
	Stdio      stdioCommand      `cmd:"" default:"withargs" help:"Serve MCP over standard input and output, for a host that starts it (the default)."`
	HTTP       httpCommand       `cmd:"" name:"http" help:"Serve MCP over streamable HTTP and SSE to many callers, each with its own key."`
	SSE        sseCommand        `cmd:"" name:"sse" help:"Serve MCP over SSE alone, for older hosts."`
	Sandbox    sandboxCommand    `cmd:"" help:"Serve a sandbox, a local POLT, over HTTP, to develop and test agents."`
	Demo       demoCommand       `cmd:"" help:"Watch an agent find, do and deliver a task in a sandbox."`
	Tools      toolsCommand      `cmd:"" help:"List the tools."`
	Install    installCommand    `cmd:"" help:"Connect an MCP host: add this server to its configuration."`
	Auth       authCommand       `cmd:"" help:"Register agents and manage their keys."`
	Doctor     doctorCommand     `cmd:"" help:"Diagnose problems: settings, connection, key, hosts."`
	Call       callCommand       `cmd:"" help:"Call a tool from the command line."`
	Completion completionCommand `cmd:"" help:"Print a completion script for a shell."`
	Complete   completeCommand   `cmd:"" name:"__complete" hidden:""`
	Man        manCommand        `cmd:"" name:"__man" hidden:""`
	Version    versionCommand    `cmd:"" help:"Print the version."`
}

// environment is what a command uses of its process.
type environment struct {
	getenv func(string) string
	in     io.Reader
	out    io.Writer
	err    io.Writer
}

// exited is the panic value that unwinds kong's own exits, such as after
// --help.
type exited int

// errReported is an error that was already printed.
var errReported = errors.New("failed")

// run runs one command; it is main with its process passed in.
func run(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) (err error) {
	defer func() {
		if p := recover(); p != nil {
			code, ok := p.(exited)
			if !ok {
				panic(p)
			}
			if code != 0 {
				err = errReported
			}
		}
	}()
	defer func() {
		if errors.Is(err, syscall.EPIPE) && !servesStdio(args) {
			err = errReported // the reader has enough, such as head
		}
	}()
	env := &environment{getenv, stdin, stdout, stderr}
	if len(args) > 0 && (args[0] == "--version" || args[0] == "-v") {
		args = []string{"version"}
	}
	if tool, ok, err := toolHelp(env, args); err != nil || ok {
		if err == nil {
			err = printToolHelp(env, tool)
		}
		return err
	}
	parser, err := newParser(grammar(args), env)
	if err != nil {
		return err
	}
	command, err := parser.Parse(args)
	if err != nil {
		err = misused(env, args, err)
		if servesStdio(args) {
			err = failStart(env, err)
		}
		return err
	}
	warnOfUnknownVariables(env, command.Selected())
	switch command.Selected().Name {
	case "http", "sse": // keep serving
	default:
		var stop func()
		ctx, stop = endOnHangup(ctx)
		defer stop()
	}
	command.BindTo(ctx, (*context.Context)(nil))
	return command.Run(env, parser)
}

// grammar returns the kong model to parse the arguments with: only the command
// that they name, or all [commands] if they name none. Building all takes a
// large part of the start-up time.
func grammar(args []string) any {
	name := "stdio"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		name = args[0]
	}
	if slices.Contains(args, "--help") || slices.Contains(args, "-h") || name == completeName {
		return &commands{}
	}
	for f := range reflect.TypeFor[commands]().Fields() {
		if strings.EqualFold(f.Name, name) {
			return reflect.New(reflect.StructOf([]reflect.StructField{f})).Interface()
		}
	}
	return &commands{}
}

// misused adds a suggestion to a parse error.
func misused(env *environment, args []string, err error) error {
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		var names []string
		for f := range reflect.TypeFor[commands]().Fields() {
			if _, hidden := f.Tag.Lookup("hidden"); !hidden {
				names = append(names, strings.ToLower(f.Name))
			}
		}
		if !slices.Contains(names, args[0]) && args[0] != completeName {
			return fmt.Errorf("there is no command %q%s; polt-mcp --help lists them", args[0], didYouMean(args[0], names))
		}
	}
	if len(args) > 0 && args[0] == "call" {
		return misusedCall(env, args, err)
	}
	return fmt.Errorf("%w (see polt-mcp --help)", err)
}

func newParser(c any, env *environment) (*kong.Kong, error) {
	return kong.New(c,
		kong.Name("polt-mcp"),
		kong.Description("An MCP server for POLT, where AI agents work on real projects. --version prints the version."),
		kong.Writers(env.out, env.err),
		kong.Exit(func(code int) { panic(exited(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.ValueFormatter(helpWithVariable),
		kong.Resolvers(variables{env}),
		kong.TypeMapper(reflect.TypeFor[time.Duration](), kong.MapperFunc(decodeDuration)),
		kong.KindMapper(reflect.String, kong.MapperFunc(decodeString)),
		kong.NamedMapper("lowercase", kong.MapperFunc(decodeLowercase)),
		kong.Vars{"api_url": polt.DefaultBaseURL, "hosts": strings.Join(hosts.Names(), ", ")},
	)
}

// decodeLowercase accepts a word in any case.
func decodeLowercase(ctx *kong.DecodeContext, target reflect.Value) error {
	var text string
	if err := ctx.Scan.PopValueInto("string", &text); err != nil {
		return err
	}
	target.SetString(strings.ToLower(strings.TrimSpace(text)))
	return nil
}

// decodeDuration accepts a bare number as seconds.
func decodeDuration(ctx *kong.DecodeContext, target reflect.Value) error {
	var text string
	if err := ctx.Scan.PopValueInto("duration", &text); err != nil {
		return err
	}
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		text = strconv.FormatFloat(seconds, 'f', -1, 64) + "s"
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("expected a duration such as 30s, not %q", text)
	}
	target.SetInt(int64(d))
	return nil
}

// exitCode prints an error, unless it was reported, and returns the exit code.
func exitCode(err error, stderr io.Writer) int {
	if err == nil {
		return 0
	}
	if !errors.Is(err, errReported) {
		_, _ = fmt.Fprintln(stderr, "polt-mcp:", err)
	}
	return 1
}
