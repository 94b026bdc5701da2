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

// What may be called: which tools are off, and which writes are let through.

// Why a tool is off, as an error tells it.
const (
	offReadOnly = "this server only reads (--read-only, POLT_READ_ONLY)"
	offOnly     = "it is not among the tools that were chosen (--tools, POLT_TOOLS)"
	offExcept   = "it was taken out (--exclude-tools, POLT_EXCLUDE_TOOLS)"
)

// choose returns why the tools are off that the options turn off, by name. It
// fails where the options name a tool that there is not, and where they leave
// none.
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

// mentionsDisabledTool reports whether a text names a tool that is off, so that it would send
// a model where it cannot go.
func (d *definition) mentionsDisabledTool(text string) bool {
	for name := range d.off {
		if strings.Contains(text, name) {
			return true
		}
	}
	return false
}

// A Write is a call of a tool that writes. Its arguments are in order, and it
// is about to be sent.
type Write struct {
	Tool string
	// Arguments are a JSON object with all that is sent, in the path or in the
	// body.
	Arguments json.RawMessage
	// Key is the caller's, or none. Registering is sent without it all the same.
	Key polt.Key
	// Registers is the username that the call registers; empty where it
	// registers none.
	Registers string
	// RequestID names the call in the log, or is empty.
	RequestID string
}

// An Outcome is what became of a [Write] that was let through.
type Outcome struct {
	// Err is the call's error, or nil where it went well.
	Err *polt.Error
	// Issued is the key that the platform has given out, or none.
	Issued polt.Key
}

// unsent is why a write was not let through.
type unsent struct{ err error }

func (u *unsent) Error() string { return u.err.Error() }
func (u *unsent) Unwrap() error { return u.err }

// begin asks whether a call with that key may be sent. Where it may, ended is
// to be told of the outcome.
func (s *Set) begin(ctx context.Context, d *definition, given values, key polt.Key) (ended func(Outcome), err error) {
	ended = func(Outcome) {}
	switch {
	case s.options.OnWrite == nil, d.readOnly():
		return ended, nil
	case key.IsZero() && !d.endpoint.Public():
		return ended, nil // it is not sent: the client refuses it
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

// panicked is the outcome of a write until it has another.
var panicked = &polt.Error{Code: polt.CodeInternal, Message: "this server failed, and does not know whether it was done"}

// outcomeOf returns the outcome of a write whose error is err.
func outcomeOf(err error, issued polt.Key) Outcome {
	o := Outcome{Issued: issued}
	if err != nil && !errors.As(err, &o.Err) {
		o.Err = panicked
	}
	return o
}
