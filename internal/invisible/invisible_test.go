package invisible_test

import (
	_ "embed"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/openpolt/polt-mcp/internal/invisible"
)

// blank are the characters that show nothing without a property that says so.
var blank = []rune{0x2800, 0x13440, 0x13441, 0x13442, 0x16FE4, 0x1D159}

// TestIs checks every character of Unicode against the properties as the
// standard library has them, in a newer version perhaps than the table's.
func TestIs(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		want := unicode.In(r, unicode.Cc, unicode.Cf, unicode.Cs, unicode.Zl, unicode.Zp, unicode.Noncharacter_Code_Point,
			unicode.Bidi_Control, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) ||
			slices.Contains(blank, r)
		if r == '\t' || r == '\n' || r == '\r' || unicode.Is(unicode.Prepended_Concatenation_Mark, r) {
			want = false
		}
		if got := invisible.Is(r); got != want {
			t.Errorf("Is(%U) is %v, want %v", r, got, want)
		}
	}
	for _, r := range []rune{-1, unicode.MaxRune + 1, 1 << 30} {
		if !invisible.Is(r) {
			t.Errorf("Is(%#x) is false", r)
		}
	}
}

// Alone between Latin letters, every invisible character is removed, and no
// other is.
func TestRemoveEach(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		want, wantRemoved := "a"+string(r)+"b", 0
		if invisible.Is(r) {
			want, wantRemoved = "ab", 1
		}
		if got, removed := invisible.Remove("a" + string(r) + "b"); got != want || removed != wantRemoved {
			t.Errorf("Remove with %U is %q, and %d removed", r, got, removed)
		}
	}
}

//go:embed testdata/emoji.txt
var emoji string

// Every emoji that Unicode recommends is kept, flags made of tags aside.
func TestRemoveKeepsEmoji(t *testing.T) {
	for e := range strings.SplitSeq(strings.TrimSpace(emoji), "\n") {
		for _, text := range []string{e, "say " + e + e + " twice"} {
			if got, removed := invisible.Remove(text); got != text || removed > 0 {
				t.Errorf("%+q became %+q", text, got)
			}
		}
	}
}

func TestRemoveKeepsScripts(t *testing.T) {
	for name, text := range map[string]string{
		"Persian":             "می\u200cروم",
		"Persian plural":      "خانه\u200cها",
		"Persian, with marks": "بَ\u200cب",
		"Persian year":        "۱۳۵۷ ه\u200d.ش",
		"Hindi half form":     "क्\u200d",
		"Hindi virama":        "क्\u200cष",
		"Bengali ya-phalaa":   "র\u200d্য",
		"Sinhala":             "ශ්\u200dරී",
		"Malayalam chillu":    "ന്\u200d",
		"Mongolian variant":   "ᠠ\u180b",
		"Mongolian separator": "ᠨ\u180eᠠ",
		"Arabic number sign":  "\u0600١٢",
		"spaces":              "a\u00a0b\u2003c\u3000d\te\nf\r\n",
	} {
		if got, removed := invisible.Remove(text); got != text || removed > 0 {
			t.Errorf("%s: %+q became %+q", name, text, got)
		}
	}
}

// What could carry bits is removed where nobody would see them.
func TestRemoveCarriers(t *testing.T) {
	for name, test := range map[string]struct{ in, want string }{
		"tags":                      {"hi\U000e0069\U000e0067\U000e006e", "hi"},
		"a flag of tags":            {"\U0001F3F4\U000e0067\U000e0062\U000e007f", "\U0001F3F4"},
		"bytes in a smiley":         {"\U0001F600\ufe01\ufe0a\U000e0100\U000e01ef", "\U0001F600"},
		"selectors of a heart":      {"❤\ufe0f\ufe0e\ufe0f", "❤\ufe0f"},
		"a selector of a letter":    {"a\ufe0fb\ufe0e", "ab"},
		"a selector of a digit":     {"1\ufe0f2\ufe0e\u20e3", "12\u20e3"},
		"an ideograph's":            {"辻\U000e0101\ufe00", "辻"},
		"joiners of Latin":          {"a\u200db\u200cc\u200d\u200c", "abc"},
		"joiners in a row":          {"می\u200c\u200d\u200cروم\u200c\u200c", "می\u200cروم"},
		"a joiner that joins":       {"ب\u200dب", "بب"},
		"a non-joiner after alef":   {"ا\u200cب", "اب"},
		"a non-joiner at the end":   {"ب\u200c ا", "ب ا"},
		"after a virama, at an end": {"क्\u200c ", "क् "},
		"joiners between faces":     {"😀\u200d\u200d😀", "😀\u200d😀"},
		"many joiners":              {strings.Repeat("😀\u200d", 5), "😀\u200d😀\u200d😀\u200d😀😀"},
		"a joiner after an emoji":   {"😀\u200dx\u200d😀", "😀x😀"},
		"a skin tone joined":        {"👋\u200d\U0001F3FB", "👋\U0001F3FB"},
		"Mongolian variants":        {"ᠠ\u180d\u180c\u180cx\u180b", "ᠠ\u180cx"},
		"Mongolian separators":      {"ᠨ\u180e\u180eᠠ\u180e", "ᠨ\u180eᠠ"},
		"directions":                {"\u202eabc\u202c \u2067x\u2069 \u200e\u200f\u061c", "abc x "},
		"a joiner before what goes": {"ب\u200d\u200bر", "بر"},
		"blanks":                    {"a\u2800\u3164\U00016fe4\U0001d159\U00013431b", "ab"},
		"invalid UTF-8":             {"\xffa\u200b\xfe", "\uFFFDa\uFFFD"},
	} {
		if got, _ := invisible.Remove(test.in); got != test.want {
			t.Errorf("%s: %+q became %+q, want %+q", name, test.in, got, test.want)
		}
	}
}

// What is left once the invisible characters are removed has none, whatever the
// text: removing one does not bring forth another.
func TestRemoveIsFinal(t *testing.T) {
	characters := []rune("a1#é日ب\u064bا्করᠠᠨ❤😀👩☠🏽\u20e3\u200b\u200c\u200d\ufe0e\ufe0f\ufe01\u180b\u180e\U000e0041\u2800\ufffd\u0600")
	rapid.Check(t, func(t *rapid.T) {
		text := string(rapid.SliceOf(rapid.OneOf(rapid.SampledFrom(characters), rapid.Rune())).Draw(t, "text"))
		visible, removed := invisible.Remove(text)
		if n := utf8.RuneCountInString(text) - utf8.RuneCountInString(visible); n != removed {
			t.Errorf("%d were removed, not %d", n, removed)
		}
		if again, more := invisible.Remove(visible); again != visible || more > 0 {
			t.Errorf("%+q became %+q, and that %+q", text, visible, again)
		}
	})
}

func BenchmarkRemove(b *testing.B) {
	for name, text := range map[string]string{
		"ascii":    strings.Repeat("A task for an agent. ", 50),
		"european": strings.Repeat("Übermäßig schöne Größe. ", 50),
		"persian":  strings.Repeat("می\u200cروم خانه\u200cها ", 50),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				invisible.Remove(text)
			}
		})
	}
}
