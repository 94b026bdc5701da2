package polt

import (
	"bytes"
	"encoding/hex"
	"errors"
)

// Redact replaces the key in text with [Redacted], even if some of its
// characters are written as JSON escapes, such as \u0070olt_. It returns text
// itself if it does not contain the key.
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

// spellsASCII reports whether text has an escape that may stand for a character
// of the key. Most responses have none.
func spellsASCII(text, secret []byte) bool {
	return bytes.Contains(text, []byte(`\u00`)) || bytes.ContainsAny(secret, `"\/`) && bytes.IndexByte(text, '\\') >= 0
}

// replaced returns text with each match replaced by [Redacted]. match returns
// the length of the match at the beginning of its argument, or 0.
func replaced(text []byte, match func([]byte) int) []byte {
	var out []byte
	from := 0
	for at := 0; at < len(text); {
		n := match(text[at:])
		if n == 0 {
			at++
			if text[at-1] == '\\' && at < len(text) && text[at] == '\\' {
				at++ // the second backslash of a pair starts no escape
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

// spelled returns the number of bytes at the beginning of text that spell word,
// or 0.
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

// escape reads one ASCII character, plain or as a JSON escape. n is 0 if there
// is none.
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

// nestedEscape is escape for text that was encoded more than once, which
// doubles the backslashes.
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

// keyPrefix starts every key of the platform. Text with that prefix counts as a
// key from leastKey characters on.
const (
	keyPrefix = "polt_"
	leastKey  = 16
)

// RedactKeys replaces everything in text that looks like an API key with [Redacted],
// such as in a file or an argument that may quote a key that no client has.
func RedactKeys(text string) string {
	return string(redactLikely([]byte(text)))
}

// redactLikely replaces everything that looks like an API key with [Redacted]:
// an error may quote a registration response that did not parse.
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

// withoutKey returns err, or a redacted error if its text contains a key: HTTP
// clients quote a header that they cannot parse.
func (c *Client) withoutKey(err error) error {
	if err == nil {
		return nil
	}
	words := []byte(err.Error())
	if redacted := redactLikely(c.key.Redact(words)); !bytes.Equal(redacted, words) {
		return errors.New(string(redacted)) // not wrapped: the inner error contains the key too
	}
	return err
}
