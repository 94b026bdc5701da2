package web

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"golang.org/x/time/rate"

	"github.com/openpolt/polt-mcp/internal/memory"
	"github.com/openpolt/polt-mcp/polt"
)

// A refusal says which limit rejected an input, and when to retry.
type refusal struct {
	reason string
	text   string
	wait   time.Duration // until a retry; rate.InfDuration if retrying is useless
	flag   string        // flag of the limit, without dashes
	most   float64       // value of the limit; 0 if unknown
}

var noMemory = refusal{
	reason: refusedMemory, wait: memory.RetryAfter, flag: "max-memory",
	text: "The server's memory is in use (--max-memory). Wait " + inWords(int(memory.RetryAfter/time.Second)) + ", then send the request again.",
}

// A limit is one of the [Limits], for a kind of message.
type limit struct {
	scope    scope
	what     kind
	rate     float64
	inFlight int
}

// scope says whose messages a limit counts.
type scope bool

// kind says which messages a limit counts.
type kind bool

const (
	ofCaller, ofAll = scope(false), scope(true)
	calls, connects = kind(false), kind(true)
)

// flag returns the name of the scope's flag, such as caller-rate.
func (s scope) flag(name string) string {
	if s == ofAll {
		return "total-" + name
	}
	return "caller-" + name
}

func (s scope) String() string {
	if s == ofAll {
		return "all callers together"
	}
	return "one caller"
}

func (k kind) String() string {
	if k == connects {
		return "messages other than calls, such as initialize and tools/list,"
	}
	return "calls"
}

func (l limit) inFlightRefusal(n int) *refusal {
	r := &refusal{reason: refusedInFlight, flag: l.scope.flag("in-flight"), most: float64(l.inFlight), wait: inFlightWait}
	then := "Wait until one has been answered, then send the request again."
	if n > l.inFlight {
		r.wait, then = rate.InfDuration, splitBatch
	}
	r.text = fmt.Sprintf("Too many %s are in flight: this server allows %d from %s (--%s). %s", l.what, l.inFlight, l.scope, r.flag, then)
	return r
}

func (l limit) rateRefusal(wait time.Duration) *refusal {
	r := &refusal{reason: refusedRate, flag: l.scope.flag("rate"), most: l.rate, wait: wait}
	source, then := "--"+r.flag, "Wait "+inWords(r.retryAfter())+", then send the request again."
	if l.what == connects {
		source = "derived from " + source
	}
	if wait == rate.InfDuration {
		then = splitBatch
	}
	r.text = fmt.Sprintf("Too many %s were sent: this server allows %s per second from %s (%s). %s",
		l.what, strconv.FormatFloat(l.rate, 'g', -1, 64), l.scope, source, then)
	return r
}

// splitBatch is the advice for a batch that exceeds a limit by itself.
const splitBatch = "The batch has more of them than are ever allowed at once: split it."

func streamRefusal(s scope, most int) *refusal {
	r := &refusal{reason: refusedInFlight, flag: s.flag("in-flight"), most: float64(most), wait: inFlightWait}
	r.text = fmt.Sprintf("Too many streams are open: this server allows %d from %s (--%s). Close one, or wait, then open this one again.", most, s, r.flag)
	return r
}

// retryAfter returns the seconds until a retry; 0 if retrying is useless.
func (r *refusal) retryAfter() int {
	if r.wait == rate.InfDuration {
		return 0
	}
	return max(1, int(math.Ceil(r.wait.Seconds())))
}

// details returns the refusal as a JSON-RPC error.
func (r *refusal) details() mcp.JSONRPCErrorDetails {
	data := map[string]any{"code": polt.CodeRateLimited, "retryable": r.wait != rate.InfDuration}
	if seconds := r.retryAfter(); seconds > 0 {
		data["retry_after_s"] = seconds
	}
	if r.flag != "" {
		data["limit"] = strings.ReplaceAll(r.flag, "-", "_")
	}
	if r.most > 0 {
		data["maximum"] = r.most
	}
	return mcp.NewJSONRPCErrorDetails(mcp.INTERNAL_ERROR, r.text, data)
}

func inWords(seconds int) string {
	if seconds == 1 {
		return "1 second"
	}
	return strconv.Itoa(seconds) + " seconds"
}
