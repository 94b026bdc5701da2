package ascii_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/openpolt/polt-mcp/internal/ascii"
)

// plain is Plain, byte by byte.
func plain(s []byte) int {
	for i, c := range s {
		if c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			return i
		}
	}
	return len(s)
}

func TestPlainIsAsByteByByte(t *testing.T) {
	for c := range 256 { // each byte at each place
		for at := range 17 {
			s := []byte("abcdefgh ~!#[]^_z")
			s[at] = byte(c)
			if got, want := ascii.Plain(s), plain(s); got != want {
				t.Fatalf("%q: %d, not %d", s, got, want)
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SliceOf(rapid.OneOf(rapid.Byte(), rapid.ByteRange(' ', 0x7f))).Draw(t, "s")
		if got, want := ascii.Plain(s), plain(s); got != want {
			t.Fatalf("%q: %d, not %d", s, got, want)
		}
	})
}
