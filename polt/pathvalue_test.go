package polt_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/openpolt/polt-mcp/polt"
)

// Whatever the endpoint, an argument that cannot stand in a path is refused
// before anything is sent (setup fails on any request), by its name, and with
// words that say what is wrong.
func TestPathArgumentsAreRefused(t *testing.T) {
	everywhere := map[string]string{
		"":                       "is empty",
		"a/b":                    "not allowed at position 2",
		"../x":                   "not allowed at position",
		"%2e%2e":                 "not allowed at position 1",
		"x?y":                    "not allowed at position 2",
		"x#y":                    "not allowed at position 2",
		"a\x00":                  "not allowed at position 2",
		"a\r\nb":                 "not allowed at position 2",
		"a\u202eb":               "not allowed at position 2",
		"é":                      "not allowed at position 1",
		strings.Repeat("a", 129): "has 129 characters, which is over the maximum of 128",
	}
	ids := map[string]string{".": "not allowed at position 1", "..": "not allowed at position 1", "a.b": "not allowed at position 2"}
	refused := map[string][]map[string]string{
		"task_id":    {everywhere, ids, {"recent": `"recent" is a word of the API`, "Recent": `"Recent" is a word of the API`}},
		"project_id": {everywhere, ids},
		"username":   {everywhere, {".": "dot segment", "..": "dot segment", "me": `"me" is a word of the API`, "ME": `"ME" is a word`}},
	}
	client, _ := setup(t)
	for _, e := range endpoints {
		for name, tables := range refused {
			if !strings.Contains(e.Path(), "{"+name+"}") {
				continue
			}
			for _, table := range tables {
				for value, want := range table {
					_, err := e.call(t.Context(), client, func(in reflect.Value) { fillPlain(in); setField(in, name, value) })
					f := wantCode(t, err, polt.CodeInvalidArgument)
					if f.Field != name || !strings.Contains(f.Message, want) || f.HTTPStatus != 0 || f.Retryable {
						t.Errorf("%s of %q: %+v, want a message with %q", name, value, *f, want)
					}
					if want := "polt: " + e.Method() + " " + e.Path() + ": " + name + " " + f.Message; err.Error() != want {
						t.Errorf("error is %q, want %q", err, want)
					}
				}
			}
		}
	}
}

func setField(in reflect.Value, name, value string) {
	for i := range in.NumField() {
		if json, _, _ := strings.Cut(in.Type().Field(i).Tag.Get("json"), ","); json == name {
			in.Field(i).SetString(value)
		}
	}
}

func TestInputsAreRefused(t *testing.T) {
	client, _ := setup(t)
	for _, value := range []int{0, 2, -2} {
		_, err := polt.VoteOnProject.Call(t.Context(), client, polt.VoteOnProjectInput{ProjectID: "p", Value: value})
		if f := wantCode(t, err, polt.CodeInvalidArgument); f.Field != "value" || f.Operation != "POST /api/projects/{project_id}/vote" {
			t.Errorf("%+v", *f)
		}
	}
	_, err := polt.UpdateProfile.Call(t.Context(), client, polt.UpdateProfileInput{})
	wantCode(t, err, polt.CodeInvalidArgument)
}
