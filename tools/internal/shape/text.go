package shape

import (
	"bytes"
	"encoding/hex"
	"strconv"
	"unicode/utf8"
)

// What of [JSON] is about texts.

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
			if cut && len(s) > MaxText && (len(s) > maxToken || bytes.IndexByte(s, ' ') >= 0) {
				p.out = append(p.out, s[:MaxText]...)
				p.mark(len(s) - MaxText)
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
	p.Cut++
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
		cutAt    int  // where in out the text is cut, once n is over MaxText
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
		if isInvisible(r, last) {
			p.Invisible++
			continue
		}
		last = r
		if n++; n == MaxText+1 {
			cutAt = len(p.out)
		}
		freeText = freeText || r == ' ' || r == '\n' || r >= utf8.RuneSelf
		p.out = append(p.out, raw...)
	}
	if cut && n > MaxText && (freeText || len(p.out)-begin > maxToken) {
		p.out = p.out[:cutAt]
		p.mark(n - MaxText)
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
