package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"golang.org/x/tools/txtar"

	"github.com/openpolt/polt-mcp/internal/rpc"
	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
	"github.com/openpolt/polt-mcp/tools/resources"
)

var update = flag.Bool("update", false, "write what is expected anew, from what is")

// A case in testdata/wire/*.txtar is a message to the MCP server and what comes
// of it. Its first section is
//
//	message: NAME          a JSON-RPC request
//
// then, as often as needed,
//
//	response: METHOD PATH  what the platform answers there: "STATUS", an empty
//	                       line and a body; it goes on for the cases that follow
//
// and, written by -update,
//
//	requests               what reaches the platform
//	answer                 what the client gets, with this program's version as VERSION
type wireCase struct {
	name     string
	message  []byte
	platform map[string][]byte
	requests *txtar.File
	answer   *txtar.File
}

// TestWire runs the cases of testdata/wire. The platform's answers in them are
// from its documentation.
func TestWire(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "wire", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatal("there are no cases", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range wireCases(t, archive) {
				t.Run(c.name, func(t *testing.T) { synctest.Test(t, c.run) }) // where it is always the same time
			}
			if *update {
				if err := os.WriteFile(file, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func wireCases(t *testing.T, archive *txtar.Archive) []*wireCase {
	t.Helper()
	var all []*wireCase
	platform := map[string][]byte{}
	for i := range archive.Files {
		f := &archive.Files[i]
		section, name, _ := strings.Cut(f.Name, ": ")
		if section == "message" {
			all = append(all, &wireCase{name: name, message: f.Data, platform: platform})
			continue
		}
		c := all[len(all)-1]
		switch section {
		case "response":
			platform = cloned(platform, name, f.Data)
			c.platform = platform
		case "requests":
			c.requests = f
		case "answer":
			c.answer = f
		default:
			t.Fatalf("a section %q", f.Name)
		}
	}
	for _, c := range all {
		if c.requests == nil || c.answer == nil {
			t.Fatalf("case %q has no requests or no answer", c.name)
		}
	}
	return all
}

func cloned(m map[string][]byte, name string, value []byte) map[string][]byte {
	c := map[string][]byte{name: value}
	for n, v := range m {
		if n != name {
			c[n] = v
		}
	}
	return c
}

func (c *wireCase) run(t *testing.T) {
	fake := &fakePlatform{t: t, answers: c.platform}
	client, err := polt.NewClient(polt.Options{BaseURL: "http://platform.invalid", Transport: fake})
	if err != nil {
		t.Fatal(err)
	}
	key, err := polt.ParseKey("polt_test_key")
	if err != nil {
		t.Fatal(err)
	}
	set, err := tools.New(tools.Options{Client: client, Key: func(context.Context) polt.Key { return key }})
	if err != nil {
		t.Fatal(err)
	}
	a := &app{client: client, set: set, resources: resources.New(set)}
	in := rpc.Parse(c.message)
	if in.IsBatch || in.Items[0].Message == nil {
		t.Fatalf("no request: %s", c.message)
	}
	out := a.dispatcher(rpc.Options{}).Handle(t.Context(), in.Items[0].Message)
	var answer bytes.Buffer
	// This program's version is another one in each build.
	text := bytes.ReplaceAll(append(out.JSON, '\n'), []byte(`"version":"`+version()+`"`), []byte(`"version":"VERSION"`))
	if err := json.Indent(&answer, text, "", "  "); err != nil {
		t.Fatalf("%v: %s", err, out.JSON)
	}
	compare(t, c.requests, strings.Join(fake.requests, ""))
	compare(t, c.answer, answer.String())
}

// compare compares what is with a section, or writes it there.
func compare(t *testing.T, want *txtar.File, got string) {
	t.Helper()
	if *update {
		want.Data = []byte(got)
	} else if got != string(want.Data) {
		t.Errorf("%s are not what is expected; -update writes them anew:\n%s", want.Name, got)
	}
}

// fakePlatform answers what it was told to, and fails the test on any other
// request.
type fakePlatform struct {
	t        *testing.T
	answers  map[string][]byte
	requests []string
}

func (p *fakePlatform) RoundTrip(r *http.Request) (*http.Response, error) {
	p.requests = append(p.requests, strings.TrimSpace(fmt.Sprintf("%s %s %s", r.Method, r.URL.RequestURI(), r.Header.Get("Authorization")))+"\n")
	answer, ok := p.answers[r.Method+" "+r.URL.Path]
	if !ok {
		p.t.Errorf("an unexpected request: %s %s", r.Method, r.URL.Path)
		answer = []byte("500\n\n{}")
	}
	head, body, _ := bytes.Cut(answer, []byte("\n\n"))
	status, err := strconv.Atoi(string(head))
	if err != nil {
		p.t.Error(err)
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(bytes.NewReader(slices.Clone(body))), Header: http.Header{}, Request: r}, nil
}
