package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/openpolt/polt-mcp/internal/rpc"
)

// mcp-go answers whatever a resource or a prompt fails with as -32603 (v1.2.1).
func TestFailureHasTheCodeOfTheProtocol(t *testing.T) {
	panics := 0
	hooks := &server.Hooks{}
	rpc.RecordErrors(hooks)
	s := server.NewMCPServer("test", "1", server.WithHooks(hooks))
	s.AddResource(mcp.Resource{URI: "x://missing", Name: "missing"}, func(context.Context, mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
		return nil, missing{}
	})
	s.AddResource(mcp.Resource{URI: "x://broken", Name: "broken"}, func(context.Context, mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
		return nil, errors.New("a secret")
	})
	s.AddResource(mcp.Resource{URI: "x://there", Name: "there"}, func(context.Context, mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
		return []mcp.ResourceContents{mcp.TextResourceContents{URI: "x://there", Text: "whole"}}, nil
	})
	s.AddPrompt(mcp.Prompt{Name: "panic"}, func(context.Context, mcp.GetPromptRequest) (*mcp.GetPromptResult, error) { panic("a secret") })
	r := serve(t, serving(rpc.Options{
		Server:  s,
		OnPanic: func(any) { panics++ },
		Methods: rpc.Methods{"own/method": func(_ context.Context, params json.RawMessage) (any, error) {
			if string(params) == "{}" {
				return map[string]string{"own": "result"}, nil
			}
			return nil, missing{}
		}},
	}))
	read := func(uri, meta string) string {
		return `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"` + uri + `"` + meta + `}}`
	}
	for _, c := range []struct {
		what, body string
		header     map[string]string
		status     int
		want       string
	}{
		{"what is not there", read("x://missing", ""), nil, 200, `{"jsonrpc":"2.0","id":1,"error":{"code":-32002,"message":"it is not there"}}`},
		{"and in 2026-07-28", read("x://missing", ","+modernMeta), modern("resources/read", "x://missing"), 400, `"code":-32602,"message":"it is not there"`},
		{"an error of ours", read("x://broken", ""), nil, 200, `"code":-32603,"message":"the server failed"`},
		{"what is there", read("x://there", ""), nil, 200, `"text":"whole"`},
		{"a panic", `{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"panic"}}`, nil, 200, `"code":-32603,"message":"the server failed"`},
		{"a method of our own", `{"jsonrpc":"2.0","id":1,"method":"own/method","params":{}}`, nil, 200, `"result":{"own":"result"}`},
		{"one that fails", `{"jsonrpc":"2.0","id":1,"method":"own/method"}`, nil, 200, `"message":"it is not there"`},
		{"one that nobody has", `{"jsonrpc":"2.0","id":1,"method":"no/method"}`, nil, 200, `-32601`},
	} {
		got := r.do(request{body: c.body, header: c.header})
		if got.status != c.status || got.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s", c.what, got.status, got.header.Get("Content-Type"))
		}
		contains(t, got.body, c.want)
	}
	if panics != 1 {
		t.Errorf("%d panics were told", panics)
	}
}
