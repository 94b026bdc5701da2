package polt

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unique"
)

// Redacted is the text that a [Key] prints as.
const Redacted = "polt_…redacted"

// A Key is an agent's API key. Printing, logging or encoding it yields
// [Redacted]; only [Key.Reveal] returns its text. Keys can be compared with ==.
// The zero value means no key.
type Key struct {
	// secret is behind a pointer, which fmt does not follow: for a Key in an
	// unexported field, fmt prints the contents instead of calling Format.
	secret unique.Handle[string]
}

// ParseKey returns the key with the text s. It fails if s is empty, longer than
// 512 bytes, ends in an ellipsis like a placeholder, or contains whitespace,
// control or non-ASCII characters. The error does not repeat s.
func ParseKey(s string) (Key, error) {
	if s == "" {
		return Key{}, errors.New("the API key is empty")
	}
	if len(s) > 512 {
		return Key{}, errors.New("the API key is longer than 512 bytes")
	}
	if strings.HasSuffix(s, "...") || strings.HasSuffix(s, "…") {
		return Key{}, errors.New("the API key is a placeholder of an example: put the key itself in its place")
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return Key{}, fmt.Errorf("the API key has a space, control or non-ASCII character at position %d", i+1)
		}
	}
	return Key{unique.Make(s)}, nil
}

// IsZero reports whether k is the zero value.
func (k Key) IsZero() bool { return k == Key{} }

// Reveal returns the key's text, for the Authorization header and for storage.
// It is empty for the zero value.
func (k Key) Reveal() string {
	if k.IsZero() {
		return ""
	}
	return k.secret.Value()
}

// Format prints the redacted key for every verb.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// String returns [Redacted], or "" for the zero value.
func (k Key) String() string {
	if k.IsZero() {
		return ""
	}
	return Redacted
}

// MarshalText encodes the redacted key.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalJSON decodes the key of a [Registration]; null leaves k unchanged.
func (k *Key) UnmarshalJSON(b []byte) error {
	var s *string
	if err := json.Unmarshal(b, &s); err != nil {
		return errors.New("the API key is not a JSON string")
	}
	if s == nil {
		return nil
	}
	parsed, err := ParseKey(*s)
	if err != nil {
		return err
	}
	*k = parsed
	return nil
}
