package polt_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/openpolt/polt-mcp/polt"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write what is answered into testdata/errors")

// seen is what a caller sees of an error.
type seen struct {
	Code       polt.Code `json:"code"`
	HTTPStatus int       `json:"http_status"`
	Message    string    `json:"message"`
	Retryable  bool      `json:"retryable"`
	RetryAfter string    `json:"retry_after"`
	Attempts   int       `json:"attempts"`
}

// TestErrors has the platform give the response of each file in testdata/errors
// to a read and to a write, and compares what becomes of it.
func TestErrors(t *testing.T) {
	files, err := filepath.Glob("testdata/errors/*.txtar")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d files, error %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if len(archive.Files) != 3 || archive.Files[0].Name != "response" || archive.Files[1].Name != "read" || archive.Files[2].Name != "write" {
				t.Fatal("want the sections response, read and write")
			}
			for i, one := range unanswered {
				synctest.Test(t, func(t *testing.T) {
					attempts := 0
					client := fake(t, polt.Options{}, func(n int, req *http.Request) (*http.Response, error) {
						attempts = n
						return parseResponse(archive.Files[0].Data, req)
					})
					e := failure(t, one.call(t.Context(), client))
					got, err := indented(seen{e.Code, e.HTTPStatus, e.Message, e.Retryable, e.RetryAfter.String(), attempts})
					if err != nil {
						t.Fatal(err)
					}
					checkMessage(t, e)
					if leaks(e.Error(), testSecret) {
						t.Errorf("the error has the key: %v", e)
					}
					if section := &archive.Files[1+i]; *update {
						section.Data = got
					} else if !bytes.Equal(section.Data, got) {
						t.Errorf("%s is\n%s\nwant\n%s", section.Name, got, section.Data)
					}
				})
			}
			if *update {
				if err := os.WriteFile(file, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// parseResponse reads a response that ends where its text does, but for the
// newline that every section of an archive ends with.
func parseResponse(text []byte, req *http.Request) (*http.Response, error) {
	head, body, _ := bytes.Cut(bytes.TrimSuffix(text, []byte("\n")), []byte("\n\n"))
	head = append(bytes.ReplaceAll(head, []byte("\n"), []byte("\r\n")), "\r\n\r\n"...)
	return http.ReadResponse(bufio.NewReader(bytes.NewReader(append(head, body...))), req)
}

func indented(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(v)
	return b.Bytes(), err
}
