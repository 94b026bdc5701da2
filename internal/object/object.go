// Package object takes a JSON object apart without decoding it.
//
// encoding/json reads an object twice, by reflection: on the way of a call, which
// has a few small ones, that costs more than what is done with them. This package
// knows plain objects only. Whatever is unusual, such as a name that is spelled
// with escapes, it leaves to encoding/json, which also says what is wrong.
package object

import (
	"bytes"

	"github.com/openpolt/polt-mcp/internal/ascii"
)

// maxDepth is how deep a value may be nested to be plain.
const maxDepth = 64

// Members calls member with the name and the value of each member of an object,
// as they stand in src, until one is not taken. It reports whether src is one
// well-formed object whose names are plain ASCII, and all members were taken.
// Where it is not, member may have been called with some of them.
func Members(src []byte, member func(name, value []byte) bool) bool {
	s := scanner{src: src}
	return s.members(member, 0) && s.space() == 0 && s.at == len(src)
}

// IsNumber reports whether b is a number by the grammar of JSON.
func IsNumber(b []byte) bool {
	s := scanner{src: b}
	return s.number() && s.at == len(b)
}

// IsInteger reports whether b is a number without a fraction and an exponent.
func IsInteger(b []byte) bool { return IsNumber(b) && !bytes.ContainsAny(b, ".eE") }

type scanner struct {
	src []byte
	at  int
}

// space goes past white space, and returns the byte after it; 0 at the end.
func (s *scanner) space() byte {
	for ; s.at < len(s.src); s.at++ {
		if c := s.src[s.at]; c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return c
		}
	}
	return 0
}

// take goes past white space and a byte, if that is next.
func (s *scanner) take(c byte) bool {
	if s.space() != c {
		return false
	}
	s.at++
	return true
}

// members goes past an object. A nil member takes any.
func (s *scanner) members(member func(name, value []byte) bool, depth int) bool {
	if !s.take('{') {
		return false
	}
	if s.take('}') {
		return true
	}
	for {
		s.space()
		nameAt := s.at
		if !s.text() {
			return false
		}
		name := s.src[nameAt+1 : s.at-1]
		if member != nil && ascii.Plain(name) != len(name) || !s.take(':') {
			return false
		}
		s.space()
		valueAt := s.at
		if !s.value(depth+1) || member != nil && !member(name, s.src[valueAt:s.at]) {
			return false
		}
		if !s.take(',') {
			return s.take('}')
		}
	}
}

// value goes past a value.
func (s *scanner) value(depth int) bool {
	switch c := s.space(); {
	case depth > maxDepth:
		return false
	case c == '{':
		return s.members(nil, depth)
	case c == '[':
		return s.array(depth)
	case c == '"':
		return s.text()
	case c == 't':
		return s.word("true")
	case c == 'f':
		return s.word("false")
	case c == 'n':
		return s.word("null")
	}
	return s.number()
}

func (s *scanner) array(depth int) bool {
	s.at++
	if s.take(']') {
		return true
	}
	for {
		if !s.value(depth + 1) {
			return false
		}
		if !s.take(',') {
			return s.take(']')
		}
	}
}

func (s *scanner) word(word string) bool {
	end := s.at + len(word)
	if end > len(s.src) || string(s.src[s.at:end]) != word {
		return false
	}
	s.at = end
	return true
}

// text goes past a string.
func (s *scanner) text() bool {
	if s.at == len(s.src) || s.src[s.at] != '"' {
		return false
	}
	s.at++
	for s.at < len(s.src) {
		s.at += ascii.Plain(s.src[s.at:])
		if s.at == len(s.src) {
			return false
		}
		switch c := s.src[s.at]; {
		case c == '"':
			s.at++
			return true
		case c == '\\':
			if !s.escape() {
				return false
			}
		case c < ' ':
			return false
		default:
			s.at++
		}
	}
	return false
}

// escape goes past a backslash and what it escapes.
func (s *scanner) escape() bool {
	rest := s.src[s.at+1:]
	if len(rest) == 0 {
		return false
	}
	switch rest[0] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.at += 2
		return true
	case 'u':
		if len(rest) < 5 {
			return false
		}
		for _, c := range rest[1:5] {
			if digit := '0' <= c && c <= '9'; !digit && (c|0x20 < 'a' || 'f' < c|0x20) {
				return false
			}
		}
		s.at += 6
		return true
	}
	return false
}

// number goes past a number.
func (s *scanner) number() bool {
	digits := func() bool {
		from := s.at
		for s.at < len(s.src) && '0' <= s.src[s.at] && s.src[s.at] <= '9' {
			s.at++
		}
		return s.at > from
	}
	next := func(c byte) bool {
		if s.at == len(s.src) || s.src[s.at] != c {
			return false
		}
		s.at++
		return true
	}
	next('-')
	if !next('0') && !digits() {
		return false
	}
	if next('.') && !digits() {
		return false
	}
	if next('e') || next('E') {
		if !next('+') {
			next('-')
		}
		return digits()
	}
	return true
}
