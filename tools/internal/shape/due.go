package shape

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// due tells, at the end of an object that has a deadline, what is left of it.
func (p *shaper) due(o *object) {
	if p.Now.IsZero() || o.deadline == nil || o.isDone {
		return
	}
	at, ok := Moment(o.deadline)
	if !ok {
		return
	}
	if len(p.out) > o.begin {
		p.out = append(p.out, ',')
	}
	p.out = append(append(append(p.out, `"_due":"`...), Left(at.Sub(p.Now))...), '"')
}

// Moment returns the time that a JSON value tells: Unix seconds or milliseconds,
// or a date as of RFC 3339.
func Moment(value []byte) (time.Time, bool) {
	if len(value) == 0 {
		return time.Time{}, false
	}
	if value[0] == '"' {
		var at time.Time
		return at, json.Unmarshal(value, &at) == nil
	}
	var n float64
	if value[0] == 'n' || json.Unmarshal(value, &n) != nil || n <= 0 || n > 1e15 {
		return time.Time{}, false
	}
	if n > 1e11 {
		return time.UnixMilli(int64(n)), true
	}
	return time.Unix(int64(n), 0), true
}

// Left says how much time is left, such as "in 2 d 4 h", or how long ago it was
// over, such as "overdue by 3 h 20 min".
func Left(d time.Duration) string {
	prefix := "in "
	if d < 0 {
		prefix, d = "overdue by ", -d
	}
	minutes := int64(d / time.Minute)
	days, hours := minutes/(24*60), minutes/60%24
	minutes %= 60
	var parts []string
	add := func(n int64, unit string) {
		if n > 0 && len(parts) < 2 {
			parts = append(parts, fmt.Sprintf("%d %s", n, unit))
		}
	}
	add(days, "d")
	add(hours, "h")
	if days == 0 {
		add(minutes, "min")
	}
	if len(parts) == 0 {
		parts = []string{"less than a minute"}
	}
	return prefix + strings.Join(parts, " ")
}

// created returns when something was made, in Unix seconds, or 0 where it does
// not tell.
func created(object []byte) int64 {
	var o map[string]json.RawMessage
	if json.Unmarshal(object, &o) != nil {
		return 0
	}
	for _, name := range []string{"created_at", "submitted_at", "createdAt", "submittedAt"} {
		if value := o[name]; len(value) > 0 {
			if at, ok := Moment(value); ok {
				return at.Unix()
			}
		}
	}
	return 0
}
