package telemetry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const (
	retryWait = 500 * time.Millisecond // where the collector does not say
	maxReply  = 64 << 10               // bytes of an answer that are read
)

// send posts a request, again after a while where the collector asks for that.
// It returns how many spans the collector refused.
func (e *exporter) send(ctx context.Context, body []byte) (rejected int, err error) {
	rejected, wait, err := e.post(ctx, body)
	if wait < 0 {
		return rejected, err
	}
	if deadline, _ := ctx.Deadline(); time.Until(deadline) < wait {
		return 0, err // not before it asked, and not later than there is time for
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		rejected, _, err = e.post(ctx, body)
	case <-ctx.Done():
	}
	return rejected, err
}

// post posts a request once. wait is how long to wait before posting it again;
// negative, for never.
func (e *exporter) post(ctx context.Context, body []byte) (rejected int, wait time.Duration, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.endpoint, bytes.NewReader(body))
	if err != nil {
		return 0, -1, errors.New("the collector's address cannot be used")
	}
	r.Header = e.headers.Clone()
	r.Header.Set("Content-Type", "application/x-protobuf")
	r.Header.Set("User-Agent", "polt-mcp/"+e.version)
	resp, err := e.client.Do(r)
	if err != nil {
		var inURL *url.Error
		if errors.As(err, &inURL) { // the address may have a secret in it
			err = inURL.Err
		}
		return 0, -1, err
	}
	defer resp.Body.Close()
	reply, _ := io.ReadAll(io.LimitReader(resp.Body, maxReply)) // an answer is optional
	switch resp.StatusCode {
	case http.StatusOK, http.StatusAccepted, http.StatusNoContent:
		return rejectedSpans(reply), -1, nil
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusGatewayTimeout:
		wait = retryAfter(resp.Header.Get("Retry-After"))
	default:
		wait = -1
	}
	return 0, wait, fmt.Errorf("the collector answered %d", resp.StatusCode)
}

// retryAfter reads how long to wait: seconds, or a date.
func retryAfter(s string) time.Duration {
	if seconds, err := strconv.ParseUint(s, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(s); err == nil {
		return max(time.Until(date), 0)
	}
	return retryWait
}
