package watch_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"unicode/utf8"

	"github.com/openpolt/polt-mcp/internal/watch"
)

// states are pairs of states, and whether they differ.
var states = []struct {
	before, after string
	differ        bool
}{
	{`{"a":1,"b":{"c":[],"d":null}}`, ` { "b" : {"d":null,"c":[ ]},` + "\n\t" + `"a" : 1 } `, false},
	{`"a\u00e9\/"`, `"\u0061é/"`, false},
	{`[1,2]`, `[2,1]`, true},
	{`{"a":null}`, `{}`, true},
	{`{"a":1}`, `{"A":1}`, true},
	{`{"a":"1"}`, `{"a":1}`, true},
	{`1`, `1.0`, true},
	{`9007199254740993`, `9007199254740992`, true},
	{`1e400`, `1e401`, true},
	{`"<"`, `"\u003c"`, false},
	{``, ` `, true},
	{`no JSON`, `no JSON`, false},
	{`no JSON`, `no  JSON`, true},
	{`{} {}`, `{}  {}`, true},
	{`{}`, `{} {}`, true},
	{"\"\xff\"", "\"\xfe\"", true},
	{"\"\xff\"", `"\ufffd"`, true},
}

// differ reports whether a watcher of what was one and is the other is told.
func differ(t *testing.T, before, after string) (differ bool) {
	t.Helper()
	inBubble(t, func(t *testing.T) {
		h := watch.New(watch.Options{})
		defer h.Close()
		s := newSource("target", before)
		w := follow(t, h, s)
		s.set(after)
		s.pauses(2)
		if n := w.n.Load(); n > 1 {
			t.Errorf("told of %d changes", n)
		}
		differ = w.n.Load() > 0
		s.set(before)
		s.pauses(1)
		if back := w.n.Load() > 1; back != differ {
			t.Errorf("%q and %q differ one way: %v, and %v the other way", before, after, differ, back)
		}
	})
	return differ
}

func TestStatesAreTheSameIfTheirValuesAre(t *testing.T) {
	for _, test := range states {
		if got := differ(t, test.before, test.after); got != test.differ {
			t.Errorf("%q and %q differ: %v", test.before, test.after, got)
		}
	}
}

// FuzzStates compares with how values that were decoded compare.
func FuzzStates(f *testing.F) {
	for _, test := range states {
		f.Add([]byte(test.before), []byte(test.after))
	}
	value := func(b []byte) (v any) {
		if !json.Valid(b) || !utf8.Valid(b) {
			return b
		}
		d := json.NewDecoder(bytes.NewReader(b))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			f.Error(err)
		}
		return v
	}
	f.Fuzz(func(t *testing.T, before, after []byte) {
		if got, want := differ(t, string(before), string(after)), !reflect.DeepEqual(value(before), value(after)); got != want {
			t.Errorf("%q and %q differ: %v", before, after, got)
		}
	})
}
