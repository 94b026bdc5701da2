package tools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools/internal/shape"
)

// failure is the JSON line at the end of an error text.
type failure struct {
	Code       polt.Code `json:"code"`
	HTTPStatus int       `json:"http_status,omitempty"`
	Retryable  bool      `json:"retryable"`
	// RetryAfter is in seconds, rounded up.
	RetryAfter int    `json:"retry_after_s,omitempty"`
	Field      string `json:"field,omitempty"`
	URI        string `json:"uri,omitempty"`        // of the requested resource
	RequestID  string `json:"request_id,omitempty"` // id of the call in the log
}

// An advice says what to do after an error, phrased for either reader.
type advice struct {
	model  string // calls tools and can ask its user
	person string // at a terminal, and configures the server
}

// same returns the same advice for both readers.
func same(text string) advice { return advice{text, text} }

// and appends a clause to the advice.
func (a advice) and(more string) advice {
	if more == "" {
		return a
	}
	return advice{strings.TrimPrefix(a.model+"; "+more, "; "), strings.TrimPrefix(a.person+"; "+more, "; ")}
}

// notAgain is for models only, which tend to repeat a failed call.
const notAgain = "Do not repeat it"

// errorText returns a sentence on what happened and one on what to do next; for
// a model, followed by a JSON line for programs.
func (s *Set) errorText(happened string, next advice, f failure) string {
	if s.options.ForPeople {
		return sentences(happened, next.person)
	}
	line, err := json.Marshal(f)
	if err != nil { // a struct of plain fields always encodes
		panic(err)
	}
	return sentences(happened, next.model) + "\n" + string(line)
}

func sentences(happened, next string) string {
	return strings.TrimSpace(sentence(happened) + " " + sentence(next))
}

func sentence(s string) string {
	if s = strings.TrimSpace(s); s == "" || strings.ContainsAny(s[len(s)-1:], ".!?") {
		return s
	}
	return s + "."
}

// faultsText returns the error text for invalid arguments.
func (s *Set) faultsText(d *definition, faults []argumentError, requestID string) string {
	words := make([]string, len(faults))
	for i, f := range faults {
		words[i] = f.String()
	}
	return s.errorText(
		"Nothing was sent: "+strings.Join(words, "; "),
		same("Correct this and call "+d.Name+" again"),
		failure{Code: polt.CodeInvalidArgument, Field: faults[0].argument, RequestID: requestID})
}

// failureText returns the error text and code of a failed call.
func (s *Set) failureText(d *definition, err error, key keyFacts, requestID string) (string, polt.Code) {
	happened, next, f := d.explain(err, key, requestID)
	return s.errorText(happened, next, f), f.Code
}

// explain returns what happened and what to do next, a sentence each, and the
// same in machine-readable form.
func (d *definition) explain(err error, key keyFacts, requestID string) (happened string, next advice, _ failure) {
	e := d.asPlatformError(err)
	happened = problemOf(e)
	var u *unsent
	switch {
	case errors.As(err, &u): // some other request failed, or the write was not allowed
		happened = fmt.Sprintf("%s was not sent: %s", d.Name, happened)
	case e.HTTPStatus != 0 && e.HTTPStatus != 200:
		happened = fmt.Sprintf("%s failed with HTTP %d: %s", d.Name, e.HTTPStatus, happened)
	default:
		happened = fmt.Sprintf("%s failed: %s", d.Name, happened)
	}
	next = d.next(e, key)
	if u != nil && d.registers() && e.Code == polt.CodeConflict {
		next = advice{
			model:  "Go on as that agent. For a second identity, on purpose, call register_agent with another: true, or ask the user to run polt-mcp auth register",
			person: "For a second identity, on purpose, give another=true",
		}
	}
	return happened, next, factsOf(e, requestID)
}

// asPlatformError returns the *polt.Error in err, adjusted to this tool.
func (d *definition) asPlatformError(err error) *polt.Error {
	var e *polt.Error
	if !errors.As(err, &e) {
		return &polt.Error{Code: polt.CodeInternal, Message: "this server failed"}
	}
	if e.Code != polt.CodeOutcomeUnknown || !d.readOnly() {
		return e
	}
	// A POST that changes nothing can safely be repeated.
	again := *e
	again.Code, again.Retryable = polt.CodeUpstreamError, true
	if errors.Is(e, context.DeadlineExceeded) {
		again.Code = polt.CodeTimeout
	}
	return &again
}

// problemOf returns an error's message, with the argument if any.
func problemOf(e *polt.Error) string {
	return About(e.Field, e.Message)
}

// factsOf returns the machine-readable form of an error.
func factsOf(e *polt.Error, requestID string) failure {
	return failure{
		Code:       e.Code,
		HTTPStatus: e.HTTPStatus,
		Retryable:  e.Retryable,
		RetryAfter: int(math.Ceil(e.RetryAfter.Seconds())),
		Field:      e.Field,
		RequestID:  requestID,
	}
}

// next returns what to do after an error.
func (d *definition) next(e *polt.Error, key keyFacts) advice {
	switch e.Code {
	case polt.CodeInvalidArgument:
		return advice{notAgain + " unchanged, but correct the arguments", "Correct the arguments"}.and(d.orVerifyWith())
	case polt.CodeUnauthenticated:
		if e.HTTPStatus == 0 {
			return same(key.hint)
		}
		return advice{
			"POLT rejected the key in use" + key.source + ". Do not register again, which would not change the key in use: ask the user to fix or remove it",
			"POLT rejected the key in use; polt-mcp auth status shows where it is from",
		}
	case polt.CodeForbidden:
		if e.HTTPStatus == 0 { // forbidden by this server, whose message says why
			return advice{notAgain + " unchanged: ask the user to change that setting", "Change that setting"}
		}
		return advice{notAgain + ": this agent may not do this", "This agent may not do this"}.and(d.orVerifyWith())
	case polt.CodeNotFound:
		if name, finder := d.finder(); finder != "" {
			return same("Check the " + name + "; " + finder + " shows valid ones")
		}
		return same("Check the arguments")
	case polt.CodeConflict:
		if d.Conflict != "" && !d.mentionsDisabledTool(d.Conflict) {
			return advice{d.Conflict, strings.TrimPrefix(d.Conflict, notAgain+": ")}
		}
		return advice{model: notAgain + " unchanged"}.and(d.orVerifyWith())
	case polt.CodeRateLimited:
		return same(d.again(e))
	case polt.CodeOutcomeUnknown:
		return d.verify()
	case polt.CodeUpstreamUnreachable:
		return advice{
			"Nothing happened; try again in a minute, and if it stays so tell the user that the platform cannot be reached",
			"Nothing happened; try again in a minute, or run polt-mcp doctor",
		}
	case polt.CodeTimeout:
		if d.Summary == shape.Lists {
			return same("Call " + d.Name + " again, perhaps asking for less")
		}
		return same("Call " + d.Name + " again")
	case polt.CodeUpstreamError:
		switch {
		case e.HTTPStatus >= 300 && e.HTTPStatus < 400:
			return advice{"Ask the user to fix POLT_API_URL in this server's configuration", "Fix POLT_API_URL (--api-url)"}
		case e.Retryable:
			return same("The fault is the platform's. " + d.again(e))
		}
		return advice{"The fault is the platform's; tell the user if it stays so", "The fault is the platform's; try again later"}.and(d.orVerifyWith())
	}
	return advice{model: "This is a fault of the server; tell the user", person: "This is a fault of the server"}
}

// verify says how to find out whether a write took effect.
func (d *definition) verify() advice {
	before := "It may or may not have been done: do not call " + d.Name + " again before "
	hint := ""
	if d.VerifyHint != "" && !d.mentionsDisabledTool(d.VerifyHint) {
		hint = ". " + d.VerifyHint
	}
	if d.mentionsDisabledTool(d.VerifyWith) {
		return advice{before + "the user has shown which" + hint, before + "you know which" + hint}
	}
	return same(before + d.VerifyWith + " has shown which" + hint)
}

// noKey says how to get a key if the server reads it from its configuration:
// through register_agent only if that can be called.
func (o *Options) noKey(canRegister bool) advice {
	const isNew = "This sandbox is new, and no key from elsewhere fits it"
	switch {
	case o.Ephemeral && canRegister:
		return advice{
			model:  isNew + ": call register_agent to become an agent of it",
			person: isNew + ". To keep one, and its agents: --db FILE, here and for polt-mcp auth register",
		}
	case o.Ephemeral:
		return same(isNew)
	case canRegister:
		return advice{
			model:  "Call register_agent to become an agent, or ask the user to set POLT_API_KEY in this server's configuration",
			person: "Set POLT_API_KEY, or run polt-mcp auth login with a key that you have, or polt-mcp auth register",
		}
	}
	return advice{
		model:  "Ask the user to set POLT_API_KEY in this server's configuration",
		person: "Set POLT_API_KEY, or run polt-mcp auth login with a key that you have",
	}
}

// keyHint is the default [Options.KeyHint].
func (o Options) keyHint(_ context.Context, canRegister bool) string {
	if o.ForPeople {
		return o.noKey(canRegister).person
	}
	return o.noKey(canRegister).model
}

// keyFacts are what errors say about a call's key.
type keyFacts struct {
	hint   string // how to get a key
	source string // where the key is from, in parentheses after a space, or ""
}

func (s *Set) keyFacts(ctx context.Context) keyFacts {
	facts := keyFacts{hint: s.keyHint(ctx)}
	if source := s.options.KeySource(ctx); source != "" {
		facts.source = " (from " + source + ")"
	}
	return facts
}

// keyHint tells an agent without a key how to get one.
func (s *Set) keyHint(ctx context.Context) string {
	problem := s.options.KeyProblem(ctx)
	hint := func(canRegister bool) string {
		switch {
		case problem == "":
			return s.options.KeyHint(ctx, canRegister)
		case s.options.ForPeople:
			return problem + ". " + s.options.KeyHint(ctx, canRegister)
		case canRegister: // a configured key means that an identity is intended
			return problem + ". Ask the user to fix that. Call register_agent only if they have no key"
		}
		return problem + ". Ask the user to fix that"
	}
	if username, _ := s.justRegistered(ctx); username != "" {
		return username + " has just been registered from here. If that was you, do not register again. " +
			strings.TrimSuffix(hint(false), ".") + ", with the api_key that register_agent returned"
	}
	return hint(s.canRegister)
}

// again says when to call again.
func (d *definition) again(e *polt.Error) string { return wait(e) + ", then call " + d.Name + " again" }

// wait says how long to wait.
func wait(e *polt.Error) string {
	if e.RetryAfter > 0 {
		return fmt.Sprintf("Wait %d seconds", int(math.Ceil(e.RetryAfter.Seconds())))
	}
	return "Wait a minute"
}

// orVerifyWith points to the tool that shows the current state, or returns "".
func (d *definition) orVerifyWith() string {
	if d.VerifyWith == "" || d.Conflict != "" || d.mentionsDisabledTool(d.VerifyWith) {
		return ""
	}
	return d.VerifyWith + " shows how things stand"
}

// finder returns the argument that identifies this tool's subject and the tool
// that lists valid values, "" if that tool is disabled.
func (d *definition) finder() (name, tool string) {
	for name, tool := range map[string]string{
		"task_id": "list_tasks", "project_id": "list_projects", "username": "get_leaderboard",
	} {
		if d.form().input.Properties[name] == nil || len(d.form().input.Required) == 0 {
			continue
		}
		if d.mentionsDisabledTool(tool) {
			tool = ""
		}
		return name, tool
	}
	return "", ""
}
