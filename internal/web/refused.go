package web

import (
	"net/http"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// refusedLog logs rejected requests, of which there may be very many: for each
// reason the first, which starts an interval, and at the end of the interval the
// number of others.
type refusedLog struct {
	log zerolog.Logger

	mu      sync.Mutex
	reasons map[string]*refusedSince
}

// refusedSince counts the requests rejected for a reason in the current interval.
type refusedSince struct {
	leftOut int
	end     *time.Timer // of the interval
}

const refusedInterval = 10 * time.Second

func newRefusedLog(log zerolog.Logger) *refusedLog {
	return &refusedLog{log: log, reasons: map[string]*refusedSince{}}
}

// add logs a refusal, or counts it.
func (l *refusedLog) add(reason, text string, r *http.Request, address string) {
	event := l.log.Info()
	if !event.Enabled() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if since := l.reasons[reason]; since != nil {
		since.leftOut++
		return
	}
	l.reasons[reason] = &refusedSince{end: time.AfterFunc(refusedInterval, func() { l.close(reason) })}
	c := callFrom(r.Context())
	event.Str("reason", reason).Str("request_id", c.id)
	if c.caller.id != "" {
		event.Str("client", c.caller.id)
	}
	event.Str("address", address).Str("path", r.URL.Path).Str("why", text).Msg("refused")
}

// close ends the interval of a reason.
func (l *refusedLog) close(reason string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if since := l.reasons[reason]; since != nil {
		since.end.Stop()
		delete(l.reasons, reason)
		if since.leftOut > 0 {
			l.log.Info().Str("reason", reason).Int("left_out", since.leftOut).Msg("refused more requests")
		}
	}
}

// flush ends all intervals.
func (l *refusedLog) flush() {
	l.mu.Lock()
	var reasons []string
	for reason := range l.reasons {
		reasons = append(reasons, reason)
	}
	l.mu.Unlock()
	for _, reason := range reasons {
		l.close(reason)
	}
}
