package object_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/openpolt/polt-mcp/internal/object"
)

// members returns what Members tells, the last of a name.
func members(src []byte) (all map[string]string, ok bool) {
	all = map[string]string{}
	ok = object.Members(src, func(name, value []byte) bool {
		all[string(name)] = string(value)
		return true
	})
	return all, ok
}

// check compares Members with encoding/json: what it takes is well formed, and has
// the same members.
func check(t testing.TB, src []byte) (taken bool) {
	t.Helper()
	got, ok := members(src)
	var raw map[string]json.RawMessage
	err := json.Unmarshal(src, &raw)
	if !ok {
		return false
	}
	if err != nil || raw == nil {
		t.Fatalf("%q was taken: %v", src, err)
	}
	want := map[string]string{}
	for name, value := range raw {
		want[name] = string(value)
	}
	if !maps.Equal(got, want) {
		t.Fatalf("%q has the members %q, and not %q", src, got, want)
	}
	return true
}

var plain = []string{
	`{}`, " {\n} ", `{"a":1}`, `{"a" : "b" , "c":[1,[],{}],"d":{"e":null}}`, `{"a":"\"\\\/\b\f\n\r\té\u00e9é"}`,
	`{"n":[0,-0,1.5,-2.50e+10,1E3,1e-3,0.1]}`, `{"w":[true,false,null]}`, `{"a":1,"a":2}`, `{"a":{"é":1}}`, `{"":0}`,
	`{"a":"` + strings.Repeat("long ", 100) + `"}`, `{"a":` + strings.Repeat("[", 60) + strings.Repeat("]", 60) + `}`,
}

var unusual = []string{
	``, `null`, `[]`, `7`, `"a"`, `{`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{,}`, `{"a":1}}`, `{"a":1} x`, `{"a" 1}`, `{a:1}`,
	`{"a":01}`, `{"a":-}`, `{"a":1.}`, `{"a":.5}`, `{"a":1e}`, `{"a":+1}`, `{"a":0x1}`, `{"a":tru}`, `{"a":nulL}`, `{"a":"` + "\n" + `"}`,
	"{\"a\":\x10}", "{\"a\":0\x0e1}", `{"a":"\x"}`, `{"a":"\u12"}`, `{"a":"\u12g4"}`, `{"a":"\`, `{"a":[1 2]}`, `{"a":[1,]}`, `{"a":[`, `{"a":{"b":}}`,
	`{"\u0061":1}`, `{"é":1}`, "{\"a\xff\":1}", `{"a":` + strings.Repeat("[", 80) + strings.Repeat("]", 80) + `}`,
}

func TestMembers(t *testing.T) {
	for _, src := range plain {
		if !check(t, []byte(src)) {
			t.Errorf("%s was not taken", src)
		}
	}
	for _, src := range unusual {
		if check(t, []byte(src)) {
			t.Errorf("%s was taken", src)
		}
	}
	var names []string
	if object.Members([]byte(`{"a":1,"b":2,"c":3}`), func(name, _ []byte) bool {
		names = append(names, string(name))
		return string(name) != "b"
	}) || !slices.Equal(names, []string{"a", "b"}) {
		t.Errorf("the members %v were told, of which b was not taken", names)
	}
}

func FuzzMembers(f *testing.F) {
	for _, src := range slices.Concat(plain, unusual) {
		f.Add([]byte(src))
	}
	f.Fuzz(func(t *testing.T, src []byte) { check(t, src) })
}
