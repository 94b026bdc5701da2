package shape

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzShape checks against encoding/json: what it takes as JSON is shaped, and
// nothing else is; and what is shaped whole, without invisible characters in
// it, is the same but for white space.
func FuzzShape(f *testing.F) {
	for _, s := range []string{
		`{}`, `[]`, `""`, `0`, ` { "a" : [ 1 , -2.50e+3 , null , true , false ] } `, `{"a":{"b":[{"c":null}]}}`,
		`"\u00e9\ud83d\udc68\ud800\n\"\\\/\b\f\u001b"`, "\"\xff\u200b\U000e0041\"", `[1,]`, `{"a":1,}`, `{,}`, `01`, `1.`, `-`, `.5`, `1e`, `+1`,
		`{"a"}`, `{"a":}`, `nul`, `tru`, `[}`, `"`, `"\`, `"\u12"`, "\"\t\"", ``, ` `, `1 2`, `{"a":1}{}`, `[[[[[[[[[[]]]]]]]]]]`,
		`{"tasks":[{"d":"` + strings.Repeat("word ", 50) + `","n":null}]}`, `["` + strings.Repeat("é", 300) + `"]`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		deep := bytes.Count(src, []byte("["))+bytes.Count(src, []byte("{")) > maxDepth
		whole, err := JSON(src, Options{List: "items"})
		if valid := json.Valid(src); valid != (err == nil) && !deep {
			t.Fatalf("json.Valid says %v, we %v", valid, err)
		}
		if err != nil {
			return
		}
		if !json.Valid(whole.JSON) || !utf8.Valid(whole.JSON) || bytes.ContainsAny(whole.JSON, "\n\r") {
			t.Fatalf("shaped into %q", whole.JSON)
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, []byte(asObject(string(src)))); err != nil {
			t.Fatal(err)
		}
		replaced := bytes.Contains(whole.JSON, replacement)
		if whole.Invisible == 0 && !replaced && len(whole.Unexpected) == 0 && !bytes.Equal(whole.JSON, compact.Bytes()) {
			t.Fatalf("%q became %q", compact.Bytes(), whole.JSON)
		}
		cut, err := JSON(src, Options{Summary: Lists, List: "items"})
		if err != nil || !json.Valid(cut.JSON) {
			t.Fatalf("the summary is %q, %v", cut.JSON, err)
		}
		again, err := JSON(whole.JSON, Options{})
		if err != nil || again.Invisible > 0 || !bytes.Equal(again.JSON, whole.JSON) {
			t.Fatalf("%q shaped again is %q (%d invisible), %v", whole.JSON, again.JSON, again.Invisible, err)
		}
	})
}

// asObject is a value as the object that a result is.
func asObject(value string) string {
	switch strings.TrimLeft(value, " \t\r\n")[0] {
	case '{':
		return value
	case '[':
		return `{"items":` + value + `}`
	}
	return `{"result":` + value + `}`
}

func TestCutLeavesWhatBelongsTogether(t *testing.T) {
	head := strings.Repeat("é", MaxText-2)
	const family, flag = "👨\u200d👩\u200d👧", "🇩🇪"
	for name, c := range map[string]struct{ text, want string }{
		"letters":             {head + "abcd", head + "ab…(+2)"},
		"a family":            {head + family + " and more", head + "…(+14)"},
		"a flag":              {head + "a" + flag + " is one", head + "a…(+9)"},
		"two flags":           {head + flag + flag, head + flag + "…(+2)"},
		"a skin":              {head + "a👍🏽 yes", head + "a…(+6)"},
		"an accent":           {head + "ae\u0301 yes", head + "a…(+6)"},
		"an escaped accent":   {head + `ae\u0301 yes`, head + "a…(+6)"},
		"an accent on a run":  {head + "ab\u0301c", head + "a…(+3)"},
		"one endless accent":  {"e" + strings.Repeat("\u0301", 200), "e" + strings.Repeat("\u0301", MaxText-1) + "…(+81)"},
		"nothing but accents": {strings.Repeat("\u0301", 200), strings.Repeat("\u0301", MaxText) + "…(+80)"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := JSON([]byte(`{"a":1,"items":["`+c.text+`"]}`), Options{Summary: Lists})
			if want := `{"a":1,"items":["` + c.want + `"]}`; err != nil || string(got.JSON) != want {
				t.Errorf("%s, %v\nis not\n%s", got.JSON, err, want)
			}
		})
	}
}

func TestSummaryCutsFreeTextOnly(t *testing.T) {
	words := strings.Repeat("word ", 40)
	link := "https://example.org/" + strings.Repeat("a", 200)
	for name, c := range map[string]struct{ src, want string }{
		"a text in a list":       {`{"l":[{"t":"` + words + `"}]}`, `{"l":[{"t":"` + words[:MaxText] + `…(+80)"}]}`},
		"a text of a list":       {`["` + words + `"]`, `["` + words[:MaxText] + `…(+80)"]`},
		"a text outside":         {`{"t":"` + words + `"}`, `{"t":"` + words + `"}`},
		"a text of just the cut": {`["` + words[:MaxText] + `"]`, `["` + words[:MaxText] + `"]`},
		"one character over":     {`["` + words[:MaxText+1] + `"]`, `["` + words[:MaxText] + `…(+1)"]`},
		"a link":                 {`["` + link + `"]`, `["` + link + `"]`},
		"a very long word":       {`["` + strings.Repeat("a", maxToken+1) + `"]`, `["` + strings.Repeat("a", MaxText) + `…(+393)"]`},
		"characters, not bytes":  {`["` + strings.Repeat("日", 130) + `"]`, `["` + strings.Repeat("日", MaxText) + `…(+10)"]`},
		"escapes are characters": {`["` + strings.Repeat(`\u00e9`, 130) + `"]`, `["` + strings.Repeat(`\u00e9`, MaxText) + `…(+10)"]`},
		"escapes fit":            {`["` + strings.Repeat(`\n`, MaxText) + `"]`, `["` + strings.Repeat(`\n`, MaxText) + `"]`},
		"a name":                 {`[{"` + words + `":1}]`, `[{"` + words + `":1}]`},
		"null members":           {`{"a":null,"l":[{"b":null,"c":1,"d":null}],"e":null}`, `{"l":[{"c":1}]}`},
		"null items":             {`[null,{"a":null}]`, `[null,{}]`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := JSON([]byte(c.src), Options{Summary: Lists, List: "items"})
			if err != nil || string(got.JSON) != asObject(c.want) {
				t.Errorf("%s\nis not\n%s (%v)", got.JSON, c.want, err)
			}
		})
	}
}

func TestInvisibleCharactersAreRemovedAndCounted(t *testing.T) {
	for name, c := range map[string]struct {
		src, want string
		invisible int
	}{
		"zero width":              {"a\u200bb\ufeffc\u2060", "abc", 3},
		"direction":               {"\u202eabc\u202c\u2066\u2069\u200f", "abc", 5},
		"tags":                    {"a\U000e0001\U000e0041", "a", 2},
		"escaped":                 {`a\u200bb\udb40\udc41`, "ab", 2},
		"escaped control":         {`\u001b[31mred\u0007`, "[31mred", 2},
		"lines and tabs stay":     {`a\nb\tc\r\u000a`, `a\nb\tc\r\u000a`, 0},
		"soft hyphen":             {"a\u00adb", "ab", 1},
		"C1 and DEL":              {"a\u0085b\u007f", "ab", 2},
		"emoji stay":              {"👨‍👩‍👧 ❤️‍🔥 🏳️‍🌈", "👨‍👩‍👧 ❤️‍🔥 🏳️‍🌈", 0},
		"Persian stays":           {"می\u200cخواهم", "می\u200cخواهم", 0},
		"joiner after ASCII":      {"a\u200db\u200cc\ufe0f", "abc", 3},
		"runs of selectors":       {"❤\ufe0f\ufe0e\ufe00\U000e0100", "❤\ufe0f", 3},
		"half a surrogate pair":   {`a\ud800b`, "a\ufffdb", 0},
		"not UTF-8":               {"a\xffb", "a\ufffdb", 0},
		"Hangul and other filler": {"a\u3164\u115f\uffa0b", "ab", 3},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := JSON([]byte(`{"t":"`+c.src+`","`+c.src+`":1}`), Options{List: "items"})
			want := `{"t":"` + c.want + `","` + c.want + `":1}`
			if err != nil || string(got.JSON) != want || got.Invisible != 2*c.invisible {
				t.Errorf("%q with %d removed, not %q with %d (%v)", got.JSON, got.Invisible, want, 2*c.invisible, err)
			}
		})
	}
}

func TestNestingIsBounded(t *testing.T) {
	deep := func(n int) []byte { return []byte(strings.Repeat("[", n) + strings.Repeat("]", n)) }
	if _, err := JSON(deep(maxDepth), Options{List: "items"}); err != nil {
		t.Error(err)
	}
	if _, err := JSON(deep(1<<20), Options{List: "items"}); err == nil {
		t.Error("a million levels were taken")
	}
}

// BenchmarkJSON takes what texts cost: nearly all of an answer is texts, and many
// have a newline, a quote or a character beyond ASCII here and there.
func BenchmarkJSON(b *testing.B) {
	for name, text := range map[string]string{
		"plain":        strings.Repeat("word ", 120),
		"with escapes": strings.Repeat(`Say \"yes\" to each of the points below.\n`, 14),
		"beyond ASCII": strings.Repeat("Größe und Gewicht – für jede Zeile einzeln. ", 14),
	} {
		src := []byte(`{"tasks":[` + strings.TrimSuffix(strings.Repeat(`{"id":"3f0c2d5e-0000-4000-8000-000000000000","description":"`+text+`","committed_by":null,"created_at":1780000000},`, 28), ",") + `]}`)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(src)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := JSON(src, Options{Summary: Lists}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
