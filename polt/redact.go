package polt

import (
	"bytes"
	"encoding/hex"
	"errors"
)

// Redact returns a text in which [Redacted] stands for the key, also where
// characters of it are spelled as JSON's escapes, such as \u0070olt_. It
// returns the text itself where the key is not in it.
func (k Key) Redact(text []byte) []byte {
	if k.IsZero() || len(text) == 0 {
		return text
	}
	secret := []byte(k.Reveal())
	if bytes.Contains(text, secret) {
		text = bytes.ReplaceAll(text, secret, []byte(Redacted))
	}
	if !spellsASCII(text, secret) {
		return text
	}
	text = replaced(text, func(text []byte) int { return spelled(text, secret, escape) })
	if bytes.Contains(text, []byte(`\\u00`)) {
		text = replaced(text, func(text []byte) int { return spelled(text, secret, nestedEscape) })
	}
	return text
}

// spellsASCII reports whether there is an escape in text that may stand for a
// character of a key. Most answers have none.
func spellsASCII(text, secret []byte) bool {
	return bytes.Contains(text, []byte(`\u00`)) || bytes.ContainsAny(secret, `"\/`) && bytes.IndexByte(text, '\\') >= 0
}

// replaced returns text with [Redacted] for each place of which match returns
// the length. Where there is none, match returns 0.
func replaced(text []byte, match func([]byte) int) []byte {
	var out []byte
	from := 0
	for at := 0; at < len(text); {
		n := match(text[at:])
		if n == 0 {
			at++
			if text[at-1] == '\\' && at < len(text) && text[at] == '\\' {
				at++ // the second of a pair begins no escape
			}
			continue
		}
		out = append(append(out, text[from:at]...), Redacted...)
		at += n
		from = at
	}
	if from == 0 {
		return text
	}
	return append(out, text[from:]...)
}

// spelled returns how many bytes at the beginning of text spell a word, or 0.
func spelled(text, word []byte, read func([]byte) (byte, int)) int {
	at := 0
	for i := range word {
		c, n := read(text[at:])
		if n == 0 || c != word[i] {
			return 0
		}
		at += n
	}
	return at
}

// escape reads one ASCII character, spelled as it is or as JSON's escape. n is
// 0 where there is none.
func escape(text []byte) (c byte, n int) {
	switch {
	case len(text) == 0 || text[0] >= 0x80:
		return 0, 0
	case text[0] != '\\' || len(text) == 1:
		return text[0], 1
	}
	switch text[1] {
	case '/', '"', '\\':
		return text[1], 2
	case 'u':
		var code [2]byte
		if len(text) < 6 {
			return 0, 0
		}
		if _, err := hex.Decode(code[:], text[2:6]); err != nil || code[0] != 0 {
			return 0, 0
		}
		return code[1], 6
	}
	return 0, 0
}

// nestedEscape is escape for what was encoded more than once, so that there is
// more than one backslash.
func nestedEscape(text []byte) (c byte, n int) {
	for n+1 < len(text) && text[n] == '\\' && text[n+1] == '\\' {
		n++
	}
	c, m := escape(text[n:])
	if m == 0 {
		return 0, 0
	}
	return c, n + m
}

// keyPrefix is what the platform's keys begin with, and leastKey how long one is
// at least to be taken for one.
const (
	keyPrefix = "polt_"
	leastKey  = 16
)

// redactLikely returns a text in which [Redacted] stands for everything that
// looks like a key, whoever's it is: for what goes into an error, where the
// answer to a registration may be, which did not parse.
func redactLikely(text []byte) []byte {
	return replaced(text, func(text []byte) int {
		if text[0] != keyPrefix[0] && text[0] != '\\' {
			return 0
		}
		at := spelled(text, []byte(keyPrefix), nestedEscape)
		if at == 0 {
			return 0
		}
		length := len(keyPrefix)
		for ; ; length++ {
			c, n := nestedEscape(text[at:])
			letter := 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '_' || c == '-'
			if n == 0 || !letter {
				break
			}
			at += n
		}
		if length < leastKey {
			return 0
		}
		return at
	})
}

// withoutKey returns err, or another error where a key is in its words: an
// HTTP client repeats a header that it cannot read.
func (c *Client) withoutKey(err error) error {
	if err == nil {
		return nil
	}
	words := []byte(err.Error())
	if redacted := redactLikely(c.key.Redact(words)); !bytes.Equal(redacted, words) {
		return errors.New(string(redacted)) // without the error that it wraps, which says the same
	}
	return err
}
