package tools

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// How an answer becomes a result: one pass over the platform's JSON that
// checks that it is well formed, takes out the white space between its tokens
// and the invisible characters within its texts, and, in a summary, cuts long
// texts and leaves out null members. Numbers and everything else stay as they
// came, to the digit.

const (
	// maxText is how many characters of a text a summary keeps.
	maxText = 120
	// maxToken is how many bytes a text without white space may have, such as
	// a URL, to be kept whole: half a URL is of no use.
	maxToken = 512
	// maxDepth is how deep an answer may be nested.
	maxDepth = 200
)

// A scope says which part of an answer a summary cuts.
type scope string

const (
	// nothing is cut: the answer is about one thing.
	nothing scope = ""
	// everyList has the items of all arrays cut. Any other scope is the name
	// of the member whose items are.
	everyList scope = "*"
)

// shaped is what [shape] made of an answer.
type shaped struct {
	json    []byte
	cut     int // texts that were cut
	nulls   int // null members that were left out
	unseen  int // invisible characters that were removed
	dropped int // members that were left out because of their name
}

var errNotJSON = errors.New("the answer is not well-formed JSON")

// shape shapes src, an answer of the platform. Of an object, the members named
// drop are left out at the top level.
func shape(src []byte, summary scope, drop string) (shaped, error) {
	p := shaper{src: src, summary: summary, drop: drop}
	size := len(src) + len(src)/8 + 256
	if summary == everyList {
		size /= 2 // a guess, and too little does no harm
	}
	p.out = make([]byte, 0, size)
	if err := p.value(0, summary == everyList, false); err != nil {
		return shaped{}, fmt.Errorf("%w at byte %d", err, p.at)
	}
	p.space()
	if p.at != len(src) {
		return shaped{}, fmt.Errorf("%w at byte %d", errNotJSON, p.at)
	}
	p.json = p.out
	return p.shaped, nil
}

type shaper struct {
	shaped
	src     []byte
	at      int
	out     []byte
	summary scope
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
	if !isNumber(p.src[start:p.at]) {
		return errNotJSON
	}
	p.out = append(p.out, p.src[start:p.at]...)
	return nil
}

// isNumber reports whether b is a number by the grammar of JSON.
func isNumber(b []byte) bool {
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
	below := inScope || p.summary != nothing && string(name) == string(p.summary)
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
		p.dropped++
		p.out = p.out[:undo]
	case null && (inItem || p.summary == everyList):
		p.nulls++
		p.out = p.out[:undo]
	}
	return nil
}

// text copies a string; cut says that it may be cut.
func (p *shaper) text(cut bool) error {
	p.at++
	start := p.at
	// Most texts are plain ASCII: those are copied in one piece.
	for p.at < len(p.src) {
		c := p.src[p.at]
		if c == '"' {
			s := p.src[start:p.at]
			p.at++
			p.out = append(p.out, '"')
			if cut && len(s) > maxText && (len(s) > maxToken || bytes.IndexByte(s, ' ') >= 0) {
				p.out = append(p.out, s[:maxText]...)
				p.mark(len(s) - maxText)
			} else {
				p.out = append(p.out, s...)
			}
			p.out = append(p.out, '"')
			return nil
		}
		if c < ' ' {
			return errNotJSON
		}
		if c == '\\' || c >= 0x7f {
			break
		}
		p.at++
	}
	p.at = start
	return p.richText(cut)
}

// mark says in the text that it was cut, and of how many characters.
func (p *shaper) mark(left int) {
	p.cut++
	p.out = append(p.out, "…(+"...)
	p.out = strconv.AppendInt(p.out, int64(left), 10)
	p.out = append(p.out, ')')
}

// richText copies a string that has escapes or characters beyond ASCII.
func (p *shaper) richText(cut bool) error {
	p.out = append(p.out, '"')
	var (
		n        int  // characters
		last     rune // the last one that was kept
		cutAt    int  // where in out the text is cut, once n is over maxText
		begin    = len(p.out)
		freeText = false
	)
	for {
		if p.at >= len(p.src) || p.src[p.at] < ' ' {
			return errNotJSON
		}
		if p.src[p.at] == '"' {
			p.at++
			break
		}
		r, raw, err := p.char()
		if err != nil {
			return err
		}
		if isUnseen(r, last) {
			p.unseen++
			continue
		}
		last = r
		if n++; n == maxText+1 {
			cutAt = len(p.out)
		}
		freeText = freeText || r == ' ' || r == '\n' || r >= utf8.RuneSelf
		p.out = append(p.out, raw...)
	}
	if cut && n > maxText && (freeText || len(p.out)-begin > maxToken) {
		p.out = p.out[:cutAt]
		p.mark(n - maxText)
	}
	p.out = append(p.out, '"')
	return nil
}

var replacement = []byte("\uFFFD")

// char reads one character and returns it with the bytes that stand for it in
// the output: those of the source, except for what is no character.
func (p *shaper) char() (rune, []byte, error) {
	s := p.src[p.at:]
	if s[0] != '\\' {
		r, size := utf8.DecodeRune(s)
		p.at += size
		if r == utf8.RuneError && size == 1 {
			return r, replacement, nil
		}
		return r, s[:size], nil
	}
	if len(s) < 2 {
		return 0, nil, errNotJSON
	}
	switch s[1] {
	case '"', '\\', '/':
		p.at += 2
		return rune(s[1]), s[:2], nil
	case 'b', 'f':
		p.at += 2
		return '\b', s[:2], nil
	case 'n', 'r', 't':
		p.at += 2
		return '\n', s[:2], nil
	case 'u':
		return p.unicodeEscape(s)
	}
	return 0, nil, errNotJSON
}

func (p *shaper) unicodeEscape(s []byte) (rune, []byte, error) {
	r, ok := hex4(s)
	if !ok {
		return 0, nil, errNotJSON
	}
	switch {
	case r < 0xD800 || r > 0xDFFF:
		p.at += 6
		if r == '\n' || r == '\r' || r == '\t' {
			r = '\n'
		}
		return r, s[:6], nil
	case r < 0xDC00 && len(s) >= 12 && s[6] == '\\' && s[7] == 'u':
		if low, ok := hex4(s[6:]); ok && 0xDC00 <= low && low <= 0xDFFF {
			p.at += 12
			return (r-0xD800)<<10 + (low - 0xDC00) + 0x10000, s[:12], nil
		}
	}
	p.at += 6 // half a surrogate pair
	return utf8.RuneError, replacement, nil
}

// hex4 reads the escape at the beginning of s: a backslash, u and four digits.
func hex4(s []byte) (rune, bool) {
	var b [2]byte
	if len(s) < 6 {
		return 0, false
	}
	_, err := hex.Decode(b[:], s[2:6])
	return rune(b[0])<<8 | rune(b[1]), err == nil
}

// isUnseen reports whether r shows nothing to a reader, or changes the
// direction in which other characters are read: what a hostile text hides
// orders in. last is the character before it.
func isUnseen(r, last rune) bool {
	switch {
	case r < ' ':
		return r != '\n'
	case r < 0x7f:
		return false
	case r <= 0x9f:
		return true
	case r == 0x200C || r == 0x200D || r == 0xFE0E || r == 0xFE0F:
		// Joiners and variation selectors make emoji and are letters' business
		// in several scripts, but only right after a character beyond ASCII.
		joins := last == 0xFE0F && r == 0x200D
		return !joins && (last < 0xA1 || last == 0x200C || last == 0x200D || last == 0xFE0E || last == 0xFE0F)
	case 0xFE00 <= r && r <= 0xFE0D:
		return true
	}
	switch {
	case r == 0xAD, r == 0x34F, r == 0x61C, r == 0x115F, r == 0x1160, r == 0x17B4, r == 0x17B5,
		0x180B <= r && r <= 0x180F,
		0x200B <= r && r <= 0x200F,
		0x2028 <= r && r <= 0x202E, // line separators, embeddings and overrides
		0x2060 <= r && r <= 0x206F,
		r == 0x3164, r == 0xFEFF, r == 0xFFA0,
		0xFFF0 <= r && r <= 0xFFFB,
		0x1BCA0 <= r && r <= 0x1BCA3,
		0x1D173 <= r && r <= 0x1D17A,
		0xE0000 <= r && r <= 0xE0FFF: // tags and variation selectors
		return true
	}
	return false
}
