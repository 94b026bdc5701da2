package telemetry

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"strings"
)

type (
	traceID [16]byte
	spanID  [8]byte
)

// flagSampled is the flag of a place whose caller records it.
const flagSampled = 1

// A place is where a caller is in a trace, as W3C Trace Context has it.
type place struct {
	trace traceID
	span  spanID
	flags byte
	state string // tracestate, as it came; "" for none
}

// parsePlace reads a traceparent of version 00. It reports whether it is one,
// to the letter: whatever else came is not sent on.
func parsePlace(s string) (p place, ok bool) {
	if len(s) != len("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01") ||
		s[:3] != "00-" || s[35] != '-' || s[52] != '-' {
		return place{}, false
	}
	var flags [1]byte
	ok = unhex(p.trace[:], s[3:35]) && unhex(p.span[:], s[36:52]) && unhex(flags[:], s[53:])
	p.flags = flags[0]
	return p, ok && p.trace != traceID{} && p.span != spanID{}
}

// unhex decodes digits in lower case, which alone are valid here.
func unhex(to []byte, from string) bool {
	for i := range to {
		high, low := digit(from[2*i]), digit(from[2*i+1])
		if high > 15 || low > 15 {
			return false
		}
		to[i] = high<<4 | low
	}
	return true
}

func digit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	}
	return 255
}

func (p place) sampled() bool { return p.flags&flagSampled != 0 }

// String returns the place as a traceparent.
func (p place) String() string {
	b := make([]byte, 0, 55)
	b = append(b, "00-"...)
	b = hex.AppendEncode(b, p.trace[:])
	b = append(b, '-')
	b = hex.AppendEncode(b, p.span[:])
	b = append(b, '-')
	b = hex.AppendEncode(b, []byte{p.flags})
	return string(b)
}

const (
	maxState        = 512 // characters that must be passed on, at least
	maxStateMembers = 32
	maxStateText    = 256 // of a key or a value
)

// validState reports whether s may be sent on as a tracestate: a header that
// is none would fail the request.
func validState(s string) bool {
	if s == "" || len(s) > maxState || strings.Count(s, ",") >= maxStateMembers {
		return false
	}
	for member := range strings.SplitSeq(s, ",") {
		if member = strings.Trim(member, " \t"); member == "" {
			continue
		}
		key, value, ok := strings.Cut(member, "=")
		if !ok || !validStateKey(key) || !validStateValue(value) {
			return false
		}
	}
	return true
}

func validStateKey(s string) bool {
	if s == "" || len(s) > maxStateText {
		return false
	}
	for i := range len(s) {
		c := s[i]
		first := 'a' <= c && c <= 'z' || '0' <= c && c <= '9'
		if !first && (i == 0 || !strings.ContainsRune("_-*/@", rune(c))) {
			return false
		}
	}
	return true
}

func validStateValue(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' || s[i] == '=' {
			return false
		}
	}
	return s != "" && len(s) <= maxStateText
}

// newTraceID draws an id: zero is none.
//
//nolint:gosec // ids must differ, and need not be hard to guess
func newTraceID() (id traceID) {
	for id == (traceID{}) {
		binary.BigEndian.PutUint64(id[:8], rand.Uint64())
		binary.BigEndian.PutUint64(id[8:], rand.Uint64())
	}
	return id
}

// newSpanID draws an id: zero is none.
//
//nolint:gosec // the same
func newSpanID() (id spanID) {
	for id == (spanID{}) {
		binary.BigEndian.PutUint64(id[:], rand.Uint64())
	}
	return id
}
