package policy

import (
	"strings"

	"github.com/openpolt/polt-mcp/polt"
)

// redactor returns a function that redacts these keys in a text, and anything that
// looks like a key.
func redactor(keys []polt.Key) func(string) string {
	return func(text string) string {
		for _, key := range keys {
			if !key.IsZero() {
				text = strings.ReplaceAll(text, key.Reveal(), polt.Redacted)
			}
		}
		return polt.RedactKeys(text)
	}
}

// redacted applies hide to every string in a decoded JSON value, in place. In
// encoded JSON, escapes could hide a key.
func redacted(value any, hide func(string) string) any {
	switch v := value.(type) {
	case string:
		return hide(v)
	case []any:
		for i := range v {
			v[i] = redacted(v[i], hide)
		}
	case map[string]any:
		for name := range v {
			v[name] = redacted(v[name], hide)
		}
	}
	return value
}
