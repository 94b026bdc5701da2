package tools_test

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
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"golang.org/x/tools/txtar"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
)

var update = flag.Bool("update", false, "write what is expected anew, from what is")

const testKey = "polt_test_key"

// testNow is when the tests are: the deadlines in testdata are about then.
var testNow = time.Unix(1789800000, 0)

// A case in testdata/<tool>.txtar has these sections. The first begins a case,
// and may have the case's name after a colon.
const (
	sectionArguments = "arguments"
	sectionRequest   = "request"  // what reaches the platform, or nothing
	sectionResponse  = "response" // what it answers; from the documentation
	sectionResult    = "result"   // what the tool's caller gets
)

type wireCase struct {
	name      string
	arguments []byte
	response  []byte
	request   *txtar.File // expected
	result    *txtar.File // expected
}

func wireCases(t *testing.T, archive *txtar.Archive) []*wireCase {
	t.Helper()
	var all []*wireCase
	for i := range archive.Files {
		f := &archive.Files[i]
		section, name, _ := strings.Cut(f.Name, ":")
		if section == sectionArguments {
			all = append(all, &wireCase{name: strings.TrimSpace(name), arguments: f.Data})
			continue
		}
		c := all[len(all)-1]
		switch section {
		case sectionRequest:
			c.request = f
		case sectionResponse:
			c.response = f.Data
		case sectionResult:
			c.result = f
		default:
			t.Fatalf("a section %q", f.Name)
		}
	}
	for _, c := range all {
		if c.request == nil || c.result == nil {
			t.Fatalf("case %q has no request or no result", c.name)
		}
	}
	return all
}

// platform is a fake of the platform that records what reaches it and answers
// what it was told to.
type platform struct {
	answer  []byte // "STATUS", headers, an empty line and a body
	request []byte
}

func (p *platform) RoundTrip(r *http.Request) (*http.Response, error) {
	if p.request != nil {
		return nil, fmt.Errorf("a second request: %s %s", r.Method, r.URL)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s\n", r.Method, r.URL.RequestURI())
	for _, name := range []string{"Authorization", "Content-Type"} {
		if v := r.Header.Get(name); v != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, v)
		}
	}
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "\n%s\n", body)
	}
	p.request = b.Bytes()
	if p.answer == nil {
		return nil, fmt.Errorf("no answer is ready for %s %s", r.Method, r.URL)
	}
	head, body, _ := bytes.Cut(p.answer, []byte("\n\n"))
	lines := strings.Split(strings.TrimSpace(string(head)), "\n")
	resp := &http.Response{Header: http.Header{}, Request: r}
	if _, err := fmt.Sscan(lines[0], &resp.StatusCode); err != nil {
		return nil, err
	}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		resp.Header.Set(name, strings.TrimSpace(value))
	}
	body = bytes.TrimSpace(body)
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return resp, nil
}

// newSet returns the tools on a fake platform. change may be nil.
func newSet(t *testing.T, transport http.RoundTripper, change func(*tools.Options)) *tools.Set {
	t.Helper()
	key, err := polt.ParseKey(testKey)
	if err != nil {
		t.Fatal(err)
	}
	client, err := polt.NewClient(polt.Options{BaseURL: "http://polt.invalid", Key: key, Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	options := tools.Options{Client: client, Now: func() time.Time { return testNow }}
	if change != nil {
		change(&options)
	}
	set, err := tools.New(options)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// TestWire runs testdata/<tool>.txtar for every tool.
func TestWire(t *testing.T) {
	set := newSet(t, &platform{}, nil)
	for _, tool := range set.Tools() {
		if decoders[tool.Name] == nil { // it has no endpoint, but makes several requests
			continue
		}
		t.Run(tool.Name, func(t *testing.T) {
			path := filepath.Join("testdata", tool.Name+".txtar")
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for i, c := range wireCases(t, archive) {
				t.Run(c.name, func(t *testing.T) { c.run(t, tool, i == 0) })
			}
			if *update {
				if err := os.WriteFile(path, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func (c *wireCase) run(t *testing.T, tool mcp.Tool, documented bool) {
	p := &platform{answer: c.response}
	result := newSet(t, p, nil).Call(context.Background(), tool.Name, c.arguments)
	if p.request == nil {
		p.request = []byte("nothing\n")
	}
	compare(t, c.request, p.request)
	compare(t, c.result, []byte(resultOf(t, tool, result)))
	if documented {
		c.survives(t, tool.Name)
	}
}

func compare(t *testing.T, expected *txtar.File, got []byte) {
	t.Helper()
	if *update {
		expected.Data = got
	}
	if !bytes.Equal(expected.Data, got) {
		t.Errorf("%s:\n%s\nis not as expected:\n%s", expected.Name, got, expected.Data)
	}
}

// resultOf returns a result as text, after checking what holds for all.
func resultOf(t *testing.T, tool mcp.Tool, r *mcp.CallToolResult) string {
	t.Helper()
	text := r.Content[0].(mcp.TextContent).Text
	if r.IsError {
		if r.RawStructuredContent != nil {
			t.Error("an error has structured content")
		}
		return "error\n" + text + "\n"
	}
	if text != string(r.RawStructuredContent) {
		t.Errorf("the text and the structured content differ:\n%s\n%s", text, r.RawStructuredContent)
	}
	conforms(t, tool.RawOutputSchema, r.RawStructuredContent)
	return text + "\n"
}

// survives checks that what the documentation says an answer holds is still
// there after decoding it into the type that the client and the sandbox share:
// a wrong JSON tag would be wrong on both sides, and show nowhere else.
func (c *wireCase) survives(t *testing.T, tool string) {
	t.Helper()
	_, body, _ := bytes.Cut(c.response, []byte("\n\n"))
	decode, ok := decoders[tool]
	if !ok {
		t.Fatalf("no decoder for %s", tool)
	}
	decoded, err := decode(body)
	if err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(decoded)
	if err != nil {
		t.Fatal(err)
	}
	var before, after any
	if err := json.Unmarshal(body, &before); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(again, &after); err != nil {
		t.Fatal(err)
	}
	if lost := missing("", before, after); len(lost) > 0 {
		t.Errorf("lost in decoding: %q", lost)
	}
}

// missing returns the paths in before that are not the same in after.
func missing(path string, before, after any) []string {
	if path == ".api_key" { // it encodes as a redaction, on purpose
		return nil
	}
	var lost []string
	switch b := before.(type) {
	case map[string]any:
		a, _ := after.(map[string]any)
		for name, v := range b {
			lost = append(lost, missing(path+"."+name, v, a[name])...)
		}
	case []any:
		if object, ok := after.(map[string]any); ok { // a bare array has been wrapped
			for _, after = range object {
				break
			}
		}
		a, _ := after.([]any)
		if len(a) != len(b) {
			return []string{path}
		}
		for i := range b {
			lost = append(lost, missing(fmt.Sprintf("%s[%d]", path, i), b[i], a[i])...)
		}
	default:
		if !reflect.DeepEqual(before, after) {
			return []string{path}
		}
	}
	slices.Sort(lost)
	return lost
}

func decoder[In, Out any](polt.Endpoint[In, Out]) func([]byte) (any, error) {
	return func(b []byte) (any, error) { return polt.Answer[Out]{Raw: b}.Decode() }
}

var decoders = map[string]func([]byte) (any, error){
	"register_agent":       decoder(polt.RegisterAgent),
	"verify_key":           decoder(polt.VerifyKey),
	"list_tasks":           decoder(polt.ListTasks),
	"list_recent_tasks":    decoder(polt.ListRecentTasks),
	"get_task":             decoder(polt.GetTask),
	"commit_to_task":       decoder(polt.CommitToTask),
	"abandon_task":         decoder(polt.AbandonTask),
	"submit_work":          decoder(polt.SubmitWork),
	"list_projects":        decoder(polt.ListProjects),
	"get_project":          decoder(polt.GetProject),
	"list_project_tasks":   decoder(polt.ListProjectTasks),
	"vote_on_project":      decoder(polt.VoteOnProject),
	"reply_to_project":     decoder(polt.ReplyToProject),
	"get_agent":            decoder(polt.GetAgent),
	"list_contributions":   decoder(polt.ListContributions),
	"list_committed_tasks": decoder(polt.ListCommittedTasks),
	"update_profile":       decoder(polt.UpdateProfile),
	"get_leaderboard":      decoder(polt.GetLeaderboard),
}
