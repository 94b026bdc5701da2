package rpc_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/openpolt/polt-mcp/internal/rpc"
)

const modernMeta = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}`

// notFound is an error as the tools and resources have it.
type notFound struct{}

func (notFound) Error() string     { return "it is not there" }
func (notFound) ErrorType() string { return "not_found" }
func (notFound) JSONRPC(bool) mcp.JSONRPCErrorDetails {
	return mcp.NewJSONRPCErrorDetails(mcp.INVALID_PARAMS, "it is not there", nil)
}

// newDispatcher returns a dispatcher of a server that has one of everything.
func newDispatcher(o rpc.Options) *rpc.Dispatcher {
	hooks := &server.Hooks{}
	rpc.RecordErrors(hooks)
	s := server.NewMCPServer("test", "1", server.WithHooks(hooks), server.WithToolCapabilities(false))
	tool := func(name string, handler server.ToolHandlerFunc) {
		s.AddTool(mcp.Tool{Name: name, RawInputSchema: json.RawMessage(`{"type":"object","properties":{}}`)}, handler)
	}
	tool("works", func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return &mcp.CallToolResult{Content: []mcp.Content{mcp.NewTextContent("done")}}, nil
	})
	tool("fails", func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		rpc.FailedAs(ctx, "conflict")
		return &mcp.CallToolResult{IsError: true}, nil
	})
	tool("large", func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return &mcp.CallToolResult{RawStructuredContent: json.RawMessage(largeObject), Content: []mcp.Content{mcp.NewTextContent(largeObject)}}, nil
	})
	tool("panics", func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) { panic("a secret") })
	s.AddResource(mcp.Resource{URI: "x://missing", Name: "missing"}, func(context.Context, mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
		return nil, notFound{}
	})
	s.AddPrompt(mcp.Prompt{Name: "broken"}, func(context.Context, mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
		return nil, errors.New("a secret")
	})
	o.Server = s
	o.Methods = rpc.Methods{
		"own/empty": func(context.Context, json.RawMessage) (any, error) { return struct{}{}, nil },
		"own/fails": func(context.Context, json.RawMessage) (any, error) { return nil, notFound{} },
	}
	return rpc.NewDispatcher(o)
}

// handle has a message handled that is a request.
func handle(t *testing.T, d *rpc.Dispatcher, text string) rpc.Response {
	t.Helper()
	in := rpc.Parse([]byte(text))
	if in.IsBatch || in.Items[0].Message == nil {
		t.Fatalf("%s is no request: %s", text, in.Items[0].Refused.JSON)
	}
	return d.Handle(t.Context(), in.Items[0].Message)
}

func request(method, params string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":%s}`, method, params)
}

func TestObserverIsToldOfEachRequest(t *testing.T) {
	type observed struct{}
	var ended []string
	d := newDispatcher(rpc.Options{OnRequest: func(ctx context.Context, m *rpc.Message) (context.Context, func(rpc.Outcome)) {
		return context.WithValue(ctx, observed{}, true), func(o rpc.Outcome) {
			if o.Duration <= 0 {
				t.Errorf("%s took %s", m.Method, o.Duration)
			}
			ended = append(ended, fmt.Sprintf("%s %q %d %q", m.Method, m.Target(), o.Code, o.ErrorType))
		}
	}})
	for _, c := range []struct{ request, want string }{
		{request("ping", "{}"), `ping "" 0 ""`},
		{request("tools/list", "{}"), `tools/list "" 0 ""`},
		{request("tools/call", `{"name":"works"}`), `tools/call "works" 0 ""`},
		{request("tools/call", `{"name":"f\u0061ils"}`), `tools/call "fails" 0 "conflict"`},
		{request("tools/call", `{"name":"panics"}`), `tools/call "panics" -32603 "-32603"`},
		{request("tools/call", `{"name":"none"}`), `tools/call "none" -32602 "-32602"`},
		{request("tools/call", `{}`), `tools/call "" -32602 "-32602"`},
		{request("resources/read", `{"uri":"x://missing"}`), `resources/read "x://missing" -32602 "not_found"`},
		{request("prompts/get", `{"name":"broken"}`), `prompts/get "broken" -32603 "-32603"`},
		{request("own/empty", "{}"), `own/empty "" 0 ""`},
		{request("own/fails", "{}"), `own/fails "" -32602 "not_found"`},
		{request("no/method", "{}"), `no/method "" -32601 "-32601"`},
	} {
		ended = nil
		response := handle(t, d, c.request)
		if !slices.Equal(ended, []string{c.want}) {
			t.Errorf("%s: told of %q", c.request, ended)
		}
		if strings.Contains(string(response.JSON), "secret") {
			t.Errorf("%s tells a secret: %s", c.request, response.JSON)
		}
	}
}

func TestObserversAreToldInTurn(t *testing.T) {
	var told []string
	observer := func(name string) rpc.Observer {
		return func(ctx context.Context, _ *rpc.Message) (context.Context, func(rpc.Outcome)) {
			told = append(told, "begin "+name)
			return ctx, func(rpc.Outcome) { told = append(told, "end "+name) }
		}
	}
	silent := func(ctx context.Context, _ *rpc.Message) (context.Context, func(rpc.Outcome)) { return ctx, nil }
	handle(t, newDispatcher(rpc.Options{OnRequest: rpc.Observers(observer("a"), nil, silent, observer("b"))}), request("ping", "{}"))
	if got := strings.Join(told, ", "); got != "begin a, begin b, end b, end a" {
		t.Error(got)
	}
}

func TestWhatIsNoRequestIsRefusedWithItsIDWhereItCanBeRead(t *testing.T) {
	for text, want := range map[string]string{
		``:     `{"jsonrpc":"2.0","error":{"code":-32700`,
		`null`: `{"jsonrpc":"2.0","error":{"code":-32600`,
		`7`:    `{"jsonrpc":"2.0","error":{"code":-32600`,
		`{}`:   `{"jsonrpc":"2.0","error":{"code":-32600`,
		`{"jsonrpc":"2.0","id":{},"method":"ping"}`:               `{"jsonrpc":"2.0","error":{"code":-32600`,
		`{"jsonrpc":"2.0","id":null,"method":"ping"}`:             `{"jsonrpc":"2.0","error":{"code":-32600`,
		`{"jsonrpc":"2.0","id":5,"method":7}`:                     `{"jsonrpc":"2.0","id":5,"error":{"code":-32600`,
		`{"jsonrpc":"2.0","id":5}`:                                `{"jsonrpc":"2.0","id":5,"error":{"code":-32600`,
		`{"jsonrpc":2,"id":"a","method":"ping"}`:                  `{"jsonrpc":"2.0","id":"a","error":{"code":-32600`,
		`{"id":5,"method":"ping"}`:                                `{"jsonrpc":"2.0","id":5,"error":{"code":-32600`,
		`{"jsonrpc":"2.0","id":5,"method":"ping","result":{}}`:    `{"jsonrpc":"2.0","id":5,"error":{"code":-32600`,
		"{\"jsonrpc\":\"2.0\",\"id\":\"\xff\",\"method\":\"p\"}":  `{"jsonrpc":"2.0","error":{"code":-32700`,
		`[` + strings.Repeat(`1,`, rpc.MaxBatch) + `1]`:           `{"jsonrpc":"2.0","error":{"code":-32600,"message":"the batch exceeds the maximum of 50 messages`,
		`{"jsonrpc":"2.0","id":5,"method":"ping"} {"trailing":1}`: `{"jsonrpc":"2.0","error":{"code":-32700`,
	} {
		in := rpc.Parse([]byte(text))
		if m := in.Items[0].Message; in.IsBatch || len(in.Items) != 1 || m != nil || !strings.HasPrefix(string(in.Items[0].Refused.JSON), want) {
			t.Errorf("%s: %+v %s", text, m, in.Items[0].Refused.JSON)
		}
	}
}

func TestParamsThatAreNotThoseOfTheMethodAreInvalid(t *testing.T) {
	d := newDispatcher(rpc.Options{})
	for _, c := range []struct{ request, want string }{
		{request("ping", `[]`), "params must be an object"},
		{request("ping", `{"_meta":7}`), "params._meta must be an object"},
		{request("tools/call", `{"name":7}`), "name is required"},
		{request("tools/call", `{"name":"works","arguments":"[]"}`), "arguments must be an object"},
		{request("prompts/get", `{"name":"broken","arguments":{"days":5}}`), "must not be a number"},
		{request("resources/read", `{"uri":["a"]}`), "uri is required"},
		{request("tools/list", `{"cursor":"abc"}`), `the cursor \"abc\" is invalid`},
		{request("tools/list", `{"cursor":7}`), "cursor must be a string"},
		{request("own/list", `{"cursor":"abc"}`), "is invalid"},
		{request("completion/complete", `{"argument":{"name":"a","value":""}}`), "ref is required"},
		{request("completion/complete", `{"ref":{"type":"ref/prompt","name":"a"},"argument":{"name":"a"}}`), "argument is required"},
		{request("tools/list", strings.Replace(`{`+modernMeta+`}`, `Capabilities":{}`, `Capabilities":[]`, 1)), "clientCapabilities in _meta is required"},
		{request("own/empty", strings.Replace(`{`+modernMeta+`}`, `"2026-07-28"`, `7`, 1)), "protocolVersion in _meta must be a string"},
		{request("tools/list", strings.Replace(`{`+modernMeta+`}`, `{"io`, `{"io.modelcontextprotocol/logLevel":"loud","io`, 1)), "logLevel in _meta must be one of"},
	} {
		response := handle(t, d, c.request)
		if response.Code != mcp.INVALID_PARAMS || !strings.Contains(string(response.JSON), c.want) {
			t.Errorf("%s: %s", c.request, response.JSON)
		}
	}
	for _, version := range []string{"1900-01-01", "2026-07-27", "2099-01-01", "x"} {
		for _, method := range []string{"tools/list", "no/method", "own/empty", "subscriptions/listen"} {
			response := handle(t, d, request(method, strings.Replace(`{`+modernMeta+`}`, "2026-07-28", version, 1)))
			if response.Code != mcp.UNSUPPORTED_PROTOCOL_VERSION || !strings.Contains(string(response.JSON), `"supported":["2026-07-28"`) {
				t.Errorf("%s of %s: %s", method, version, response.JSON)
			}
		}
	}
}

func TestOwnResultsSayWhatEveryResultDoes(t *testing.T) {
	d := newDispatcher(rpc.Options{})
	for params, want := range map[string]string{
		`{` + modernMeta + `}`: `{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"test","version":"1"}}}}`,
		`{}`:                   `{"jsonrpc":"2.0","id":1,"result":{}}`,
	} {
		if response := handle(t, d, request("own/empty", params)); string(response.JSON) != want {
			t.Errorf("%s: %s", params, response.JSON)
		}
	}
}

var largeObject = `{"a":"` + strings.Repeat(`é\"`, 200_000) + `"}`

// A large result is not held twice, as its text and as it is.
func TestLargeResultIsWrittenWhole(t *testing.T) {
	d := newDispatcher(rpc.Options{})
	for params, more := range map[string]string{
		`{"name":"large"}`:                    "",
		`{"name":"large",` + modernMeta + `}`: `,"resultType":"complete","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"test","version":"1"}}`,
	} {
		response := handle(t, d, request("tools/call", params))
		if response.Size() > len(largeObject)+200 {
			t.Errorf("%d bytes are held", response.Size())
		}
		quoted, err := json.Marshal(largeObject)
		if err != nil {
			t.Fatal(err)
		}
		want := `{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":` + string(quoted) + `}],"structuredContent":` + largeObject + more + `}}`
		if got := string(response.AppendTo(nil)); got != want {
			t.Errorf("%s: %.200s … %s", params, got, got[max(0, len(got)-200):])
		}
	}
}
