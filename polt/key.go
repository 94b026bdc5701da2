package polt

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

const redacted = "polt_…redacted"

// A Key is an agent's API key. However it is printed, logged or encoded, only
// a redaction comes out; [Key.Reveal] is the one way to its text. The zero
// value is no key.
type Key struct{ secret string }

// ParseKey returns the key with the text s. It fails where s cannot travel in
// an Authorization header: if it is empty, longer than 512 bytes, or has white
// space, control or non-ASCII characters. The error does not repeat s.
func ParseKey(s string) (Key, error) {
	if s == "" {
		return Key{}, errors.New("the API key is empty")
	}
	if len(s) > 512 {
		return Key{}, errors.New("the API key is longer than 512 bytes")
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return Key{}, fmt.Errorf("the API key has a space, control or non-ASCII character at position %d", i+1)
		}
	}
	return Key{s}, nil
}

// IsZero reports whether k is no key.
func (k Key) IsZero() bool { return k.secret == "" }

// Reveal returns the key's text: for the Authorization header, and for the
// place where the key is kept.
func (k Key) Reveal() string { return k.secret }

// Format prints the redaction for every verb.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// String returns the redaction, or "" for no key.
func (k Key) String() string {
	if k.IsZero() {
		return ""
	}
	return redacted
}

// MarshalText encodes the redaction.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalJSON takes the key as it comes in a [Registration].
func (k *Key) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return errors.New("the API key is not a JSON string")
	}
	parsed, err := ParseKey(s)
	if err != nil {
		return err
	}
	*k = parsed
	return nil
}
