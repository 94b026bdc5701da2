// Package tools provides the platform's operations as MCP tools, one tool per
// operation.
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

// allTools returns every tool, in the order in which an agent needs them.
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

		// Composed of the reads above.
		getMyStatus(),
		waitForReview(),
	}
}

// Options configure a [Set]. Client must be set.
type Options struct {
	Client *polt.Client
	// Key returns a call's key; nil means the client's.
	Key func(context.Context) polt.Key
	// ForPeople makes errors address a person at a terminal instead of a model:
	// they name what to set or run, and have no JSON line for programs.
	ForPeople bool
	// Ephemeral says that the platform is new and ends with the server, so no
	// existing key works; errors say so.
	Ephemeral bool
	// KeyHint tells an agent without a key how to get one, in a sentence or
	// two: through register_agent only if canRegister. Nil suggests
	// POLT_API_KEY.
	KeyHint func(_ context.Context, canRegister bool) string
	// KeyProblem returns why a configured key is not in use, as a sentence
	// without its full stop, or "". Callers without a key are told. Nil means
	// no problem.
	KeyProblem func(context.Context) string
	// RequestID returns the call's id in the log, for error results; nil means
	// none.
	RequestID func(context.Context) string
	// StoreKey stores the key of a newly registered agent; nil means that keys
	// cannot be stored, so the result contains the key.
	StoreKey func(ctx context.Context, username string, r polt.Registration) (StoredKey, error)
	// Results is the form of a result; empty means [ResultsAuto].
	Results Results
	// OnCall, if not nil, is called after each call.
	OnCall func(context.Context, Call)
	// ReadOnly disables all tools that write.
	ReadOnly bool
	// Only lists the tools to enable; empty means all.
	Only []string
	// Except lists tools to disable, even if Only lists them.
	Except []string
	// Who returns the agent that a call acts as, if that is known without a
	// request to the platform, or ""; nil means never.
	Who func(context.Context) string
	// Resume switches a session without an identity to an agent whose key is
	// stored, and returns that agent's username, or "" if it did not; nil never
	// does.
	Resume func(ctx context.Context, username string) string
	// Caller identifies a caller without a key, whose new key is returned in
	// the result. If isSession is false, other callers may have the same id.
	// Nil means no id.
	Caller func(context.Context) (id string, isSession bool)
	// ClientName returns the MCP client's name, or "", for [ResultsAuto]; nil
	// means unknown.
	ClientName func(context.Context) string
	// KeySource describes where a call's key comes from; nil means unknown.
	KeySource func(context.Context) string
	// Watch watches a resource and calls changed with each new state, or with
	// an empty one when the resource is gone, until stop is called. It returns
	// the initial state. If nil, waiting tools notice no changes.
	Watch func(ctx context.Context, uri string, changed func(state []byte)) (last []byte, stop func(), err error)
	// Ending returns a channel that is closed when the call's server begins to
	// shut down, so that waiting tools return; nil means no notification.
	Ending func(context.Context) <-chan struct{}
	// Now is the clock; nil means [time.Now].
	Now func() time.Time
	// OnWrite is called before a write is sent. If it returns an error,
	// preferably a [*polt.Error], the write is not sent and the call fails with
	// that error. Otherwise done, if not nil, is called exactly once with the
	// outcome. It requires Key; nil allows every write.
	OnWrite func(context.Context, Write) (done func(Outcome), err error)
}

// A Call is a completed tool call.
type Call struct {
	Tool     string
	Code     polt.Code // "" if the call succeeded
	Duration time.Duration
	Panic    any // the value the handler panicked with, or nil
}

// A Set is the tools of one server. It is safe for concurrent use.
type Set struct {
	options Options
	byName  map[string]*definition // all tools, including disabled ones
	off     map[string]string      // tool name to why it is disabled
	listed  []mcp.Tool
	reads   *singleflight.Group // of tasks that several calls wait for
	news    *registrations      // of callers whose result contained a key
	// canRegister reports whether register_agent is enabled.
	canRegister bool
}

// New returns the tools. It validates the options and the tool table, so that a
// mistake in the table cannot surface later, in a host.
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

// Tools returns the enabled tools, in table order. (mcp-go sorts them by name
// on the wire.)
func (s *Set) Tools() []mcp.Tool { return s.listed }

// Instructions returns [guide.Instructions], with a note if tools are disabled.
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

// handle never returns an error: mcp-go would send it as a protocol error,
// which models do not see.
func (s *Set) handle(ctx context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	arguments := r.Params.RawArguments
	if arguments == nil && r.Params.Arguments != nil {
		var err error
		if arguments, err = json.Marshal(r.Params.Arguments); err != nil {
			arguments = json.RawMessage("0") // rejected: not an object
		}
	}
	return s.Call(withProgress(ctx, r), r.Params.Name, arguments), nil
}

var toolName = regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)

// maxToolName leaves room for the prefixes that hosts add.
const maxToolName = 40

// check returns the first mistake in the table. It does not check the schemas,
// which are checked when generated.
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
