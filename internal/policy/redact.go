package policy

import (
	"regexp"
	"strings"
	"sync"

	"github.com/openpolt/polt-mcp/polt"
)

// keyLike matches what looks like a key, whosever it is.
var keyLike = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`polt_[A-Za-z0-9_-]{16,}`)
})

// redactor returns what puts the redacted form of keys in their place in a text:
// of these keys, and of whatever looks like one.
func redactor(keys []polt.Key) func(string) string {
	return func(text string) string {
		for _, key := range keys {
			if !key.IsZero() {
				text = strings.ReplaceAll(text, key.Reveal(), polt.Redacted)
			}
		}
		return keyLike().ReplaceAllLiteralString(text, polt.Redacted)
	}
}

// redacted returns a decoded JSON value with hide done to every text in it. On
// the encoded value it could miss a key, which JSON can write in many ways.
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
