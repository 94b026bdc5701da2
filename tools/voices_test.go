package tools_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
)

// What only a model can do, and what only a program reads.
var forModels = regexp.MustCompile(`(?i)\b(the|your) user\b|register again|repeat it|configuration|[{}]`)

type unreachable struct{}

func (unreachable) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("connection refused")
}

// TestErrorsSpeakToWhoReadsThem has every tool fail in every way, for a model and
// for a person: both are told the same of what happened, and each is told what
// they can do.
func TestErrorsSpeakToWhoReadsThem(t *testing.T) {
	failing := map[string]func(o *tools.Options) http.RoundTripper{
		"no key": func(o *tools.Options) http.RoundTripper {
			o.Key = func(context.Context) polt.Key { return polt.Key{} }
			return &platform{answer: []byte("401\n\nno JSON")}
		},
		"a key that is not used": func(o *tools.Options) http.RoundTripper {
			o.Key, o.KeyProblem = func(context.Context) polt.Key { return polt.Key{} }, func(context.Context) string { return "POLT_API_KEY is an example" }
			return &platform{answer: []byte("401\n\nno JSON")}
		},
		"a new sandbox": func(o *tools.Options) http.RoundTripper {
			o.Key, o.Ephemeral = func(context.Context) polt.Key { return polt.Key{} }, true
			return &platform{answer: []byte("401\n\nno JSON")}
		},
		"unreachable": func(*tools.Options) http.RoundTripper { return unreachable{} },
		"off": func(o *tools.Options) http.RoundTripper {
			o.Only = []string{"get_leaderboard"}
			return &platform{answer: []byte("500\n\nno JSON")}
		},
		"not let through": func(o *tools.Options) http.RoundTripper {
			o.Key = func(context.Context) polt.Key { return keyNamed(t, "polt_k") }
			o.OnWrite = func(context.Context, tools.Write) (func(tools.Outcome), error) {
				return nil, &polt.Error{Code: polt.CodeForbidden, Message: "the key is another's"}
			}
			return &platform{answer: []byte("403\n\nno JSON")}
		},
	}
	for _, status := range []string{"200", "302", "400", "401", "403", "404", "409", "418", "429", "500", "503"} {
		failing["HTTP "+status] = func(*tools.Options) http.RoundTripper {
			return &platform{answer: []byte(status + "\n\nno JSON")}
		}
	}
	fail := func(name string, arguments []byte, with func(*tools.Options) http.RoundTripper, forPeople bool) string {
		var change tools.Options
		transport := with(&change)
		set := newSet(t, transport, func(o *tools.Options) {
			o.ForPeople, o.Only, o.KeyProblem, o.OnWrite, o.Ephemeral = forPeople, change.Only, change.KeyProblem, change.OnWrite, change.Ephemeral
			if change.Key != nil {
				o.Key = change.Key
			}
		}).WithoutRetries()
		r := set.Call(t.Context(), name, arguments)
		if !r.IsError {
			return ""
		}
		return textOf(r)
	}
	failed := 0
	for way, with := range failing {
		for name := range decoders {
			archive, err := txtar.ParseFile(filepath.Join("testdata", name+".txtar"))
			if err != nil {
				t.Fatal(err)
			}
			arguments := wireCases(t, archive)[0].arguments
			model, person := fail(name, arguments, with, false), fail(name, arguments, with, true)
			if model == "" && person == "" { // this one does not fail so
				continue
			}
			failed++
			told, facts, _ := strings.Cut(model, "\n{")
			if !json.Valid([]byte("{" + facts)) {
				t.Errorf("%s, %s: a model is told %s", way, name, model)
			}
			if bad := forModels.FindString(person); bad != "" || strings.Contains(person, "\n") || !strings.HasSuffix(person, ".") && !strings.HasSuffix(person, "?") {
				t.Errorf("%s, %s: a person is told (%q) %s", way, name, bad, person)
			}
			if happened, _, _ := strings.Cut(told, ". "); !strings.HasPrefix(person, happened) {
				t.Errorf("%s, %s: a model is told\n%s\nand a person\n%s", way, name, told, person)
			}
		}
	}
	if least := 11 * len(decoders); failed < least {
		t.Errorf("only %d calls failed, not %d", failed, least)
	}
}
