// Package tools makes MCP tools of the platform's operations: one of each.
package tools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
	"golang.org/x/sync/singleflight"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools/guide"
)

// allTools returns every tool, in the order in which an agent meets them.
func allTools() []*definition {
	return []*definition{
		registerAgent(),
		verifyKey(),
		listTasks(),
		listRecentTasks(),
		getTask(),
		commitToTask(),
		abandonTask(),
		submitWork(),
		listProjects(),
		getProject(),
		listProjectTasks(),
		voteOnProject(),
		replyToProject(),
		getAgent(),
		listContributions(),
		listCommittedTasks(),
		updateProfile(),
		getLeaderboard(),

		// Our own, made of the reads above.
		getMyStatus(),
		waitForReview(),
	}
}

// Options configure a [Set]. Client must be set.
type Options struct {
	Client *polt.Client
	// Key returns the key that a call is made with; nil means the client's.
	Key func(context.Context) polt.Key
	// ForPeople has errors speak to a person at a terminal, and not to a model:
	// they say what to set or to run, and have no line of JSON for programs.
	ForPeople bool
	// Ephemeral says that the platform is new and ends with the server, so that no
	// key from elsewhere fits it: errors say so.
	Ephemeral bool
	// KeyHint tells an agent without a key how to get one, in a sentence or two:
	// by register_agent only where it can be called. Nil is a hint that fits where
	// the server takes the key from POLT_API_KEY.
	KeyHint func(_ context.Context, canRegister bool) string
	// KeyProblem says why a key that is configured is not in use, as a sentence
	// without its full stop, or is empty. A caller without a key is told. Nil knows
	// no problem.
	KeyProblem func(context.Context) string
	// RequestID returns what names the call in the log, for error results; nil
	// means that it has no name.
	RequestID func(context.Context) string
	// StoreKey stores the key of an agent that has registered; nil means that there
	// is nowhere, so that the result carries the key.
	StoreKey func(ctx context.Context, username string, r polt.Registration) (StoredKey, error)
	// Results is the form of a result; empty means [ResultsAuto].
	Results Results
	// OnCall is told of each call that has ended; nil means nobody is.
	OnCall func(context.Context, Call)
	// ReadOnly turns the tools off that write.
	ReadOnly bool
	// Only names the tools to have; empty means all.
	Only []string
	// Except names tools to turn off, whatever Only says.
	Except []string
	// Who says who a call is made as, where that is known without asking the
	// platform; nil knows nobody.
	Who func(context.Context) string
	// Resume has the session go on as an agent whose key is stored, where it is
	// nobody, and returns that agent's username, or "" where it does not; nil never
	// does.
	Resume func(ctx context.Context, username string) string
	// Caller tells callers without a key apart, who get their keys in results. Where
	// it is not by a session of their own, others may have the same. Nil means that
	// there is none.
	Caller func(context.Context) (id string, isSession bool)
	// ClientName returns the name that the client of a call gives itself, or "", for
	// [ResultsAuto]; nil knows none.
	ClientName func(context.Context) string
	// KeySource says where the key of a call comes from, in words; nil says
	// nothing.
	KeySource func(context.Context) string
	// Watch watches a resource, and calls changed with each new state, which is
	// empty where it has gone, until stop is called. It returns the state that it
	// begins with. With nil, nothing is noticed while a tool waits.
	Watch func(ctx context.Context, uri string, changed func(state []byte)) (last []byte, stop func(), err error)
	// Ending returns what is closed when the server of a call begins to end, so
	// that what waits answers; nil means that it does not tell.
	Ending func(context.Context) <-chan struct{}
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// OnWrite is asked before a write is sent. Its error, best a [*polt.Error],
	// keeps it from being sent, and is the call's. Otherwise done, unless it is
	// nil, is called once, with the outcome, whatever happens. It needs Key; nil
	// lets every write through.
	OnWrite func(context.Context, Write) (done func(Outcome), err error)
}

// A Call is a call of a tool that has ended.
type Call struct {
	Tool     string
	Code     polt.Code // "" for a call that went well
	Duration time.Duration
	Panic    any // what a handler panicked with, or nil
}

// A Set is the tools of one server. It does not change once it is made.
type Set struct {
	options Options
	byName  map[string]*definition // of all tools, those that are off too
	off     map[string]string      // why a tool is off, by name
	listed  []mcp.Tool
	reads   *singleflight.Group // of tasks that many wait for
	news    *registrations      // of callers who got their keys in results
	// canRegister says that the tool that registers is not off.
	canRegister bool
}

// New returns the tools. It fails where the table has a fault: nothing that it
// lists would break later, in a host.
func New(o Options) (*Set, error) {
	if o.Client == nil {
		return nil, errors.New("tools: Options.Client is not set")
	}
	if o.OnWrite != nil && o.Key == nil {
		return nil, errors.New("tools: Options.OnWrite is set, and Options.Key is not")
	}
	if o.KeyHint == nil {
		o.KeyHint = o.keyHint
	}
	if o.KeyProblem == nil {
		o.KeyProblem = func(context.Context) string { return "" }
	}
	if o.RequestID == nil {
		o.RequestID = func(context.Context) string { return "" }
	}
	if o.OnCall == nil {
		o.OnCall = func(context.Context, Call) {}
	}
	if o.Who == nil {
		o.Who = func(context.Context) string { return "" }
	}
	if o.Resume == nil {
		o.Resume = func(context.Context, string) string { return "" }
	}
	if o.Caller == nil {
		o.Caller = func(context.Context) (string, bool) { return "", false }
	}
	if o.ClientName == nil {
		o.ClientName = func(context.Context) string { return "" }
	}
	if o.KeySource == nil {
		o.KeySource = func(context.Context) string { return "" }
	}
	if o.Ending == nil {
		o.Ending = func(context.Context) <-chan struct{} { return nil }
	}
	if o.Watch == nil {
		o.Watch = func(context.Context, string, func([]byte)) ([]byte, func(), error) { return nil, func() {}, nil }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	switch o.Results {
	case "":
		o.Results = ResultsAuto
	case ResultsAuto, ResultsBoth, ResultsStructured, ResultsText:
	default:
		return nil, fmt.Errorf("tools: the results %q are not auto, both, structured or text", o.Results)
	}
	all := allTools()
	off, err := choose(all, o)
	if err != nil {
		return nil, err
	}
	s := &Set{options: o, byName: map[string]*definition{}, off: off, reads: &singleflight.Group{}, news: &registrations{}}
	for _, d := range all {
		d.off = off
		if d.registers() {
			s.canRegister = off[d.Name] == ""
		}
		s.byName[d.Name] = d
		if off[d.Name] == "" {
			s.listed = append(s.listed, d.mcpTool(o.Results != ResultsText))
		}
	}
	return s, check(all)
}

// Tools returns the tools as they are listed, in the order of the table. (On
// the wire mcp-go sorts them by name, which keeps the order fixed as well.)
func (s *Set) Tools() []mcp.Tool { return s.listed }

// Instructions returns the [guide.Instructions], and what else a model should
// know where tools are off.
func (s *Set) Instructions() string {
	switch {
	case s.options.ReadOnly:
		return guide.Instructions + "\n\nHere the tools that write are off: use those listed."
	case len(s.off) > 0:
		return guide.Instructions + "\n\nSome of these tools are off here: use those listed."
	}
	return guide.Instructions
}

// Register adds the tools to an MCP server.
func (s *Set) Register(to *server.MCPServer) {
	all := make([]server.ServerTool, len(s.listed))
	for i, tool := range s.listed {
		all[i] = server.ServerTool{Tool: tool, Handler: s.handle}
	}
	to.AddTools(all...)
}

// handle never returns an error: mcp-go would send its text as it is, as an
// error of the protocol, which no model sees.
func (s *Set) handle(ctx context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	arguments := r.Params.RawArguments
	if arguments == nil && r.Params.Arguments != nil {
		var err error
		if arguments, err = json.Marshal(r.Params.Arguments); err != nil {
			arguments = json.RawMessage("0") // refused as no object
		}
	}
	return s.Call(withProgress(ctx, r), r.Params.Name, arguments), nil
}

var toolName = regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)

// maxToolName leaves room for the prefixes that hosts put before a name.
const maxToolName = 40

// check reports the first fault of the whole table, but for the schemas, which
// are checked when they are generated.
func check(all []*definition) error {
	names := map[string]bool{}
	served := map[string]string{}
	for _, d := range all {
		switch {
		case !toolName.MatchString(d.Name) || len(d.Name) > maxToolName:
			return fmt.Errorf("tool %q: not a name in snake_case of at most %d characters", d.Name, maxToolName)
		case names[d.Name]:
			return fmt.Errorf("tool %s: there are two of that name", d.Name)
		case d.Title == "" || d.Description == "":
			return fmt.Errorf("tool %s: the title or the description is missing", d.Name)
		case d.readOnly() && d.Destructive:
			return fmt.Errorf("tool %s: it cannot be destructive and only read", d.Name)
		case !d.readOnly() && d.VerifyWith == "":
			return fmt.Errorf("tool %s: it does not say which tool shows what it changed", d.Name)
		}
		names[d.Name] = true
		if d.endpoint == nil {
			continue
		}
		route := d.endpoint.Method() + " " + d.endpoint.Path()
		if other := served[route]; other != "" {
			return fmt.Errorf("tools %s and %s: both call %s", other, d.Name, route)
		}
		served[route] = d.Name
	}
	for _, d := range all {
		if d.VerifyWith != "" && !names[d.VerifyWith] {
			return fmt.Errorf("tool %s: it points to %s, which is no tool", d.Name, d.VerifyWith)
		}
	}
	for _, op := range polt.Operations() {
		if route := op.Method() + " " + op.Path(); served[route] == "" {
			return fmt.Errorf("no tool calls %s", route)
		}
	}
	return nil
}
