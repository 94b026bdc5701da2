package tools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools/internal/shape"
)

// Read returns the uncut answer of a read-only tool, even a disabled one:
// resources do not depend on which tools are enabled. arguments is encoded as
// JSON and has the tool's names. The error is always an [*Error].
func (s *Set) Read(ctx context.Context, tool string, arguments any) (json.RawMessage, error) {
	return s.read(ctx, tool, arguments, true)
}

// ReadSummary is like Read but cuts the answer as the tool does by default.
func (s *Set) ReadSummary(ctx context.Context, tool string, arguments any) (json.RawMessage, error) {
	return s.read(ctx, tool, arguments, false)
}

func (s *Set) read(ctx context.Context, tool string, arguments any, whole bool) (json.RawMessage, error) {
	d := s.byName[tool]
	if d == nil || !d.readOnly() || d.endpoint == nil {
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
		p.summary = shape.Whole
	}
	raw, err := p.send(ctx, client)
	if err != nil {
		return nil, s.failed(ctx, d, err)
	}
	if err := d.checkBody(raw); err != nil {
		return nil, s.failed(ctx, d, err)
	}
	body, err := d.resultJSON(raw, shape.Options{Summary: p.summary}, addition{}, nil)
	if err != nil {
		return nil, s.failed(ctx, d, d.unusableAnswer(err))
	}
	return body, nil
}

// Has reports whether a tool exists and is enabled.
func (s *Set) Has(tool string) bool { return s.byName[tool] != nil && s.off[tool] == "" }

// Key returns the key of the caller of ctx, or the zero value.
func (s *Set) Key(ctx context.Context) polt.Key {
	if s.options.Key == nil {
		return polt.Key{}
	}
	return s.options.Key(ctx)
}

// As returns the same tools with a fixed key, regardless of the context.
func (s *Set) As(key polt.Key) *Set {
	as := *s
	as.options.Key = func(context.Context) polt.Key { return key }
	return &as
}

// WithoutRetries returns the same tools without retries of platform requests.
func (s *Set) WithoutRetries() *Set {
	once := *s
	once.options.Client = s.options.Client.WithoutRetries()
	return &once
}

// An Error is a failed read, or a rejected request.
type Error struct {
	// Message tells a model what happened and what to do next.
	Message string
	facts   failure
}

// NewError returns an error with a sentence on what happened and one on what to
// do next. field is the invalid part of the request, or "".
func NewError(code polt.Code, field, happened, next string) *Error {
	return &Error{Message: sentences(happened, next), facts: failure{Code: code, Retryable: code == polt.CodeRateLimited, Field: field}}
}

// About returns a copy of the error that names a resource.
func (e *Error) About(uri string) *Error {
	about := *e
	about.facts.URI = uri
	return &about
}

func (e *Error) Error() string { return e.Message }

// Code returns the error's code.
func (e *Error) Code() polt.Code { return e.facts.Code }

// ErrorType returns the error's code as a string, for metrics.
func (e *Error) ErrorType() string { return string(e.facts.Code) }

// RetryAfterDuration returns how long to wait before a retry, or 0 if unknown.
func (e *Error) RetryAfterDuration() time.Duration {
	return time.Duration(e.facts.RetryAfter) * time.Second
}

// Hide returns err with the key in use redacted, which the request may have
// contained.
func (s *Set) Hide(ctx context.Context, err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return err
	}
	client := s.client(ctx)
	hidden := *e
	for _, text := range []*string{&hidden.Message, &hidden.facts.Field, &hidden.facts.URI} {
		*text = string(client.Key().Redact([]byte(*text)))
	}
	return &hidden
}

// Redact redacts the key in use from a text.
func (s *Set) Redact(ctx context.Context, text string) string {
	return string(s.client(ctx).Key().Redact([]byte(text)))
}

// JSONRPC returns the error in JSON-RPC form. modern means protocol 2026-07-28
// or later, where a missing resource is an invalid parameter.
func (e *Error) JSONRPC(modern bool) mcp.JSONRPCErrorDetails {
	switch e.facts.Code {
	case polt.CodeNotFound:
		if !modern {
			return mcp.NewJSONRPCErrorDetails(mcp.RESOURCE_NOT_FOUND, e.Message, e.facts)
		}
		if e.facts.URI != "" {
			// uri must be the only member: it distinguishes a missing resource
			// from other invalid parameters.
			return mcp.NewJSONRPCErrorDetails(mcp.INVALID_PARAMS, e.Message, map[string]string{"uri": e.facts.URI})
		}
		fallthrough
	case polt.CodeInvalidArgument:
		return mcp.NewJSONRPCErrorDetails(mcp.INVALID_PARAMS, e.Message, e.facts)
	}
	return mcp.NewJSONRPCErrorDetails(mcp.INTERNAL_ERROR, e.Message, e.facts)
}

// failed returns the error of a failed read. It mentions no tool call: the
// request was for a resource or a prompt.
func (s *Set) failed(ctx context.Context, d *definition, err error) *Error {
	e := d.asPlatformError(err)
	happened := problemOf(e)
	if e.HTTPStatus != 0 && e.HTTPStatus != 200 {
		happened = fmt.Sprintf("HTTP %d: %s", e.HTTPStatus, happened)
	}
	return &Error{
		Message: sentences("It cannot be read: "+happened, d.nextRead(e, s.keyFacts(ctx))),
		facts:   factsOf(e, s.options.RequestID(ctx)),
	}
}

// nextRead is like next, for a model that reads a resource instead of calling
// the tool.
func (d *definition) nextRead(e *polt.Error, key keyFacts) string {
	switch e.Code {
	case polt.CodeInvalidArgument:
		if e.Field != "" {
			return "Do not repeat it unchanged, but correct the " + e.Field
		}
		return "Do not repeat it unchanged"
	case polt.CodeForbidden:
		return "Do not repeat it: this agent may not read it"
	case polt.CodeNotFound:
		if name, finder := d.finder(); finder == "" && name != "" {
			return "Check the " + name
		}
	case polt.CodeRateLimited:
		return wait(e) + ", then read it again"
	case polt.CodeTimeout:
		return "Read it again"
	case polt.CodeUpstreamError:
		if e.Retryable {
			return "The fault is the platform's. " + wait(e) + ", then read it again"
		}
	}
	return d.next(e, key).model
}
