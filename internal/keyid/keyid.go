// Package keyid names API keys, for logs and limits, where a key itself must not
// be.
package keyid

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/openpolt/polt-mcp/polt"
)

// Of returns the name of a key, which is no secret: the first 8 bytes of the
// SHA-256 of its text, in hex. It is empty for no key.
func Of(key polt.Key) string {
	if key.IsZero() {
		return ""
	}
	sum := sha256.Sum256([]byte(key.Reveal()))
	return hex.EncodeToString(sum[:8])
}
