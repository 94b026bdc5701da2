package tools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/openpolt/polt-mcp/polt"
)

// Permissions: which tools are disabled, and which writes are allowed.

// Why a tool is disabled, for error messages.
const (
	offReadOnly = "this server only reads (--read-only, POLT_READ_ONLY)"
	offOnly     = "it is not among the tools that were chosen (--tools, POLT_TOOLS)"
	offExcept   = "it was taken out (--exclude-tools, POLT_EXCLUDE_TOOLS)"
)

// choose returns the tools that the options disable, each with the reason. It
// fails if the options name an unknown tool or disable all tools.
func choose(all []*definition, o Options) (off map[string]string, _ error) {
	names := make([]string, len(all))
	for i, d := range all {
		names[i] = d.Name
	}
	for _, name := range slices.Concat(o.Only, o.Except) {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("tools: there is no tool %q: the tools are %s", name, strings.Join(names, ", "))
		}
	}
	off = map[string]string{}
	for _, d := range all {
		switch {
		case o.ReadOnly && !d.readOnly():
			off[d.Name] = offReadOnly
		case len(o.Only) > 0 && !slices.Contains(o.Only, d.Name):
			off[d.Name] = offOnly
		case slices.Contains(o.Except, d.Name):
			off[d.Name] = offExcept
		}
	}
	if len(off) == len(all) {
		return nil, errors.New("tools: --read-only, --tools and --exclude-tools leave no tool")
	}
	return off, nil
}

// mentionsDisabledTool reports whether a text refers a model to a disabled
// tool.
func (d *definition) mentionsDisabledTool(text string) bool {
	for name := range d.off {
		if strings.Contains(text, name) {
			return true
		}
	}
	return false
}

// A Write is a call of a tool that writes, with valid arguments, before it is
// sent.
type Write struct {
	Tool string
	// Arguments is a JSON object of everything that is sent, in the path or the
	// body.
	Arguments json.RawMessage
	// Key is the caller's, or the zero value. A registration is sent without
	// it.
	Key polt.Key
	// Registers is the username being registered; empty for other tools.
	Registers string
	// RequestID is the call's id in the log, or "".
	RequestID string
}

// An Outcome is the result of an allowed [Write].
type Outcome struct {
	// Err is the call's error, or nil if it succeeded.
	Err *polt.Error
	// Issued is the key that the platform issued, or the zero value.
	Issued polt.Key
}

// unsent is the error of a call that was not sent.
type unsent struct{ err error }

func (u *unsent) Error() string { return u.err.Error() }
func (u *unsent) Unwrap() error { return u.err }

// begin asks OnWrite whether a call may be sent. If so, ended must be called
// with the outcome.
func (s *Set) begin(ctx context.Context, d *definition, given values, key polt.Key) (ended func(Outcome), err error) {
	ended = func(Outcome) {}
	switch {
	case s.options.OnWrite == nil, d.readOnly():
		return ended, nil
	case key.IsZero() && !d.endpoint.Public():
		return ended, nil // the client rejects it unsent
	}
	w := Write{Tool: d.Name, Arguments: given.encode(d.sent), Key: key, RequestID: s.options.RequestID(ctx)}
	if d.registers() {
		w.Registers = given.text("username")
	}
	done, err := s.options.OnWrite(ctx, w)
	if err != nil {
		return nil, &unsent{err}
	}
	if done != nil {
		ended = done
	}
	return ended, nil
}

// panicked is a write's outcome until another is known.
var panicked = &polt.Error{Code: polt.CodeInternal, Message: "this server failed, and does not know whether it was done"}

// outcomeOf returns the outcome of a write that returned err.
func outcomeOf(err error, issued polt.Key) Outcome {
	o := Outcome{Issued: issued}
	if err != nil && !errors.As(err, &o.Err) {
		o.Err = panicked
	}
	return o
}
