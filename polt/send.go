package polt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/openpolt/polt-mcp/internal/buffers"
	"github.com/openpolt/polt-mcp/internal/clean"
)

const (
	maxTries    = 3
	retryBudget = 10 * time.Second // for all tries and the delays between them
	firstWait   = 200 * time.Millisecond

	maxErrorBody = 64 << 10 // bytes of an error response that are read
	usualAnswer  = 64 << 10 // bytes; most responses are no larger
)

// response is the platform's response to a successful request.
type response struct {
	status int
	body   []byte
}

// call sends a request, retries where that is safe, and returns the response.
func (c *Client) call(ctx context.Context, r *request) (response, *Error) {
	if !r.op.isPublic && c.key.IsZero() {
		return response{}, &Error{Code: CodeUnauthenticated, Operation: r.op.String(), Message: "this needs an API key, and there is none"}
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()

	budgetEnds := time.Now().Add(retryBudget)
	got, again, failed := c.attempt(ctx, r, 1)
	if !again || c.once {
		return got, failed
	}
	if deadline, _ := ctx.Deadline(); deadline.Before(budgetEnds) {
		budgetEnds = deadline
	}
	tries := 0
	retry := func() (response, error) {
		if tries++; tries > 1 { // the first was made above
			got, again, failed = c.attempt(ctx, r, tries)
		}
		switch {
		case failed == nil:
			return got, nil
		case !again:
			return got, backoff.Permanent(failed)
		case failed.RetryAfter > 0:
			return got, &backoff.RetryAfterError{Duration: failed.RetryAfter}
		}
		return got, failed
	}
	_, _ = backoff.Retry(ctx, retry, // failed, set by the last try, has the reason
		backoff.WithBackOff(&backoff.ExponentialBackOff{
			InitialInterval: firstWait, Multiplier: 2, MaxInterval: 2 * time.Second,
			RandomizationFactor: 1, // full jitter: from 0 to twice the interval
		}),
		backoff.WithMaxTries(maxTries),
		backoff.WithMaxElapsedTime(max(time.Until(budgetEnds), 1))) // 0 would mean no limit
	return got, failed
}

// attempt sends a request once. again reports whether it may be retried.
func (c *Client) attempt(ctx context.Context, r *request, number int) (_ response, again bool, failed *Error) {
	// Once there is a connection, bytes may have been sent. (The transport
	// switches to another connection only if it has written nothing.)
	var asked, connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	start := time.Now()
	begun := ctx.Err() == nil
	resp, err := c.roundTrip(ctx, r)
	var status int
	var body []byte
	if err == nil {
		status = resp.StatusCode
		body, err = readAnswer(resp)
		body = bytes.TrimPrefix(body, byteOrderMark)
	}
	success := status >= 200 && status <= 299
	if success && r.op == RegisterAgent.op {
		if whole, found := salvage(body); found {
			body, err = whole, nil
		}
	}
	err = c.withoutKey(err)
	c.onAttempt(ctx, Attempt{
		Operation: r.op.String(), Method: r.op.method, Path: string(redactLikely([]byte(r.path))), Number: number,
		Status: status, Bytes: len(body), Duration: time.Since(start), Err: err,
	})
	defer func() {
		if failed != nil { // whatever the source of its text
			failed.Message = string(redactLikely(c.key.Redact([]byte(failed.Message))))
		}
	}()
	read := r.op.method == http.MethodGet
	switch {
	case err != nil:
		sent := connected.Load() || begun && !c.traces && !asked.Load() && !isUnsent(err)
		failed = c.transportError(ctx, r, err, status, sent)
		// A write is never retried once it may have been sent. Even one that the
		// platform refused could have taken effect if the platform acts before
		// it refuses, so the caller decides whether to retry.
		return response{}, failed.Retryable && failed.Code != CodeRateLimited && ctx.Err() == nil && (read || !sent), failed
	case !success:
		failed = errorOf(r, resp, redactLikely(c.key.Redact(body)))
		// An offline tunnel stays offline for longer than the retry budget.
		return response{}, read && failed.Retryable && failed.Code != CodeUpstreamUnreachable, failed
	case !looksLikeJSON(body):
		failed = &Error{
			Code: CodeUpstreamError, Operation: r.op.String(), HTTPStatus: status,
			Message: "the answer is not JSON: " + clean.Line(string(redactLikely(c.key.Redact(body[:min(len(body), maxErrorBody)]))), 100),
		}
		if !read {
			failed.Code = CodeOutcomeUnknown
		}
		return response{}, false, failed
	}
	return response{status, c.key.Redact(body)}, false, nil
}

// roundTrip sends a request, unless ctx is done.
func (c *Client) roundTrip(ctx context.Context, r *request) (*http.Response, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return c.transport.RoundTrip(c.newHTTPRequest(ctx, r))
}

func (c *Client) newHTTPRequest(ctx context.Context, r *request) *http.Request {
	u := c.base
	u.Path += r.path
	u.RawQuery = r.query
	req := (&http.Request{
		Method: r.op.method, URL: &u, Host: u.Host, Header: http.Header{},
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	req.Header.Set("User-Agent", c.userAgent)
	req.Header.Set("Accept", "application/json")
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
		req.ContentLength = int64(len(r.body))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(r.body)), nil }
		req.Body, _ = req.GetBody()
	}
	if !r.op.isPublic {
		req.Header.Set("Authorization", "Bearer "+c.key.Reveal())
	}
	return req
}

var errTooLarge = fmt.Errorf("the answer is over %d MiB", maxAnswer>>20)

// readAnswer reads the response body. For an error status it reads only the
// beginning, and ignores read errors so that the status is reported.
func readAnswer(resp *http.Response) ([]byte, error) {
	defer resp.Body.Close()
	if resp.StatusCode < 200 {
		return nil, nil // after 101 comes another protocol, without an end
	}
	if resp.StatusCode > 299 {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
		return body, nil
	}
	if resp.ContentLength > maxAnswer {
		return nil, errTooLarge
	}
	if resp.ContentLength >= 0 {
		b := bytes.NewBuffer(buffers.Get(int(resp.ContentLength) + bytes.MinRead))
		_, err := b.ReadFrom(resp.Body)
		return b.Bytes(), err
	}
	return readUntold(resp.Body)
}

// readUntold reads a body of unknown length, such as one compressed in transit.
// Its buffer starts small and grows in few steps to leave little garbage.
func readUntold(r io.Reader) ([]byte, error) {
	body := make([]byte, 0, 4<<10)
	for {
		if len(body) == cap(body) {
			size := 2 * cap(body)
			if size > usualAnswer {
				size = min(2*size, maxAnswer+1)
			}
			body = append(make([]byte, 0, size), body...)
		}
		n, err := r.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case len(body) > maxAnswer:
			return body, errTooLarge
		case errors.Is(err, io.EOF):
			return body, nil
		case err != nil:
			return body, err
		}
	}
}

// looksLikeJSON reports whether b is empty or begins like JSON. It does not
// parse the rest.
func looksLikeJSON(b []byte) bool {
	b = bytes.TrimLeft(b, " \t\r\n")
	return len(b) == 0 || bytes.IndexByte([]byte(`{["tfn-0123456789`), b[0]) >= 0
}

// isUnsent reports whether the error of a transport that does not report its
// connections shows that it has sent nothing.
func isUnsent(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	var busy interface{ RetryAfter() time.Duration }
	return errors.As(err, &op) && op.Op == "dial" || errors.Is(err, syscall.ECONNREFUSED) || errors.As(err, &dns) || errors.As(err, &busy)
}

// transportError converts the error of a request without a complete response. sent
// says that it may have been sent.
func (c *Client) transportError(ctx context.Context, r *request, err error, status int, sent bool) *Error {
	e := &Error{Operation: r.op.String(), HTTPStatus: status, Err: err}
	write := r.op.method != http.MethodGet
	var timeout net.Error
	timedOut := errors.As(err, &timeout) && timeout.Timeout() || errors.Is(ctx.Err(), context.DeadlineExceeded)
	var busy interface{ RetryAfter() time.Duration }
	switch {
	case errors.As(err, &busy) && (!write || !sent): // from this program's own limiter
		e.Code, e.HTTPStatus, e.Retryable, e.RetryAfter = CodeRateLimited, 0, true, busy.RetryAfter()
		e.Message = err.Error()
	case errors.Is(err, errTooLarge) && !write:
		e.Code = CodeUpstreamError
		e.Message = errTooLarge.Error() + ", which is more than is read; ask for less"
	case write && sent && status == 0 && refusal(err) != "":
		e.Code, e.Retryable = CodeUpstreamError, true
		e.Message = "the platform refused the request before processing it (HTTP/2 " + refusal(err) + ")"
	case write && sent:
		e.Code = CodeOutcomeUnknown
		e.Message = "the request was sent, but no complete response arrived: " + reason(err)
	case errors.Is(ctx.Err(), context.Canceled):
		e.Code, e.Retryable = CodeTimeout, true
		e.Message = "the call was cancelled"
	case !sent:
		e.Code, e.Retryable = CodeUpstreamUnreachable, true
		e.Message = fmt.Sprintf("the platform at %s cannot be reached: %s", c.base.Host, reason(err))
	case timedOut:
		e.Code, e.Retryable = CodeTimeout, true
		e.Message = "the platform did not answer in time"
	default:
		e.Code, e.Retryable = CodeUpstreamError, true
		e.Message = "the answer was cut off: " + reason(err)
	}
	return e
}

// reason returns the text of the innermost error, without the addresses that
// package net adds.
func reason(err error) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "it timed out"
	case errors.Is(err, context.Canceled):
		return "the call was cancelled"
	}
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return clean.Line(err.Error(), 200)
		}
		err = inner
	}
}
