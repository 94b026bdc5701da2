package ascii_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/openpolt/polt-mcp/internal/ascii"
)

// check compares AppendPlain with what it does, byte by byte.
func check(t interface{ Fatalf(string, ...any) }, s []byte) {
	want := len(s)
	for i, c := range s {
		if c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			want = i
			break
		}
	}
	for _, appended := range []func() ([]byte, int){
		func() ([]byte, int) { return ascii.AppendPlain([]byte("before"), s) },
		func() ([]byte, int) { return ascii.AppendPlain([]byte("before"), string(s)) },
	} {
		if got, n := appended(); n != want || string(got) != "before"+string(s[:want]) {
			t.Fatalf("%q: %d bytes, %q, and not %d", s, n, got, want)
		}
	}
}

func TestAppendPlainIsAsByteByByte(t *testing.T) {
	for c := range 256 { // each byte at each place
		for at := range 17 {
			s := []byte("abcdefgh ~!#[]^_z")
			s[at] = byte(c)
			check(t, s)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		check(t, rapid.SliceOf(rapid.OneOf(rapid.Byte(), rapid.ByteRange(' ', 0x7f))).Draw(t, "s"))
	})
}
