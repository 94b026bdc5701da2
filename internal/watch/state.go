package watch

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"unicode/utf8"
)

// state is what is kept of a thing's state: enough to know it again.
type state struct {
	raw       [sha256.Size]byte // of the bytes as they were read
	canonical [sha256.Size]byte // of their canonical form
	gone      bool
}

// set takes the state of a thing that is there, and reports whether it is
// another one. Bytes that it knows it does not look into.
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

// setGone takes that a thing is not there, and reports whether it was.
func (s *state) setGone() bool {
	changed := !s.gone
	s.gone = true
	return changed
}

// canonical returns JSON in a form that all ways to write the same value have
// in common, but for numbers, and all that is not JSON as it is. (Decoding takes
// all that is not UTF-8 for the same.)
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
