package tools

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
)

// every has a property of each kind; no tool of today has them all.
var every = &jsonschema.Schema{
	Type: "object",
	Properties: map[string]*jsonschema.Schema{
		"text":   {Type: "string", Description: "a text", MinLength: new(1)},
		"choice": {Type: "string", Enum: []any{"a", "b"}},
		"count":  {Type: "integer", Minimum: new(1.0), Maximum: new(100.0)},
		"ratio":  {Type: "number"},
		"flag":   {Type: "boolean"},
	},
	Required: []string{"text"},
}

func TestArgumentsAreUnderstoodOrRefusedInWords(t *testing.T) {
	for given, want := range map[string]string{
		`{"text":"a"}`:                            `{"text":"a"}`,
		`{"text":"a","count":"5","flag":"TRUE"}`:  `{"count":5,"flag":true,"text":"a"}`,
		`{"text":"a","count":5.0,"ratio":"1.50"}`: `{"count":5,"ratio":1.50,"text":"a"}`,
		`{"text":"a","count":1e2,"flag":false}`:   `{"count":100,"flag":false,"text":"a"}`,
		`{"text":"a","count":null}`:               `{"text":"a"}`,
		`{"text":"a","choice":"b"}`:               `{"choice":"b","text":"a"}`,

		`{"text":null}`:                         `text is required (a text)`,
		``:                                      `text is required (a text)`,
		`{}`:                                    `text is required (a text)`,
		`null`:                                  `text is required (a text)`,
		`[]`:                                    `the arguments must be a JSON object, such as {"text": …}`,
		`"text"`:                                `the arguments must be a JSON object, such as {"text": …}`,
		`{"text":`:                              `the arguments must be a JSON object, such as {"text": …}`,
		`{"text":""}`:                           `text must not be empty`,
		`{"text":"\n "}`:                        `text must not be empty`,
		`{"text":5}`:                            `{"text":"5"}`,
		`{"text":12345678901234567890}`:         `{"text":"12345678901234567890"}`,
		`{"text":5.0}`:                          `text must be a string, not the number 5.0`,
		`{"text":["a"]}`:                        `text must be a string, not an array`,
		`{"text":{"a":1}}`:                      `text must be a string, not an object`,
		`{"text":true}`:                         `text must be a string, not the boolean true`,
		`{"text":"a","choice":"c\u001b"}`:       `choice: "c" is not one of a, b`,
		`{"text":"a","count":0}`:                `count: 0 is under the minimum of 1`,
		`{"text":"a","count":"500"}`:            `count: 500 is over the maximum of 100`,
		`{"text":"a","count":1.5}`:              `count must be a whole number, not the number 1.5`,
		`{"text":"a","count":"five"}`:           `count must be a whole number, not the string "five"`,
		`{"text":"a","count":"0x10"}`:           `count must be a whole number, not the string "0x10"`,
		`{"text":"a","count":"Inf"}`:            `count must be a whole number, not the string "Inf"`,
		`{"text":"a","count":1e999}`:            `count must be a whole number, not the number 1e999`,
		`{"text":"a","ratio":"NaN"}`:            `ratio must be a number, not the string "NaN"`,
		`{"text":"a","flag":1}`:                 `flag must be true or false, not the number 1`,
		`{"text":"a","flag":""}`:                `{"text":"a"}`,
		`{"text":"a","other":1}`:                `other is unknown; the arguments are choice, count, flag, ratio, text`,
		`{"count":0,"flag":2,"x":1,"choice":3}`: `choice must be a string, not the number 3; count: 0 is under the minimum of 1; flag must be true or false, not the number 2; x is unknown; text is required (a text); the arguments are choice, count, flag, ratio, text`,
	} {
		t.Run(given, func(t *testing.T) {
			checked, faults := checkArguments(every, json.RawMessage(given))
			got := ""
			if len(faults) > 0 {
				words := make([]string, len(faults))
				for i, f := range faults {
					words[i] = f.String()
				}
				got = strings.Join(words, "; ")
			} else {
				got = string(checked.encode(argumentNames(every)))
			}
			if got != want {
				t.Errorf("%s\nis not\n%s", got, want)
			}
		})
	}
}

// FuzzArguments checks that whatever is taken conforms to the schema, by a
// validator that is not ours, and that whatever is refused is said in words.
func FuzzArguments(f *testing.F) {
	resolved, err := every.Resolve(nil)
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{`{"text":"a","count":"7","flag":"true","ratio":2.5,"choice":"a"}`, `{"text":"\ud800"}`, `{"count":9007199254740993}`, `{"":""}`, `[{}]`, "\xff"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, given []byte) {
		checked, faults := checkArguments(every, given)
		for _, fault := range faults {
			if s := fmt.Sprint(fault); s == "" || strings.ContainsAny(s, "\x00\x1b\n") {
				t.Fatalf("%q is no clear word", s)
			}
		}
		if len(faults) > 0 {
			return
		}
		b := checked.encode(argumentNames(every))
		var value map[string]any
		if err := json.Unmarshal(b, &value); err != nil {
			t.Fatal(err)
		}
		if err := resolved.Validate(value); err != nil {
			t.Fatalf("%s was taken: %v", b, err)
		}
	})
}

func TestFaultyTableIsRefused(t *testing.T) {
	for want, spoil := range map[string]func([]*definition) []*definition{
		"no tool calls GET /api/leaderboard": func(all []*definition) []*definition {
			return slices.DeleteFunc(all, func(d *definition) bool { return d.Name == "get_leaderboard" })
		},
		"two of that name":              func(all []*definition) []*definition { all[1].Name = all[0].Name; return all },
		"not a name in snake_case":      func(all []*definition) []*definition { all[1].Name = "verifyKey"; return all },
		"both call":                     func(all []*definition) []*definition { all[1].endpoint = all[0].endpoint; return all },
		"description is missing":        func(all []*definition) []*definition { all[2].Description = ""; return all },
		"destructive and only read":     func(all []*definition) []*definition { all[2].Destructive = true; return all },
		"does not say which tool shows": func(all []*definition) []*definition { all[5].VerifyWith = ""; return all },
		"which is no tool":              func(all []*definition) []*definition { all[5].VerifyWith = "look"; return all },
	} {
		if err := check(spoil(allTools())); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	if err := check(allTools()); err != nil {
		t.Error(err)
	}
}

func TestSchemaThatNotEveryHostTakesIsRefused(t *testing.T) {
	for want, spoil := range map[string]func(*jsonschema.Schema){
		"has no description":                       func(s *jsonschema.Schema) { s.Properties["task_id"].Description = "" },
		"uses a keyword that not every host takes": func(s *jsonschema.Schema) { s.Properties["task_id"].Pattern = "a" },
		`has the type "array"`:                     func(s *jsonschema.Schema) { s.Properties["task_id"].Type = "array" },
		"an enum of other than strings": func(s *jsonschema.Schema) {
			s.Properties["task_id"].Type, s.Properties["task_id"].Enum = "integer", []any{1, -1}
		},
		"not that of a closed object": func(s *jsonschema.Schema) { s.AdditionalProperties = nil },
	} {
		schema := getTask().form().input
		spoil(schema)
		if err := checkInputSchema(schema); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}
