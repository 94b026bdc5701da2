package clean_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/openpolt/polt-mcp/internal/clean"
	"github.com/openpolt/polt-mcp/internal/invisible"
)

func checkClean(t testing.TB, s string) {
	t.Helper()
	for _, r := range s {
		if r == utf8.RuneError || invisible.Is(r) || r != ' ' && !unicode.IsGraphic(r) || unicode.Is(unicode.Bidi_Control, r) ||
			unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector, unicode.Zl, unicode.Zp) {
			t.Errorf("%U is in %q", r, s)
		}
	}
}

func TestLine(t *testing.T) {
	for _, test := range []struct {
		in    string
		limit int
		want  string
	}{
		{"", 10, ""},
		{"plain", 5, "plain"},
		{"plain text", 5, "plai…"},
		{"añ日本語", 5, "añ日本語"},
		{"añ日本語x", 5, "añ日本…"},
		{" \r\n two\n lines\t \u0085", 50, "two  lines"},
		{"a\u00a0b\u2028c", 10, "a b c"},
		{"\x1b[31mred\x1b[0m\a\x00", 50, "[31mred[0m"},
		{"\u202eabc\u2066d\u200be\u200df\ufeffg\u00ad", 50, "abcdefg"},
		{"tag\U000e0041\U000e0042s", 50, "tags"},                               // a hidden alphabet
		{"smile\U0001F600\ufe0f\U000e0100\U000e01ef!", 50, "smile\U0001F600!"}, // bytes hidden in a smiley
		{"fill\u3164\u115f\uffa0er", 50, "filler"},
		{"braille\u2800hieroglyphs\U00013430khitan\U00016fe4music\U0001d159", 50, "braillehieroglyphskhitanmusic"},
		{"bad\xff\xfebytes\ufffd", 50, "badbytes"},
		{"\u200b \u200b", 10, ""},
		{"abc", 1, "…"},
		{"abc", 0, "…"},
		{"abc", -1, "…"},
	} {
		if got := clean.Line(test.in, test.limit); got != test.want {
			t.Errorf("Line(%q, %d) is %q, want %q", test.in, test.limit, got, test.want)
		}
	}
}

func FuzzLine(f *testing.F) {
	for _, s := range []string{"", "abc", "\xff\x00\u202e", "a b\n", strings.Repeat("é", 20), "\U0001F600\ufe0f"} {
		f.Add(s, 5)
	}
	f.Fuzz(func(t *testing.T, s string, limit int) {
		got := clean.Line(s, limit)
		checkClean(t, got)
		if n := utf8.RuneCountInString(got); n > max(limit, 1) || clean.Line(got, limit) != got {
			t.Errorf("Line(%q, %d) is %q of %d characters", s, limit, got, n)
		}
	})
}
