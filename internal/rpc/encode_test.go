package rpc

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

func TestToolResultIsWrittenAsEncodingJSONWould(t *testing.T) {
	meta := mcp.NewMetaFromMap(map[string]any{"a": 1})
	long := `{"a":"` + strings.Repeat(`é\"\n€😀`, 40_000) + `"}`
	for name, r := range map[string]*mcp.CallToolResult{
		"empty":      {},
		"text":       {Content: []mcp.Content{mcp.NewTextContent("a\"b\\c\n\r\t\x01<é\u2028>")}},
		"two":        {Content: []mcp.Content{mcp.NewTextContent(""), mcp.NewTextContent("b")}},
		"error":      {Content: []mcp.Content{mcp.NewTextContent("no")}, IsError: true},
		"image":      {Content: []mcp.Content{mcp.NewImageContent("aGk=", "image/png")}},
		"annotated":  {Content: []mcp.Content{mcp.TextContent{Type: "text", Text: "a", Annotated: mcp.Annotated{Annotations: &mcp.Annotations{Priority: new(0.5)}}}}},
		"structured": {Content: []mcp.Content{}, RawStructuredContent: json.RawMessage(`{"a":[1,2.50,"<"]}`)},
		"indented":   {RawStructuredContent: json.RawMessage("{\n\"a\": 1}")},
		"decoded":    {StructuredContent: map[string]any{"a": 1.5}},
		"meta":       {Result: mcp.Result{Meta: meta, ResultType: mcp.ResultTypeComplete}},
		"large":      {RawStructuredContent: json.RawMessage(long), Content: []mcp.Content{mcp.NewTextContent(long)}},
		"large and modern": {
			RawStructuredContent: json.RawMessage(long), Content: []mcp.Content{mcp.NewTextContent(long)},
			Result: mcp.Result{Meta: meta, ResultType: mcp.ResultTypeComplete},
		},
		"large text":  {Content: []mcp.Content{mcp.NewTextContent(long + "\xff" + long[1:])}},
		"large alone": {Content: []mcp.Content{}, RawStructuredContent: json.RawMessage(long)},
		"more input":  {MultiRoundTripResult: mcp.MultiRoundTripResult{RequestState: "s"}},
	} {
		t.Run(name, func(t *testing.T) {
			want, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			registry := server.NewMCPServer("test", "1")
			registry.AddTool(mcp.NewTool("get"), func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) { return r, nil })
			got := result(t, registry, "tools/call", `{"name":"get"}`)
			same(t, got, want)
		})
	}
}

func TestToolsAreListedAsEncodingJSONWould(t *testing.T) {
	schema := json.RawMessage(`{"type":"object","properties":{"a":{"enum":["<"]}}}`)
	for name, tool := range map[string]mcp.Tool{
		"input":       {Name: "a", RawInputSchema: schema},
		"all":         {Name: "a", Title: "T \"", Description: "<\n>", RawInputSchema: schema, RawOutputSchema: schema, Annotations: mcp.ToolAnnotation{ReadOnlyHint: new(true)}},
		"meta":        {Name: "a", RawInputSchema: schema, Meta: mcp.NewMetaFromMap(map[string]any{"ui": map[string]any{"a": 1}})},
		"icons":       {Name: "a", RawInputSchema: schema, Icons: []mcp.Icon{{Src: "data:,"}}},
		"indented":    {Name: "a", RawInputSchema: json.RawMessage("{\n\"type\":\"object\"}")},
		"not raw":     mcp.NewTool("a", mcp.WithString("s")),
		"raw output":  {Name: "a", InputSchema: mcp.ToolInputSchema{Type: "object"}, RawOutputSchema: schema},
		"decoded out": {Name: "a", RawInputSchema: schema, OutputSchema: mcp.ToolOutputSchema{Type: "object"}},
	} {
		t.Run(name, func(t *testing.T) {
			registry := server.NewMCPServer("test", "1", server.WithPaginationLimit(2))
			for _, n := range []string{"a", "b", "c"} { // and there is another page
				tool.Name = n
				registry.AddTool(tool, nil)
			}
			want, err := json.Marshal(registry.HandleMessage(t.Context(), json.RawMessage(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)))
			if err != nil {
				t.Fatal(err)
			}
			var response struct{ Result json.RawMessage }
			if err := json.Unmarshal(want, &response); err != nil {
				t.Fatal(err)
			}
			same(t, result(t, registry, "tools/list", "{}"), response.Result)
		})
	}
}

// result returns the result of a request, which is one line.
func result(t *testing.T, registry *server.MCPServer, method, params string) []byte {
	t.Helper()
	in := Parse([]byte(`{"jsonrpc":"2.0","id":1,"method":"` + method + `","params":` + params + `}`))
	got := NewDispatcher(Options{Server: registry}).Handle(t.Context(), in.Items[0].Message).AppendTo(nil)
	if strings.ContainsAny(string(got), "\n\r") {
		t.Errorf("more than a line: %q", got)
	}
	var response struct{ Result json.RawMessage }
	if err := json.Unmarshal(got, &response); err != nil {
		t.Fatalf("%v: %s", err, got)
	}
	return response.Result
}

func same(t *testing.T, got, want []byte) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal(got, &g); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(want, &w); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(g, w) {
		t.Errorf("%s\nis not\n%s", got, want)
	}
}

func FuzzString(f *testing.F) {
	for _, s := range []string{"", "a", "\"\\", "\x00\x1f\x7f", "é\u2028\U0001F468", "\xff\xc3", "\n\r\t"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var got string
		if err := json.Unmarshal(appendString(nil, s), &got); err != nil {
			t.Fatal(err)
		}
		encoded, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var want string
		if err := json.Unmarshal(encoded, &want); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%q came back as %q, not %q", s, got, want)
		}
	})
}
