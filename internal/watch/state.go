package watch

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"unicode/utf8"
)

// state is a digest of a target's state, enough to detect a change.
type state struct {
	raw       [sha256.Size]byte // of the bytes as read
	canonical [sha256.Size]byte // of their canonical form
	gone      bool
}

// set records the state of a target that exists, and reports whether it has
// changed. Equal bytes are not parsed.
func (s *state) set(b []byte) bool {
	raw := sha256.Sum256(b)
	if raw == s.raw && !s.gone {
		return false
	}
	canonical := sha256.Sum256(canonical(b))
	changed := s.gone || canonical != s.canonical
	*s = state{raw: raw, canonical: canonical}
	return changed
}

// setGone records that a target does not exist, and reports whether that is a
// change.
func (s *state) setGone() bool {
	changed := !s.gone
	s.gone = true
	return changed
}

// canonical returns JSON in a canonical form, except for numbers, which keep their
// spelling. Anything else is returned as it is, including invalid UTF-8, which
// decoding would replace.
func canonical(b []byte) []byte {
	if !utf8.Valid(b) || !json.Valid(b) {
		return b
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return b
	}
	c, err := json.Marshal(value)
	if err != nil {
		return b
	}
	return c
}
