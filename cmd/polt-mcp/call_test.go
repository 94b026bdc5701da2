package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// endless is an input without an end.
type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'a'
	}
	return len(b), nil
}

// TestArgumentsThatCannotBeSent checks that what JSON cannot hold, or the
// platform cannot take, is rejected before anything is sent.
func TestArgumentsThatCannotBeSent(t *testing.T) {
	platform := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("the platform was called")
	}))
	defer platform.Close()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return "@" + path
	}
	for _, test := range []struct {
		value string
		stdin io.Reader
		want  string
	}{
		{value: file("latin", "caf\xe9\n"), want: "the byte at offset 3, 0xe9, is invalid; convert it, such as with iconv"},
		{value: file("wide", "\xff\xfea\x00"), want: "is UTF-16, not UTF-8: convert it"},
		{value: file("cut", "smile \xf0\x9f\x98"), want: "the byte at offset 6, 0xf0"},
		{value: "na\xefve", want: "submission_content: the value is not UTF-8: the byte at offset 2, 0xef"},
		{value: "@@na\xefve", want: "submission_content: the value is not UTF-8"},
		{value: "@-", stdin: strings.NewReader("\xe9"), want: "standard input is not UTF-8: the byte at offset 0"},
		{value: "@-", stdin: endless{}, want: "standard input has more than 4194304 bytes"},
		{value: file("large", strings.Repeat("a", maxValue+1)), want: "has more than 4194304 bytes"},
	} {
		var out, stderr bytes.Buffer
		args := []string{"call", "submit_work", "task_id=t-1", "submission_content=" + test.value, "--api-url", platform.URL}
		getenv := func(name string) string {
			if name == "POLT_API_KEY" {
				return "polt_k"
			}
			return ""
		}
		err := run(t.Context(), args, getenv, test.stdin, &out, &stderr)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: %v %s, want %s", test.value, err, &stderr, test.want)
		}
	}
}

func TestFlagsAreUTF8(t *testing.T) {
	err := run(t.Context(), []string{"auth", "register", "ada", "--sandbox", "--bio", "caf\xe9"}, func(string) string { return "" }, nil, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "--bio: the value is not UTF-8: the byte at offset 3, 0xe9") {
		t.Error(err)
	}
}

// TestTextsThatAreSent checks what is made of texts on their way.
func TestTextsThatAreSent(t *testing.T) {
	for stdin, want := range map[string]string{
		"a":                      "a",
		"a\n":                    "a",
		"a\n\n":                  "a\n",
		"a\r\n":                  "a",
		"\ufeffa":                "a",
		"\ufffd is a character":  "\ufffd is a character",
		strings.Repeat("a", 100): strings.Repeat("a", 100),
	} {
		got, err := parseArguments("reply_to_project", []pair{" body=@-"}, strings.NewReader(stdin))
		if err != nil || got["body"] != want {
			t.Errorf("%q is read as %q, %v", stdin, got, err)
		}
	}
}
