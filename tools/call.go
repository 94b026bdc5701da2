package tools

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/openpolt/polt-mcp/internal/buffers"
	"github.com/openpolt/polt-mcp/internal/clean"
	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools/internal/shape"
)

// Call calls a tool. arguments is a JSON object; empty means no arguments.
// Every failure is returned in the result, as a tool error.
func (s *Set) Call(ctx context.Context, name string, arguments json.RawMessage) (result *mcp.CallToolResult) {
	d := s.byName[name]
	if err, ok := errors.AsType[*Error](s.Missing(name)); ok {
		happened, next := s.missing(name)
		return errorResult(s.errorText(happened, next, failure{Code: err.Code(), RequestID: s.options.RequestID(ctx)}))
	}
	start := time.Now()
	ended := Call{Tool: name}
	defer func() {
		if p := recover(); p != nil {
			// Log only: the panic value may contain anything.
			ended.Panic, ended.Code = p, polt.CodeInternal
			text, _ := s.failureText(d, &polt.Error{Code: polt.CodeInternal, Message: "this server failed"}, keyFacts{}, s.options.RequestID(ctx))
			result = errorResult(text)
		}
		ended.Duration = time.Since(start)
		s.options.OnCall(ctx, ended)
	}()

	key := s.Key(ctx) // once, so that the checked key is the one sent
	client := s.clientOf(key)
	failed := func(text string) *mcp.CallToolResult { // an argument or its name may contain the key
		return errorResult(string(client.Key().Redact([]byte(text))))
	}
	p, faults := d.prepare(arguments, client)
	if len(faults) > 0 {
		ended.Code = polt.CodeInvalidArgument
		return failed(s.faultsText(d, faults, s.options.RequestID(ctx)))
	}
	result, err := s.call(ctx, d, p, key, client)
	if err != nil {
		var text string
		text, ended.Code = s.failureText(d, err, s.keyFacts(ctx), s.options.RequestID(ctx))
		return failed(text)
	}
	return result
}

// prepared is a call with valid arguments.
type prepared struct {
	endpointCall
	given   values
	summary shape.Summary // which part of the answer to cut
}

// prepare decodes a call's arguments, or returns all problems with them.
func (d *definition) prepare(given json.RawMessage, client *polt.Client) (p prepared, faults []argumentError) {
	checked, faults := checkArguments(d.form().input, given)
	p = prepared{given: checked, summary: d.Summary}
	if checked.text(detailArgument) == detailFull {
		p.summary = shape.Whole
	}
	for _, f := range faults {
		delete(checked, f.argument)
	}
	known := faults
	p.endpointCall = d.decode(checked)
	for _, f := range append(p.check(), leaks(checked, client)...) {
		_, isGiven := checked[f.argument]
		isKnown := slices.ContainsFunc(known, func(k argumentError) bool { return k.argument == f.argument })
		if isKnown || len(known) > 0 && !isGiven && f.argument != "" { // its absence was reported above
			continue
		}
		faults = append(faults, f)
	}
	return p, faults
}

// call calls the endpoint, if allowed, and returns the result.
func (s *Set) call(ctx context.Context, d *definition, p prepared, key polt.Key, client *polt.Client) (*mcp.CallToolResult, error) {
	if d.registers() {
		if err := s.alreadyRegistered(ctx, p.given, key, client); err != nil {
			return nil, err
		}
	}
	ended, err := s.begin(ctx, d, p.given, key)
	if err != nil {
		return nil, err
	}
	outcome := Outcome{Err: panicked}
	defer func() { ended(outcome) }()
	result, issued, err := s.exchange(ctx, d, p, client)
	outcome = outcomeOf(err, issued)
	return result, err
}

// exchange calls the endpoint and returns the result, and the key that the
// platform issued, if any.
func (s *Set) exchange(ctx context.Context, d *definition, p prepared, client *polt.Client) (_ *mcp.CallToolResult, issued polt.Key, _ error) {
	if d.registers() {
		// A cancelled call must not lose the new agent's key.
		ctx = context.WithoutCancel(ctx)
	}
	raw, extra, err := d.fetch(ctx, s, p, client)
	if err != nil {
		return nil, issued, err
	}
	if err := d.checkBody(raw); err != nil {
		return nil, issued, err
	}
	if d.registers() {
		r, _ := registrationOf(raw)
		issued, extra = r.APIKey, s.storeKey(ctx, p.given.text("username"), raw)
	}
	o := shape.Options{
		Summary: p.summary, Notes: d.Notes, Types: d.form().kinds,
		Sent: p.given.text("submission_content"), Payouts: p.given.text("sort") == string(polt.TasksByPayout),
	}
	if p.summary == d.Summary { // a full answer gets no additions
		o.Now = s.options.Now()
	}
	body, err := d.resultJSON(raw, o, extra, p.given)
	if err != nil && !extra.hide.IsZero() {
		// The agent is registered and its key is stored, so this is not an
		// error.
		extra.notice += "; the rest of the answer is unusable: " + clean.Line(err.Error(), 100)
		body, err = d.resultJSON([]byte("{}"), o, extra, p.given)
	}
	if err != nil {
		return nil, issued, d.unusableAnswer(err)
	}
	if extra.ownsAnswer {
		buffers.Free(raw) // body has none of it
	}
	return s.result(ctx, body), issued, nil
}

// client returns the client for the caller of ctx.
func (s *Set) client(ctx context.Context) *polt.Client { return s.clientOf(s.Key(ctx)) }

// clientOf returns the client for a key.
func (s *Set) clientOf(key polt.Key) *polt.Client {
	if s.options.Key == nil {
		return s.options.Client
	}
	return s.options.Client.As(key)
}

// checkBody returns an error if an answer that must have content is empty: a
// GET, or a registration, which returns the key. For other writes the status is
// enough.
func (d *definition) checkBody(raw []byte) error {
	shows := d.method() == http.MethodGet || d.registers()
	if len(bytes.TrimSpace(raw)) > 0 || !shows {
		return nil
	}
	return d.unusableAnswer(errors.New("the platform answered without a body"))
}

// unusableAnswer returns the error for an unusable answer, such as invalid
// JSON.
func (d *definition) unusableAnswer(err error) error {
	e := &polt.Error{Code: polt.CodeUpstreamError, HTTPStatus: 200, Message: err.Error(), Retryable: true}
	if !d.readOnly() {
		e.Code, e.Retryable = polt.CodeOutcomeUnknown, false
	}
	return e
}

// An addition is what a result has in addition to the platform's answer.
type addition struct {
	hide    polt.Key          // a stored key, to be redacted in the result
	members []json.RawMessage // to add, each as "name":value
	notice  string
	cut     int // number of texts already cut
	// ownsAnswer says that the answer's bytes are used for this result only.
	ownsAnswer bool
}

// resultJSON shapes the platform's answer into the result's object. If given is
// nil, no tool was called, and the notice lists only the changes made.
func (d *definition) resultJSON(raw []byte, o shape.Options, extra addition, given values) ([]byte, error) {
	var said []string
	if raw = bytes.TrimSpace(raw); len(raw) == 0 {
		raw = []byte("{}")
		said = append(said, "the platform answered without a body: it is done")
	}
	o.List = d.form().listName
	if !extra.hide.IsZero() {
		o.Drop = "api_key"
	}
	shaped, err := shape.JSON(raw, o)
	if err != nil {
		return nil, err
	}
	shaped.Cut += extra.cut
	said = append(said, changes(shaped)...)
	if extra.notice != "" {
		said = append(said, extra.notice)
	}
	body := shaped.JSON
	if !extra.hide.IsZero() { // the platform's message may repeat it
		body = extra.hide.Redact(body)
	}
	members := extra.members
	if given != nil {
		if shaped.IsList && o.Summary == shape.Lists && !o.Now.IsZero() && d.endpoint != nil {
			members = append(members, clock(o.Now))
		}
		a := &answer{given: given, raw: raw, shape: shaped, off: d.off}
		for _, says := range d.Says {
			if text := says(a); text != "" {
				said = append(said, text)
			}
		}
	}
	if len(said) > 0 {
		members = append(members, shape.Member(noticeMember, strings.Join(said, "; ")))
	}
	return shape.Append(body, members...), nil
}

func errorResult(text string) *mcp.CallToolResult {
	return &mcp.CallToolResult{Content: []mcp.Content{mcp.NewTextContent(text)}, IsError: true}
}
