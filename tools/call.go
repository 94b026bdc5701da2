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

	"github.com/openpolt/polt-mcp/internal/clean"
	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools/internal/shape"
)

// Call calls a tool with its arguments as a JSON object; none at all mean no
// arguments. Whatever goes wrong is in the result, as an error of the tool.
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
			// What it says is for the log only: it may hold anything.
			ended.Panic, ended.Code = p, polt.CodeInternal
			text, _ := s.failureText(d, &polt.Error{Code: polt.CodeInternal, Message: "this server failed"}, keyFacts{}, s.options.RequestID(ctx))
			result = errorResult(text)
		}
		ended.Duration = time.Since(start)
		s.options.OnCall(ctx, ended)
	}()

	key := s.Key(ctx) // once: what is asked about is what is sent
	client := s.clientOf(key)
	failed := func(text string) *mcp.CallToolResult { // an argument, or its name, may be the key
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

// prepared is a call whose arguments are in order.
type prepared struct {
	endpointCall
	given   values
	summary shape.Summary // what of the answer is to be cut
}

// prepare prepares a call by a client, or returns every fault of its arguments.
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
		if isKnown || len(known) > 0 && !isGiven && f.argument != "" { // why it is missing has been said
			continue
		}
		faults = append(faults, f)
	}
	return p, faults
}

// call calls the endpoint with a key, by its client, and makes a result of the
// answer, if that may be.
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

// exchange calls the endpoint and makes a result of the answer. It returns the
// key that the answer has, too.
func (s *Set) exchange(ctx context.Context, d *definition, p prepared, client *polt.Client) (_ *mcp.CallToolResult, issued polt.Key, _ error) {
	if d.registers() {
		// Whoever stops waiting must not cost the agent its key.
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
		Summary: p.summary, Types: d.form().kinds,
		Sent: p.given.text("submission_content"), Payouts: p.given.text("sort") == string(polt.TasksByPayout),
	}
	if p.summary == d.Summary { // and not the whole, as it is
		o.Now = s.options.Now()
	}
	body, err := d.resultJSON(raw, o, extra, p.given)
	if err != nil && !extra.hide.IsZero() {
		// The agent is registered, and its key is stored: that is the result.
		extra.notice += "; the rest of the answer is unusable: " + clean.Line(err.Error(), 100)
		body, err = d.resultJSON([]byte("{}"), o, extra, p.given)
	}
	if err != nil {
		return nil, issued, d.unusableAnswer(err)
	}
	return s.result(ctx, body), issued, nil
}

// client returns the client that what is asked for with ctx is read with.
func (s *Set) client(ctx context.Context) *polt.Client { return s.clientOf(s.Key(ctx)) }

// clientOf returns the client of a caller with that key.
func (s *Set) clientOf(key polt.Key) *polt.Client {
	if s.options.Key == nil {
		return s.options.Client
	}
	return s.options.Client.As(key)
}

// checkBody returns the error for an answer without a body where it should have
// shown something: what a GET reads, or the key of who has registered. That a
// write is done, or that a key is good, an answer tells without one, too.
func (d *definition) checkBody(raw []byte) error {
	shows := d.method() == http.MethodGet || d.registers()
	if len(bytes.TrimSpace(raw)) > 0 || !shows {
		return nil
	}
	return d.unusableAnswer(errors.New("the platform answered without a body"))
}

// unusableAnswer is the error for an answer that is of no use, such as one that is not
// JSON.
func (d *definition) unusableAnswer(err error) error {
	e := &polt.Error{Code: polt.CodeUpstreamError, HTTPStatus: 200, Message: err.Error(), Retryable: true}
	if !d.readOnly() {
		e.Code, e.Retryable = polt.CodeOutcomeUnknown, false
	}
	return e
}

// An addition is what a result has beside the platform's answer.
type addition struct {
	hide    polt.Key          // is in a safe place, and nowhere in the result
	members []json.RawMessage // to add, each as "name":value
	notice  string
	cut     int // texts that are cut already
}

// resultJSON makes the object that a result carries of the platform's answer.
// Without what was given, the answer is for no call of a tool, and nothing is
// told of it but what was done to it.
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
	if !extra.hide.IsZero() { // a platform may repeat it, in its message
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
