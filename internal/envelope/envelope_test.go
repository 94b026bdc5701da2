package envelope_test

import (
	"testing"

	"github.com/openpolt/polt-mcp/internal/envelope"
)

func TestList(t *testing.T) {
	for answer, want := range map[string]string{
		`[1]`:                                  `[1]`,
		` {"tasks":[1],"tags":["a"]}`:          `[1]`,
		`{"tasks":null}`:                       `[]`,
		`{"tasks":[1],"data":[2]}`:             `[1]`,
		`{"data":[1],"facets":[2]}`:            `[1]`,
		`{"entries":[1],"page":1}`:             `[1]`,
		`{"data":{"tasks":[1],"tags":[2]}}`:    `[1]`,
		`{"ok":{},"data":{"page":{"of":[1]}}}`: `[1]`,
		`{"a":[1],"b":[2]}`:                    "",
		`{"a":{"tasks":[1]},"b":{"tasks":[]}}`: "",
		`{}`:                                   "",
		`7`:                                    "",
		``:                                     "",
		`{"tasks":`:                            "",
	} {
		if got, ok := envelope.List([]byte(answer), "tasks"); string(got) != want && ok || ok != (want != "") {
			t.Errorf("%s: %s, %t", answer, got, ok)
		}
	}
}

func TestObject(t *testing.T) {
	for answer, want := range map[string]string{
		`{"status":"a","of":{"status":"b"}}`:          `{"status":"a","of":{"status":"b"}}`,
		`{"task":{"status":"a"},"message":"m"}`:       `{"status":"a"}`,
		`{"data":{"task":{"status":"a"}}}`:            `{"status":"a"}`,
		`{"task":{"status":"a"},"of":{"status":"b"}}`: "",
		`{"task":{"id":1}}`:                           "",
		`[{"status":"a"}]`:                            "",
		`"status"`:                                    "",
	} {
		if got, ok := envelope.Object([]byte(answer), "status"); string(got) != want && ok || ok != (want != "") {
			t.Errorf("%s: %s, %t", answer, got, ok)
		}
	}
}
