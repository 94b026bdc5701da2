package shape

import (
	"encoding/json"
	"math"
	"strconv"
	"time"

	"github.com/openpolt/polt-mcp/internal/object"
)

// due adds the time left to an object with a deadline.
func (p *shaper) due(o *openObject) {
	if p.Now.IsZero() || o.deadline == nil || o.isDone || o.hasDue {
		return
	}
	at, ok := Moment(o.deadline)
	if !ok || at.IsZero() { // the zero time stands for none
		return
	}
	left := at.Sub(p.Now)
	if left == math.MinInt64 || left == math.MaxInt64 { // centuries, more than a duration can hold
		return
	}
	if len(p.out) > o.begin {
		p.out = append(p.out, ',')
	}
	p.out = append(appendLeft(append(p.out, `"_due":"`...), left), '"')
}

// Moment parses a time in JSON: Unix seconds or milliseconds, or an RFC 3339
// date.
func Moment(value []byte) (time.Time, bool) {
	if len(value) == 0 {
		return time.Time{}, false
	}
	if value[0] == '"' {
		var at time.Time
		return at, json.Unmarshal(value, &at) == nil
	}
	n, err := strconv.ParseFloat(string(value), 64)
	if err != nil || !object.IsNumber(value) || n <= 0 || n > 1e15 {
		return time.Time{}, false
	}
	if n > 1e11 {
		return time.UnixMilli(int64(n)), true
	}
	return time.Unix(int64(n), 0), true
}

// appendLeft formats the time left, such as "in 2 d 4 h" or "overdue by 3 h 20
// min".
func appendLeft(dst []byte, d time.Duration) []byte {
	if d < 0 {
		dst, d = append(dst, "overdue by"...), -d
	} else {
		dst = append(dst, "in"...)
	}
	minutes := int64(d / time.Minute)
	days, hours := minutes/(24*60), minutes/60%24
	minutes %= 60
	if days+hours+minutes == 0 {
		return append(dst, " less than a minute"...)
	}
	for _, part := range [...]struct {
		n    int64
		unit string
	}{{days, " d"}, {hours, " h"}, {minutes, " min"}} {
		if part.n > 0 && (days == 0 || part.unit != " min") {
			dst = append(strconv.AppendInt(append(dst, ' '), part.n, 10), part.unit...)
		}
	}
	return dst
}

// created returns an object's creation time in Unix seconds, or 0 if unknown.
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
