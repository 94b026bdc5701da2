// Package shape makes a result's JSON of the platform's.
package shape

import (
	"bytes"
	"errors"
	"fmt"
)

// How an answer becomes a result: one pass over the platform's JSON that
// checks that it is well formed, takes out the white space between its tokens
// and the invisible characters within its texts, and, in a summary, cuts long
// texts and leaves out null members. Numbers and everything else stay as they
// came, to the digit.

const (
	// MaxText is how many characters of a text a summary keeps.
	MaxText = 120
	// maxToken is how many bytes a text without white space may have, such as
	// a URL, to be kept whole: half a URL is of no use.
	maxToken = 512
	// maxDepth is how deep an answer may be nested.
	maxDepth = 200
)

// A Summary says which part of an answer is cut.
type Summary string

const (
	// Whole cuts nothing: the answer is about one thing.
	Whole Summary = ""
	// Lists cuts the items of all arrays. Any other Summary is the name of the
	// member whose items are cut.
	Lists Summary = "*"
)

// A Result is what [JSON] made of an answer.
type Result struct {
	JSON      []byte
	Cut       int // texts that were cut
	Nulls     int // null members that were left out
	Invisible int // invisible characters that were removed
}

var errNotJSON = errors.New("the answer is not well-formed JSON")

// JSON shapes src, an answer of the platform. Of an object, the members named
// drop are left out at the top level.
func JSON(src []byte, summary Summary, drop string) (Result, error) {
	p := shaper{src: src, summary: summary, drop: drop}
	size := len(src) + len(src)/8 + 256
	if summary == Lists {
		size /= 2 // a guess, and too little does no harm
	}
	p.out = make([]byte, 0, size)
	if err := p.value(0, summary == Lists, false); err != nil {
		return Result{}, fmt.Errorf("%w at byte %d", err, p.at)
	}
	p.space()
	if p.at != len(src) {
		return Result{}, fmt.Errorf("%w at byte %d", errNotJSON, p.at)
	}
	p.Result.JSON = p.out
	return p.Result, nil
}

type shaper struct {
	Result
	src     []byte
	at      int
	out     []byte
	summary Summary
	drop    string
}

func (p *shaper) space() {
	for p.at < len(p.src) {
		switch p.src[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

// peek returns the next byte that is not white space, or 0 at the end.
func (p *shaper) peek() byte {
	p.space()
	if p.at == len(p.src) {
		return 0
	}
	return p.src[p.at]
}

// value copies the next value. inScope says that arrays at or below it are
// lists whose items are cut, inItem that it is in such an item.
func (p *shaper) value(depth int, inScope, inItem bool) error {
	if depth > maxDepth {
		return errors.New("the answer is nested too deep")
	}
	switch c := p.peek(); {
	case c == '{':
		return p.object(depth, inScope, inItem)
	case c == '[':
		return p.array(depth, inScope, inItem)
	case c == '"':
		return p.text(inItem)
	case c == '-' || '0' <= c && c <= '9':
		return p.number()
	case c == 't':
		return p.literal("true")
	case c == 'f':
		return p.literal("false")
	case c == 'n':
		return p.literal("null")
	}
	return errNotJSON
}

func (p *shaper) literal(word string) error {
	if !bytes.HasPrefix(p.src[p.at:], []byte(word)) {
		return errNotJSON
	}
	p.at += len(word)
	p.out = append(p.out, word...)
	return nil
}

func (p *shaper) number() error {
	start := p.at
	for p.at < len(p.src) {
		switch c := p.src[p.at]; {
		case '0' <= c && c <= '9', c == '+', c == '-', c == '.', c == 'e', c == 'E':
			p.at++
			continue
		}
		break
	}
	if !IsNumber(p.src[start:p.at]) {
		return errNotJSON
	}
	p.out = append(p.out, p.src[start:p.at]...)
	return nil
}

// IsNumber reports whether b is a number by the grammar of JSON.
func IsNumber(b []byte) bool {
	digits := func() bool {
		n := 0
		for n < len(b) && '0' <= b[n] && b[n] <= '9' {
			n++
		}
		b = b[n:]
		return n > 0
	}
	b = bytes.TrimPrefix(b, []byte("-"))
	if len(b) > 1 && b[0] == '0' && '0' <= b[1] && b[1] <= '9' || !digits() {
		return false
	}
	if rest, ok := bytes.CutPrefix(b, []byte(".")); ok {
		if b = rest; !digits() {
			return false
		}
	}
	if len(b) > 0 && b[0]|0x20 == 'e' {
		if b = b[1:]; len(b) > 0 && (b[0] == '+' || b[0] == '-') {
			b = b[1:]
		}
		return digits() && len(b) == 0
	}
	return len(b) == 0
}

func (p *shaper) array(depth int, inScope, inItem bool) error {
	p.at++
	p.out = append(p.out, '[')
	inItem = inItem || inScope
	for first := true; ; first = false {
		if p.peek() == ']' && first {
			break
		}
		if err := p.value(depth+1, inScope, inItem); err != nil {
			return err
		}
		if c := p.peek(); c == ']' {
			break
		} else if c != ',' {
			return errNotJSON
		}
		p.at++
		p.out = append(p.out, ',')
	}
	p.at++
	p.out = append(p.out, ']')
	return nil
}

func (p *shaper) object(depth int, inScope, inItem bool) error {
	p.at++
	p.out = append(p.out, '{')
	begin := len(p.out)
	for first := true; ; first = false {
		if p.peek() == '}' && first {
			break
		}
		if err := p.member(depth, begin, inScope, inItem); err != nil {
			return err
		}
		if c := p.peek(); c == '}' {
			break
		} else if c != ',' {
			return errNotJSON
		}
		p.at++
	}
	p.at++
	p.out = append(p.out, '}')
	return nil
}

// member copies one member of the object whose members begin at begin.
func (p *shaper) member(depth, begin int, inScope, inItem bool) error {
	undo := len(p.out)
	if undo > begin {
		p.out = append(p.out, ',')
	}
	nameAt := len(p.out)
	if p.peek() != '"' {
		return errNotJSON
	}
	if err := p.text(false); err != nil {
		return err
	}
	name := p.out[nameAt+1 : len(p.out)-1]
	dropped := depth == 0 && p.drop != "" && string(name) == p.drop
	below := inScope || p.summary != Whole && string(name) == string(p.summary)
	if p.peek() != ':' {
		return errNotJSON
	}
	p.at++
	p.out = append(p.out, ':')
	null := p.peek() == 'n'
	if err := p.value(depth+1, below, inItem); err != nil {
		return err
	}
	switch {
	case dropped:
		p.out = p.out[:undo]
	case null && (inItem || p.summary == Lists):
		p.Nulls++
		p.out = p.out[:undo]
	}
	return nil
}
