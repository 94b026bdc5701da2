package polt

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unique"
)

// Redacted is how a [Key] prints.
const Redacted = "polt_…redacted"

// A Key is an agent's API key. However it is printed, logged or encoded, only
// a redaction comes out; [Key.Reveal] is the one way to its text. Equal keys
// are ==. The zero value is no key.
type Key struct {
	// secret is behind a pointer, which fmt does not follow: of a Key in an
	// unexported field it calls no method, and prints what is inside.
	secret unique.Handle[string]
}

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

// IsZero reports whether k is no key.
func (k Key) IsZero() bool { return k == Key{} }

// Reveal returns the key's text: for the Authorization header, and for the
// place where the key is kept. It is empty for no key.
func (k Key) Reveal() string {
	if k.IsZero() {
		return ""
	}
	return k.secret.Value()
}

// Format prints the redaction for every verb.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// String returns the redaction, or "" for no key.
func (k Key) String() string {
	if k.IsZero() {
		return ""
	}
	return Redacted
}

// MarshalText encodes the redaction.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalJSON takes the key as it comes in a [Registration]; null leaves k as
// it is.
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
