package shape

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/openpolt/polt-mcp/internal/ascii"
	"github.com/openpolt/polt-mcp/internal/invisible"
)

// text copies a string, up to limit characters; 0 means all. Runs of plain
// characters, which make up most strings, are copied in one piece.
func (p *shaper) text(limit int) error {
	p.at++
	run := ascii.Plain(p.src[p.at:])
	if end := p.at + run; end < len(p.src) && p.src[end] == '"' && (p.Sent == "" || run < minSent) {
		p.plainText(p.src[p.at:end], limit)
		p.at = end + 1
		return nil
	}
	p.out = append(p.out, '"')
	begin, start := len(p.out), p.at
	var (
		n      int  // characters of the string, without invisible ones
		isRich bool // contains a newline or a non-ASCII character
		filter invisible.Filter
		seen   cluster
		// Where to cut: before the last character up to limit that begins a cluster.
		cutAt, kept = begin, 0
	)
	for ; ; run = ascii.Plain(p.src[p.at:]) {
		if run > 0 {
			if first := n; first <= limit {
				kept = min(limit, n+run-1)
				cutAt = len(p.out) + kept - first
			}
			seen = cluster{}
			p.out = append(p.out, p.src[p.at:p.at+run]...)
			n += run
			p.at += run
			filter.Hides(rune(p.src[p.at-1]), nil)
		}
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
		if filter.Hides(r, p.next) {
			p.Invisible++
			continue
		}
		if n <= limit && (!seen.goesOn(r) || n == limit && n-kept > maxCluster) {
			cutAt, kept = len(p.out), n
		}
		n++
		isRich = isRich || r == '\n' || r >= utf8.RuneSelf
		p.out = append(p.out, raw...)
	}
	switch {
	case p.Sent != "" && p.isSent(p.src[start:p.at-1]):
		p.Echoes++
		p.out = p.out[:begin]
		p.mark(n)
	case limit > 0 && n > limit && (isRich || !isToken(p.out[begin:])):
		p.out = p.out[:cutAt]
		p.cut(n - kept)
	}
	p.out = append(p.out, '"')
	return nil
}

// plainText copies a string of plain characters.
func (p *shaper) plainText(s []byte, limit int) {
	kept := s
	if limit > 0 && len(s) > limit && !isToken(s) {
		kept = s[:limit]
	}
	p.out = append(append(p.out, '"'), kept...)
	if len(kept) < len(s) {
		p.cut(len(s) - len(kept))
	}
	p.out = append(p.out, '"')
}

// isToken reports whether a string is never cut.
func isToken(s []byte) bool { return len(s) <= maxToken && bytes.IndexByte(s, ' ') < 0 }

// maxCluster is how many characters of a cluster are not cut apart.
const maxCluster = 16

// A cluster tells, character by character, what belongs together, as far as a reader
// would see that it was cut: combining marks, emoji sequences and flags.
type cluster struct {
	joins  bool // the last character joins the next one to it
	isHalf bool // the last character is the first of a flag
}

// goesOn reports whether r belongs to the character before it.
func (c *cluster) goesOn(r rune) bool {
	const joiner = '\u200d'
	isFlag := '\U0001f1e6' <= r && r <= '\U0001f1ff'
	isModifier := '\U0001f3fb' <= r && r <= '\U0001f3ff'
	goesOn := c.joins || r == joiner || isModifier || isFlag && c.isHalf || r >= '\u0300' && unicode.In(r, unicode.M)
	c.joins, c.isHalf = r == joiner, isFlag && !c.isHalf
	return goesOn
}

// cut counts a string that is cut, and appends how many characters were omitted.
func (p *shaper) cut(left int) {
	p.cuts++
	if p.Summary == Submissions {
		p.CutWork = true
	} else {
		p.Cut++
	}
	p.mark(left)
}

// next returns the character after the current one, or -1 at the end of the
// string.
func (p *shaper) next() rune {
	at := p.at
	defer func() { p.at = at }()
	if at >= len(p.src) || p.src[at] == '"' {
		return -1
	}
	r, _, err := p.char()
	if err != nil {
		return -1
	}
	return r
}

// minSent is the minimum size, in bytes, of an echo to omit: shorter strings
// may match by chance.
const minSent = 64

// isSent reports whether the contents of a JSON string equal the sent text.
func (p *shaper) isSent(raw []byte) bool {
	if len(raw) < minSent || len(raw) < len(p.Sent)/2 {
		return false
	}
	var text string
	if json.Unmarshal(slices.Concat([]byte{'"'}, raw, []byte{'"'}), &text) != nil {
		return false
	}
	return strings.TrimSpace(text) == strings.TrimSpace(p.Sent)
}

// mark appends how many characters were omitted.
func (p *shaper) mark(left int) {
	p.out = append(p.out, "…(+"...)
	p.out = strconv.AppendInt(p.out, int64(left), 10)
	p.out = append(p.out, ')')
}

var replacement = []byte("\uFFFD")

// char reads one character and returns it with its bytes for the output: those
// of the source, except for invalid characters.
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

// hex4 reads a \uXXXX escape at the beginning of s.
func hex4(s []byte) (rune, bool) {
	var b [2]byte
	if len(s) < 6 {
		return 0, false
	}
	_, err := hex.Decode(b[:], s[2:6])
	return rune(b[0])<<8 | rune(b[1]), err == nil
}
