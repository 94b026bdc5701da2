package main

import (
	"bytes"
	"encoding/json"
	"math/big"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
)

// resolved are the plain scalars that a reader of YAML 1.1 (the types at
// yaml.org/type) or of the core schema of YAML 1.2 takes for something else than
// a string, and what PyYAML takes for it.
var resolved = map[string]*regexp.Regexp{
	"null":      regexp.MustCompile(`^(~|null|Null|NULL|)$`),
	"boolean":   regexp.MustCompile(`^(y|Y|yes|Yes|YES|n|N|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$`),
	"integer":   regexp.MustCompile(`^([-+]?0b[0-1_]+|[-+]?0o?[0-7_]+|[-+]?(0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(:[0-5]?[0-9])+|[-+]?[0-9]+)$`),
	"float":     regexp.MustCompile(`^([-+]?([0-9][0-9_]*)?\.[0-9_]*([eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)|[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?)$`),
	"timestamp": regexp.MustCompile(`^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(([Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(\.[0-9]*)?([ \t]*(Z|[-+][0-9]{1,2}(:?[0-9]{2})?))?)?$`),
	"merge":     regexp.MustCompile(`^<<$`),
	"value":     regexp.MustCompile(`^=$`),
}

// checkYAML checks that an object of strings, nested, is the same in YAML to a
// reader of any version.
func checkYAML(t rapid.TB, value any) {
	t.Helper()
	source, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	document, err := asYAML(source)
	if err != nil {
		t.Fatalf("%s: %v", source, err)
	}
	var back any
	if err := yaml.Unmarshal([]byte(document), &back); err != nil {
		t.Fatalf("%s is not read from\n%s: %v", source, document, err)
	}
	var want any
	if err := json.Unmarshal(source, &want); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(back, want) {
		t.Fatalf("%s comes back as %#v from\n%s", source, back, document)
	}
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(document), &root); err != nil {
		t.Fatal(err)
	}
	checkPlain(t, &root)
}

func checkPlain(t rapid.TB, n *yaml.Node) {
	t.Helper()
	if n.Kind == yaml.ScalarNode && n.Style == 0 {
		for what, pattern := range resolved {
			if pattern.MatchString(n.Value) {
				t.Fatalf("the string %q is a %s to some readers", n.Value, what)
			}
		}
	}
	for _, inner := range n.Content {
		checkPlain(t, inner)
	}
}

func TestYAMLKeepsStrings(t *testing.T) {
	for _, s := range strings.Split("yes|NO|on|y|=|<<|~|null|12:30:45|1:2.5|0x1F|017|0o17|0b1|1_000|1e3|.5|5.|.inf|-.INF|.NaN|2001-12-14|2001-12-14 21:59:43.10 -5|"+
		"-|- a|?|: a|a: b|a #b|#a|[a]|{a}|&a|*a|!a|!!int 1|%a|@a|`a`|'a'|\"a|a\\|---|...|--- a|https://example.org| a|a |\ta|a\t|a\tb|1 a|1,000 POLT|420 POLT|0.5 SOL|+1|"+
		"a\n|\na|a\nb|a\n\n|a\n  b| a\nb|a \nb|a\r\nb|a\n\tb|#a\nb|---\na|a\u0085b|a\u2028b|\ufeffa|\u0000|\x1b[31m|\U0001F600|a\U0001F600\nb|日本語|\ufffd||7f6a2c1e-0000-4000-8000-000000000000|"+strings.Repeat("a", 200)+"|a\n"+strings.Repeat("b ", 200)+"c", "|") {
		checkYAML(t, map[string]any{"v": s})
		checkYAML(t, map[string]any{s: []any{s, map[string]any{s: s}, []any{s}}})
	}
	piece := rapid.OneOf(rapid.StringN(0, 12, -1), rapid.SampledFrom([]string{
		"yes", "no", "null", "~", ":", "#", "-", "\n", "\t", "\r", " ", "'", `"`, `\`, "1", "0", "e", "x", ".", "_", "+", "<<", "=", "T", "Z", "\u2029", "\U0001F600",
	}))
	text := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(piece, 0, 6).Draw(t, "pieces"), "")
	})
	rapid.Check(t, func(t *rapid.T) {
		name, s := text.Draw(t, "name"), text.Draw(t, "text")
		checkYAML(t, map[string]any{name: s, "list": []any{s, []any{s}, map[string]any{name: s}}})
	})
}

// TestYAMLKeepsNumbers checks that numbers are those of the source to readers of
// any version, and keep their digits.
func TestYAMLKeepsNumbers(t *testing.T) {
	for _, number := range strings.Fields("0 -0 1 -1 12345678901234567890123 0.1 0.10000000000000000000001 1e3 1E3 1.5e300 1e-7 1.50 -2E+5") {
		document, err := asYAML([]byte(`{"v":` + number + `}`))
		if err != nil {
			t.Fatal(err)
		}
		text := strings.TrimSpace(strings.TrimPrefix(document, "v: "))
		got, ok := new(big.Rat).SetString(text)
		if want, _ := new(big.Rat).SetString(number); !ok || got.Cmp(want) != 0 {
			t.Errorf("%s is %s", number, text)
		}
		if strings.ContainsAny(number, ".eE") != regexp.MustCompile(`^-?[0-9]+\.[0-9]*(e[-+][0-9]+)?$`).MatchString(text) {
			t.Errorf("%s is %s, which is no number in YAML 1.1", number, text)
		}
	}
}

// TestYAMLKeepsTheRest checks the other values, the order of members, and those
// of the same name.
func TestYAMLKeepsTheRest(t *testing.T) {
	document, err := asYAML([]byte(`{"z":true,"a":false,"m":null,"_due":"in 2 d","url":"https:\/\/example.org","smile":"\ud83d\ude00","o":{},"l":[],"a":"again","list":[[1,"x"],{"k":"two\nlines"}]}`))
	want := "z: true\na: false\nm: null\n_due: in 2 d\nurl: https://example.org\nsmile: \"\\U0001F600\"\no: {}\nl: []\na: again\nlist:\n  - - 1\n    - x\n  - k: |-\n      two\n      lines\n"
	if err != nil || document != want {
		t.Errorf("%v\n%s", err, document)
	}
}

// TestResultSurvivesItsForm checks that what cannot be formatted is printed as it
// is.
func TestResultSurvivesItsForm(t *testing.T) {
	const result = `{"api_key":"polt_1"`
	for _, output := range []string{"yaml", "table", "wide"} {
		var out, stderr bytes.Buffer
		c := &callCommand{Output: output}
		if err := c.print(&environment{getenv: func(string) string { return "" }, out: &out, err: &stderr}, mcp.NewToolResultText(result)); err != nil {
			t.Error(err)
		}
		if out.String() != result+"\n" || !strings.Contains(stderr.String(), "it follows as JSON") {
			t.Errorf("%s: %s %s", output, &out, &stderr)
		}
	}
}
