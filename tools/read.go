package tools

import (
	"context"
	"encoding/json"

	"github.com/openpolt/polt-mcp/polt"
)

// Read returns what a tool that only reads would give, whole and not as a
// summary. It does so for a tool that is off as well: what can be read is the
// same whatever the tools are. The arguments are encoded as JSON; their names
// are the tool's. The error is always an [*Error].
func (s *Set) Read(ctx context.Context, tool string, arguments any) (json.RawMessage, error) {
	return s.read(ctx, tool, arguments, true)
}

// ReadSummary is Read for what the tool gives by default.
func (s *Set) ReadSummary(ctx context.Context, tool string, arguments any) (json.RawMessage, error) {
	return s.read(ctx, tool, arguments, false)
}

func (s *Set) read(ctx context.Context, tool string, arguments any, whole bool) (json.RawMessage, error) {
	d := s.byName[tool]
	if d == nil || !d.readOnly() {
		return nil, NewError(polt.CodeInternal, "", "This server failed", "Tell the user")
	}
	given, err := json.Marshal(arguments)
	if err != nil {
		return nil, s.failed(ctx, d, err)
	}
	client := s.client(ctx)
	p, faults := d.prepare(given, client)
	if len(faults) > 0 {
		return nil, s.failed(ctx, d, &polt.Error{Code: polt.CodeInvalidArgument, Field: faults[0].argument, Message: faults[0].problem})
	}
	if whole {
		p.summary = nothing
	}
	raw, err := p.send(ctx, client)
	if err != nil {
		return nil, s.failed(ctx, d, err)
	}
	if err := d.usable(raw); err != nil {
		return nil, s.failed(ctx, d, err)
	}
	body, err := d.resultJSON(raw, p.summary, addition{})
	if err != nil {
		return nil, s.failed(ctx, d, d.unusable(err))
	}
	return body, nil
}

// Has reports whether a tool is there, and not off.
func (s *Set) Has(tool string) bool { return s.byName[tool] != nil && s.off[tool] == "" }

// Key returns the key that a call with ctx is made with, or none.
func (s *Set) Key(ctx context.Context) polt.Key {
	if s.options.Key == nil {
		return polt.Key{}
	}
	return s.options.Key(ctx)
}

// As returns the same tools for one key, whatever the context's.
func (s *Set) As(key polt.Key) *Set {
	as := *s
	as.options.Key = func(context.Context) polt.Key { return key }
	return &as
}

// WithoutRetries returns the same tools, which send each request to the platform
// once.
func (s *Set) WithoutRetries() *Set {
	once := *s
	once.options.Client = s.options.Client.WithoutRetries()
	return &once
}
