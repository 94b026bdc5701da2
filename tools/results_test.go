package tools_test

import (
	"context"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/openpolt/polt-mcp/tools"
)

// clientNamed is a session of a client of that name.
type clientNamed string

func (clientNamed) SessionID() string                                   { return "s" }
func (clientNamed) Initialize()                                         {}
func (clientNamed) Initialized() bool                                   { return true }
func (clientNamed) NotificationChannel() chan<- mcp.JSONRPCNotification { return nil }
func (c clientNamed) GetClientInfo() mcp.Implementation                 { return mcp.Implementation{Name: string(c)} }
func (clientNamed) SetClientInfo(mcp.Implementation)                    {}
func (clientNamed) GetClientCapabilities() mcp.ClientCapabilities       { return mcp.ClientCapabilities{} }
func (clientNamed) SetClientCapabilities(mcp.ClientCapabilities)        {}

func TestHostThatShowsBothGetsTextAlone(t *testing.T) {
	for client, c := range map[string]struct {
		form       tools.Results
		structured bool
	}{
		"Cline": {"", false}, "MCPClient": {tools.ResultsAuto, false}, "claude-code": {"", true}, "": {"", true},
	} {
		set := newSet(t, instant(`{}`), func(o *tools.Options) { o.Results = c.form })
		ctx := t.Context()
		if client != "" {
			ctx = server.NewMCPServer("t", "1").WithContext(ctx, clientNamed(client))
		}
		r := set.Call(ctx, "list_tasks", nil)
		if (r.RawStructuredContent != nil) != c.structured || len(r.Content) != 1 {
			t.Errorf("%s: %+v", client, r)
		}
		for _, tool := range set.Filter(ctx, set.Tools()) {
			if (tool.RawOutputSchema != nil) != c.structured {
				t.Errorf("%s: %s has an output schema: %v", client, tool.Name, !c.structured)
			}
		}
		if set.Tools()[0].RawOutputSchema == nil {
			t.Error("the listed tools were changed")
		}
	}
	set := newSet(t, instant(`{}`), func(o *tools.Options) { o.Results = tools.ResultsBoth })
	ctx := server.NewMCPServer("t", "1").WithContext(context.Background(), clientNamed("Cline"))
	if r := set.Call(ctx, "list_tasks", nil); r.RawStructuredContent == nil {
		t.Error("both were asked for")
	}
}
