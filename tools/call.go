package tools

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
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
	d, ok := s.byName[name]
	if !ok {
		return errorResult(errorText(
			fmt.Sprintf("There is no tool %q", clean.Line(name, 60)), "Choose one of those that are listed",
			failure{Code: polt.CodeInvalidArgument, RequestID: s.options.RequestID(ctx)}))
	}
	if why := s.off[name]; why != "" {
		return errorResult(errorText(
			fmt.Sprintf("The tool %s is off: %s", name, why), "Go on without it, or have the user change that setting",
			failure{Code: polt.CodeForbidden, RequestID: s.options.RequestID(ctx)}))
	}
	start := time.Now()
	ended := Call{Tool: name}
	defer func() {
		if p := recover(); p != nil {
			// What it says is for the log only: it may hold anything.
			ended.Panic, ended.Code = p, polt.CodeInternal
			text, _ := d.errorText(&polt.Error{Code: polt.CodeInternal, Message: "this server failed"}, "", s.options.RequestID(ctx))
			result = errorResult(text)
		}
		ended.Duration = time.Since(start)
		s.options.OnCall(ctx, ended)
	}()

	key := s.Key(ctx) // once: what is asked about is what is sent
	client := s.clientOf(key)
	failed := func(text string) *mcp.CallToolResult { // an argument, or its name, may be the key
		return errorResult(string(client.Redact([]byte(text))))
	}
	p, faults := d.prepare(arguments, client)
	if len(faults) > 0 {
		ended.Code = polt.CodeInvalidArgument
		return failed(d.faultsText(faults, s.options.RequestID(ctx)))
	}
	result, err := s.call(ctx, d, p, key, client)
	if err != nil {
		var text string
		text, ended.Code = d.errorText(err, s.keyHint(ctx), s.options.RequestID(ctx))
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
	known := map[string]bool{}
	for _, f := range faults {
		known[f.argument] = true
		delete(checked, f.argument)
	}
	p.endpointCall = d.decode(checked)
	for _, f := range append(p.check(), leaks(checked, client)...) {
		if !known[f.argument] {
			faults = append(faults, f)
		}
	}
	return p, faults
}

// call calls the endpoint with a key, by its client, and makes a result of the
// answer, if that may be.
func (s *Set) call(ctx context.Context, d *definition, p prepared, key polt.Key, client *polt.Client) (*mcp.CallToolResult, error) {
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
	raw, err := p.send(ctx, client)
	if err != nil {
		return nil, issued, err
	}
	if err := d.checkBody(raw); err != nil {
		return nil, issued, err
	}
	var extra addition
	if d.registers() {
		r, _ := registrationOf(raw)
		issued, extra = r.APIKey, s.storeKey(ctx, p.given.text("username"), raw)
	}
	o := shape.Options{Summary: p.summary, Types: d.form().kinds}
	body, err := d.resultJSON(raw, o, extra)
	if err != nil && !extra.hide.IsZero() {
		// The agent is registered, and its key is stored: that is the result.
		extra.notice += "; the rest of the answer is unusable: " + clean.Line(err.Error(), 100)
		body, err = d.resultJSON([]byte("{}"), o, extra)
	}
	if err != nil {
		return nil, issued, d.unusableAnswer(err)
	}
	return s.result(body), issued, nil
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
	shows := d.endpoint.Method() == http.MethodGet || d.registers()
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
}

// noticeMember is where a result says what was done to the answer. It has no
// name that a platform would choose.
const noticeMember = "_notice"

// resultJSON makes the object that a result carries of the platform's answer.
func (d *definition) resultJSON(raw []byte, o shape.Options, extra addition) ([]byte, error) {
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
	said = append(said, notices(shaped)...)
	if extra.notice != "" {
		said = append(said, extra.notice)
	}
	body := shaped.JSON
	if !extra.hide.IsZero() { // a platform may repeat it, in its message
		body = extra.hide.Redact(body)
	}
	members := extra.members
	if len(said) > 0 {
		members = append(members, shape.Member(noticeMember, strings.Join(said, "; ")))
	}
	return shape.Append(body, members...), nil
}

// notices says what was cut, removed, moved or left out.
func notices(s shape.Result) []string {
	var all, lost []string
	if s.Cut > 0 {
		lost = append(lost, fmt.Sprintf("%s cut at %d characters", plural(s.Cut, "text"), shape.MaxText))
	}
	if s.CutWork {
		lost = append(lost, fmt.Sprintf("submissions cut at %d characters or less", shape.MaxWork))
	}
	if s.Left > 0 {
		lost = append(lost, plural(s.Left, "old submission")+" left out")
	}
	if s.Nulls > 0 {
		lost = append(lost, "nulls left out")
	}
	if len(lost) > 0 {
		all = append(all, strings.Join(lost, ", ")+fmt.Sprintf(`; %s:"%s" gives all`, detailArgument, detailFull))
	}
	if len(s.Shared) > 0 {
		all = append(all, strings.Join(s.Shared, " and ")+": the same in all items, so beside the list")
	}
	if len(s.Unexpected) > 0 {
		all = append(all, "of an unexpected type, so in _unexpected: "+clean.Line(strings.Join(s.Unexpected, ", "), 200))
	}
	if s.Invisible > 0 {
		all = append(all, plural(s.Invisible, "invisible character")+" removed: someone may be hiding text")
	}
	return all
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// result puts the object into the forms that were chosen.
func (s *Set) result(body []byte) *mcp.CallToolResult {
	r := &mcp.CallToolResult{Content: []mcp.Content{}}
	if s.options.Results != ResultsText {
		r.RawStructuredContent = body
	}
	if s.options.Results != ResultsStructured {
		r.Content = append(r.Content, mcp.NewTextContent(string(body)))
	}
	return r
}

func errorResult(text string) *mcp.CallToolResult {
	return &mcp.CallToolResult{Content: []mcp.Content{mcp.NewTextContent(text)}, IsError: true}
}
