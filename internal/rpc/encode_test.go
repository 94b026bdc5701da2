package rpc

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
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
			for _, result := range []any{r, *r} {
				got := encodeResponse(json.RawMessage("1"), mcp.JSONRPCResponse{Result: result}).AppendTo(nil)
				var response struct{ Result json.RawMessage }
				if err := json.Unmarshal(got, &response); err != nil {
					t.Fatalf("%v: %s", err, got)
				}
				same(t, response.Result, want)
				if strings.ContainsAny(string(got), "\n\r") {
					t.Errorf("more than a line: %q", got)
				}
			}
		})
	}
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
