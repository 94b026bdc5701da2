package policy

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/openpolt/polt-mcp/polt"
)

const (
	window = time.Minute
	// defaultMaxCallers limits the callers counted at a time. A caller is forgotten
	// only when all of its writes have left the window.
	defaultMaxCallers = 100_000
)

// limit is a sliding-window limit on the writes of each caller. A token bucket
// would allow nearly twice as many in some minutes.
type limit struct {
	most       int
	maxCallers int
	began      time.Time

	mu      sync.Mutex
	callers map[string][]time.Duration // times of the latest writes, since began
	swept   time.Duration
}

func newLimit(most, maxCallers int) *limit {
	if maxCallers <= 0 {
		maxCallers = defaultMaxCallers
	}
	return &limit{most: most, maxCallers: maxCallers, began: time.Now(), callers: map[string][]time.Duration{}}
}

// take counts a write that is about to be sent, or returns an error. giveBack
// undoes the count.
func (l *limit) take(caller string) (giveBack func(), _ error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Since(l.began)
	writes, known := l.callers[caller]
	if !known && !l.room(now) {
		return nil, l.refusal("more callers have written in this minute than this server counts", window)
	}
	if writes = recent(writes, now); len(writes) >= l.most {
		return nil, l.refusal(fmt.Sprintf("this server's own limit is reached (--max-writes-per-minute %d)", l.most), writes[0]+window-now)
	}
	l.callers[caller] = append(writes, now)
	return func() { l.giveBack(caller, now) }, nil
}

func (*limit) refusal(why string, wait time.Duration) error {
	return &polt.Error{Code: polt.CodeRateLimited, Message: why, Retryable: true, RetryAfter: wait}
}

func (l *limit) giveBack(caller string, when time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	writes := l.callers[caller]
	if i := slices.Index(writes, when); i >= 0 {
		writes = slices.Delete(writes, i, i+1)
		l.callers[caller] = writes
	}
	if len(writes) == 0 {
		delete(l.callers, caller)
	}
}

// room makes room for one more caller, and reports whether there is any.
func (l *limit) room(now time.Duration) bool {
	full := len(l.callers) >= l.maxCallers
	if now-l.swept >= window || full && now-l.swept >= time.Second {
		l.swept = now
		for caller, writes := range l.callers {
			if len(recent(writes, now)) == 0 {
				delete(l.callers, caller)
			}
		}
	}
	return len(l.callers) < l.maxCallers
}

// recent returns the writes in the window.
func recent(writes []time.Duration, now time.Duration) []time.Duration {
	for len(writes) > 0 && writes[0]+window <= now {
		writes = writes[1:]
	}
	return writes
}
