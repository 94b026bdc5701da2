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

// failure is the line of JSON at the end of an error's text.
type failure struct {
	Code       polt.Code `json:"code"`
	HTTPStatus int       `json:"http_status,omitempty"`
	Retryable  bool      `json:"retryable"`
	// RetryAfter is in whole seconds, rounded up.
	RetryAfter int    `json:"retry_after_s,omitempty"`
	Field      string `json:"field,omitempty"`
	URI        string `json:"uri,omitempty"`        // of the resource that was asked for
	RequestID  string `json:"request_id,omitempty"` // names the call in the log
}

// errorText says what happened in one sentence and what to do next in another,
// for a model to act on, and ends with a line of JSON for a program.
func errorText(happened, next string, f failure) string {
	line, err := json.Marshal(f)
	if err != nil { // a struct of plain fields always encodes
		panic(err)
	}
	return sentences(happened, next) + "\n" + string(line)
}

func sentences(happened, next string) string { return sentence(happened) + " " + sentence(next) }

func sentence(s string) string {
	if s = strings.TrimSpace(s); s == "" || strings.ContainsAny(s[len(s)-1:], ".!?") {
		return s
	}
	return s + "."
}

// faultsText is the error for arguments that were refused.
func (d *definition) faultsText(faults []argumentError, requestID string) string {
	words := make([]string, len(faults))
	for i, f := range faults {
		words[i] = f.String()
	}
	return errorText(
		"Nothing was sent: "+strings.Join(words, "; "),
		"Correct this and call "+d.Name+" again",
		failure{Code: polt.CodeInvalidArgument, Field: faults[0].argument, RequestID: requestID})
}

// errorText is the error for a call that failed. keyHint says how an agent
// gets a key where the server runs.
func (d *definition) errorText(err error, keyHint, requestID string) (string, polt.Code) {
	happened, next, f := d.explain(err, keyHint, requestID)
	return errorText(happened, next, f), f.Code
}

// explain says what happened and what to do next, in a sentence each, and the
// same for a program.
func (d *definition) explain(err error, keyHint, requestID string) (happened, next string, _ failure) {
	e := d.asPlatformError(err)
	happened = problemOf(e)
	var u *unsent
	switch {
	case errors.As(err, &u): // whatever failed, it was not this call
		happened = fmt.Sprintf("%s was not sent: %s", d.Name, happened)
	case e.HTTPStatus != 0 && e.HTTPStatus != 200:
		happened = fmt.Sprintf("%s failed with HTTP %d: %s", d.Name, e.HTTPStatus, happened)
	default:
		happened = fmt.Sprintf("%s failed: %s", d.Name, happened)
	}
	next = d.next(e, keyHint)
	if u != nil && d.registers() && e.Code == polt.CodeConflict {
		next = "Go on as that agent. For a second identity, on purpose, call register_agent with another: true, or have the user run polt-mcp auth register"
	}
	return happened, next, factsOf(e, requestID)
}

// asPlatformError returns the platform's error in an error, as it is for this tool.
func (d *definition) asPlatformError(err error) *polt.Error {
	var e *polt.Error
	if !errors.As(err, &e) {
		return &polt.Error{Code: polt.CodeInternal, Message: "this server failed"}
	}
	if e.Code != polt.CodeOutcomeUnknown || !d.readOnly() {
		return e
	}
	// A POST that changes nothing can simply be made again.
	again := *e
	again.Code, again.Retryable = polt.CodeUpstreamError, true
	if errors.Is(e, context.DeadlineExceeded) {
		again.Code = polt.CodeTimeout
	}
	return &again
}

// problemOf returns what an error says, and of which argument.
func problemOf(e *polt.Error) string {
	if e.Field != "" {
		return e.Field + ": " + e.Message
	}
	return e.Message
}

// factsOf returns an error for a program.
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

// next says what to do after an error.
func (d *definition) next(e *polt.Error, keyHint string) string {
	switch e.Code {
	case polt.CodeInvalidArgument:
		return "Do not repeat it unchanged, but correct the arguments" + d.orVerifyWith()
	case polt.CodeUnauthenticated:
		if e.HTTPStatus == 0 {
			return keyHint
		}
		return "POLT rejected the key in use. Do not register again, which would not change the key in use: ask the user to fix or remove it"
	case polt.CodeForbidden:
		if e.HTTPStatus == 0 { // it is this server that forbids it, and has said why
			return "Do not repeat it unchanged"
		}
		return "Do not repeat it: this agent may not do this" + d.orVerifyWith()
	case polt.CodeNotFound:
		if name, finder := d.finder(); finder != "" {
			return "Check the " + name + "; " + finder + " shows valid ones"
		}
		return "Check the arguments"
	case polt.CodeConflict:
		if d.Conflict != "" && !d.mentionsDisabledTool(d.Conflict) {
			return d.Conflict
		}
		return "Do not repeat it unchanged" + d.orVerifyWith()
	case polt.CodeRateLimited:
		return d.again(e)
	case polt.CodeOutcomeUnknown:
		look := d.VerifyWith
		if d.mentionsDisabledTool(look) {
			look = "the user"
		}
		next := fmt.Sprintf("It may or may not have been done: do not call %s again before %s has shown which", d.Name, look)
		if d.VerifyHint != "" && !d.mentionsDisabledTool(d.VerifyHint) {
			next += ". " + d.VerifyHint
		}
		return next
	case polt.CodeUpstreamUnreachable:
		return "Nothing happened; try again in a minute, and if it stays so tell the user that the platform cannot be reached"
	case polt.CodeTimeout:
		if d.Summary == shape.Lists {
			return "Call " + d.Name + " again, perhaps asking for less"
		}
		return "Call " + d.Name + " again"
	case polt.CodeUpstreamError:
		switch {
		case e.HTTPStatus >= 300 && e.HTTPStatus < 400:
			return "Ask the user to fix POLT_API_URL in this server's configuration"
		case e.Retryable:
			return "The fault is the platform's. " + d.again(e)
		}
		return "The fault is the platform's; tell the user if it stays so" + d.orVerifyWith()
	}
	return "This is a fault of the server; tell the user"
}

// again says when to call again.
func (d *definition) again(e *polt.Error) string { return wait(e) + ", then call " + d.Name + " again" }

// wait says for how long to wait.
func wait(e *polt.Error) string {
	if e.RetryAfter > 0 {
		return fmt.Sprintf("Wait %d seconds", int(math.Ceil(e.RetryAfter.Seconds())))
	}
	return "Wait a minute"
}

// orVerifyWith names the read that shows why.
func (d *definition) orVerifyWith() string {
	if d.VerifyWith == "" || d.Conflict != "" || d.mentionsDisabledTool(d.VerifyWith) {
		return ""
	}
	return "; " + d.VerifyWith + " shows how things stand"
}

// finder names what this tool's path names, and the tool that finds that, or
// none where it is off.
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
