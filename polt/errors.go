package polt

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/openpolt/polt-mcp/internal/clean"
)

// A Code classifies an [Error]. Codes are few and stable.
type Code string

// The codes.
const (
	CodeInvalidArgument     Code = "invalid_argument"     // the arguments are invalid; nothing happened
	CodeUnauthenticated     Code = "unauthenticated"      // no key, or the platform does not know it
	CodeForbidden           Code = "forbidden"            // the key may not do this
	CodeNotFound            Code = "not_found"            // no such task, project or agent
	CodeConflict            Code = "conflict"             // the current state does not allow it
	CodeRateLimited         Code = "rate_limited"         // too many requests
	CodeUpstreamError       Code = "upstream_error"       // the platform failed, or its response is unusable
	CodeUpstreamUnreachable Code = "upstream_unreachable" // the platform was not reached; nothing happened
	CodeTimeout             Code = "timeout"              // a read timed out, or the call was cancelled; nothing happened
	CodeOutcomeUnknown      Code = "outcome_unknown"      // a write was sent, but whether it took effect is unknown
	CodeInternal            Code = "internal"             // a bug in this program
)

// An Error is a failed call.
type Error struct {
	Code Code
	// Operation is the method and the path with its placeholders, such as
	// "GET /api/tasks/{task_id}".
	Operation string
	// HTTPStatus is the platform's status, or 0 if it did not respond.
	HTTPStatus int
	// Message says what happened, in the platform's own words where possible.
	// It has at most 500 characters and no control characters.
	Message string
	// Field is the invalid argument, or "".
	Field string
	// Retryable reports whether the same call may succeed later.
	Retryable bool
	// RetryAfter is how long the platform asks clients to wait, or 0.
	RetryAfter time.Duration
	// Err is the underlying error, or nil if the platform's response is the
	// cause.
	Err error
}

// Error formats the operation, status, field and message.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("polt: ")
	if e.Operation != "" {
		b.WriteString(e.Operation + ": ")
	}
	if e.HTTPStatus != 0 {
		fmt.Fprintf(&b, "HTTP %d: ", e.HTTPStatus)
	}
	if e.Field != "" {
		b.WriteString(e.Field + " ")
	}
	b.WriteString(e.Message)
	return b.String()
}

// Unwrap returns e.Err.
func (e *Error) Unwrap() error { return e.Err }

func invalid(field, message string) *Error {
	return &Error{Code: CodeInvalidArgument, Field: field, Message: message}
}

// codeOf maps an HTTP status to a code.
func codeOf(status int) Code {
	switch status {
	case http.StatusUnauthorized:
		return CodeUnauthenticated
	case http.StatusForbidden:
		return CodeForbidden
	case http.StatusNotFound, http.StatusGone:
		return CodeNotFound
	case http.StatusConflict, http.StatusPreconditionFailed, http.StatusLocked:
		return CodeConflict
	case http.StatusTooManyRequests:
		return CodeRateLimited
	case http.StatusProxyAuthRequired:
		return CodeUpstreamUnreachable
	}
	if status >= 400 && status < 500 {
		return CodeInvalidArgument
	}
	return CodeUpstreamError
}

// errorOf converts an error response. body is the beginning of its body.
func errorOf(r *request, resp *http.Response, body []byte) *Error {
	e := &Error{
		Code:       codeOf(resp.StatusCode),
		Operation:  r.op.String(),
		HTTPStatus: resp.StatusCode,
		Message:    messageOf(resp, body),
	}
	write := r.op.method != http.MethodGet
	// The platform may have failed after acting, or a proxy may have lost its
	// response. 501 and 503 say that processing never began.
	lost := resp.StatusCode == http.StatusRequestTimeout || resp.StatusCode >= 500 &&
		resp.StatusCode != http.StatusNotImplemented && resp.StatusCode != http.StatusServiceUnavailable
	// ngrok sets this header if the response is its own, whatever the status.
	tunnel := clean.Line(resp.Header.Get("Ngrok-Error-Code"), 40)
	switch status := resp.StatusCode; {
	case status == http.StatusTooManyRequests:
		e.Retryable, e.RetryAfter = true, parseRetryAfter(resp.Header.Get("Retry-After"))
	case write && lost && tunnel != nothingListens:
		e.Code = CodeOutcomeUnknown
	case tunnel != "":
		e.Code, e.Retryable = CodeUpstreamUnreachable, true
		e.Message = "the platform's tunnel is offline (" + tunnel + ")"
	case status >= 300 && status < 400 && status != http.StatusNotModified:
		e.Message = fmt.Sprintf("the platform redirects to %s: set POLT_API_URL to where it has moved", location(resp))
	case status == http.StatusRequestTimeout:
		e.Code, e.Retryable = CodeTimeout, true
	case status >= 500:
		e.RetryAfter = parseRetryAfter(resp.Header.Get("Retry-After"))
		// A write is refused for sure only where the platform says when to come again:
		// a proxy answers 503 by itself too.
		e.Retryable = status != http.StatusNotImplemented && (!write || e.RetryAfter > 0)
	}
	return e
}

// nothingListens is ngrok's error code if the tunnel is up but nothing listens
// behind it.
const nothingListens = "ERR_NGROK_8012"

// location returns a redirect's target, with a password redacted.
func location(resp *http.Response) string {
	to, err := resp.Location()
	if err != nil {
		return "nowhere"
	}
	return clean.Line(to.Redacted(), 200)
}

// parseRetryAfter parses a Retry-After header: seconds or a date.
func parseRetryAfter(value string) time.Duration {
	if seconds, err := strconv.ParseFloat(strings.TrimSpace(value), 64); err == nil && seconds >= 0 {
		return time.Duration(min(seconds, 1e9) * float64(time.Second)) // more would overflow
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(time.Until(at), 0)
	}
	return 0
}

// maxMessage limits the characters of an error's message.
const maxMessage = 500

// messageOf extracts a message from an error body of any shape.
func messageOf(resp *http.Response, body []byte) string {
	status := strings.TrimSpace(fmt.Sprintf("HTTP %d %s", resp.StatusCode, http.StatusText(resp.StatusCode)))
	text := clean.Line(string(body), maxMessage-100)
	switch {
	case text == "":
		return "the platform answered " + status + " without a body"
	case text[0] == '<':
		return "the platform, or a proxy in front of it, answered " + status + " with an HTML page"
	}
	var shape struct {
		Error   json.RawMessage `json:"error"`
		Message json.RawMessage `json:"message"`
	}
	if json.Unmarshal(body, &shape) == nil {
		// Fastify's "error" is only the status text; "message" has the details.
		for _, raw := range []json.RawMessage{shape.Message, shape.Error} {
			if s := clean.Line(words(raw), maxMessage); s != "" {
				return s
			}
		}
	}
	return "the platform answered " + status + ": " + text
}

// words returns the text of an error member: a string, or an object with a
// "message".
func words(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var nested struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(raw, &nested) == nil && nested.Message != "" {
		return nested.Message
	}
	if len(raw) == 0 || string(raw) == "null" {
		return ""
	}
	return string(raw)
}
