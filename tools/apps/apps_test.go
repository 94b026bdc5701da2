package apps_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
	"github.com/openpolt/polt-mcp/tools/apps"
)

// newServer returns a server of all tools, with the views or without.
func newServer(t *testing.T, withViews bool) *server.MCPServer {
	t.Helper()
	client, err := polt.NewClient(polt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	set, err := tools.New(tools.Options{Client: client})
	if err != nil {
		t.Fatal(err)
	}
	hooks := &server.Hooks{}
	if withViews {
		apps.AddHooks(hooks)
	}
	s := server.NewMCPServer("test", "1", server.WithHooks(hooks), server.WithToolCapabilities(false), server.WithResourceCapabilities(false, false))
	set.Register(s)
	s.AddResource(mcp.Resource{URI: "polt://guide", Name: "guide"}, nil)
	if withViews {
		apps.Register(s)
	}
	return s
}

// ask makes a request of a client with these capabilities, which it tells with
// each request.
func ask(t *testing.T, s *server.MCPServer, method, params, capabilities string) []byte {
	t.Helper()
	answer := s.HandleMessage(t.Context(), fmt.Appendf(nil, `{"jsonrpc":"2.0","id":1,"method":%q,"params":{%s"_meta":{
		"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"test","version":"1"},
		"io.modelcontextprotocol/clientCapabilities":%s}}}`, method, params, capabilities))
	response, ok := answer.(mcp.JSONRPCResponse)
	if !ok {
		t.Fatalf("%s: %+v", method, answer)
	}
	text, err := json.Marshal(response.Result)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

const declared = `{"extensions":{"io.modelcontextprotocol/ui":{"mimeTypes":["text/html;profile=mcp-app"]}}}`

// TestDeclared finds each tool's view, and the view among the resources.
func TestDeclared(t *testing.T) {
	s := newServer(t, true)
	var list struct {
		Tools []struct {
			Name string
			Meta struct {
				UI struct{ ResourceURI string }
			} `json:"_meta"`
		}
	}
	if err := json.Unmarshal(ask(t, s, "tools/list", "", declared), &list); err != nil {
		t.Fatal(err)
	}
	linked := map[string]string{}
	for _, k := range list.Tools {
		linked[k.Name] = k.Meta.UI.ResourceURI
	}
	resources := ask(t, s, "resources/list", "", declared)
	for _, v := range apps.Views() {
		for _, tool := range v.Tools {
			if linked[tool] != v.URI {
				t.Errorf("%s has the view %q, not %s", tool, linked[tool], v.URI)
			}
		}
		if !bytes.Contains(resources, []byte(`"`+v.URI+`"`)) {
			t.Errorf("resources/list lacks %s", v.URI)
		}
		var read struct {
			Contents []struct {
				MIMEType, Text string
				Meta           struct{ UI map[string]any } `json:"_meta"`
			}
		}
		if err := json.Unmarshal(ask(t, s, "resources/read", `"uri":"`+v.URI+`",`, declared), &read); err != nil {
			t.Fatal(err)
		}
		if c := read.Contents[0]; c.MIMEType != "text/html;profile=mcp-app" || c.Text != v.HTML() || c.Meta.UI["csp"] != nil || c.Meta.UI["prefersBorder"] != true {
			t.Errorf("%s is read as %s with %v", v.URI, c.MIMEType, c.Meta)
		}
	}
	if linked["submit_work"] != "" {
		t.Error("a tool that writes has a view")
	}
}

// TestUndeclared fails if views cost a client anything that does not show them.
func TestUndeclared(t *testing.T) {
	for _, capabilities := range []string{`{}`, `{"extensions":{}}`, `{"extensions":{"io.modelcontextprotocol/ui":null}}`, `{"extensions":{"io.modelcontextprotocol/ui":{"mimeTypes":["text/other"]}}}`} {
		for _, method := range []string{"tools/list", "resources/list"} {
			with, without := ask(t, newServer(t, true), method, "", capabilities), ask(t, newServer(t, false), method, "", capabilities)
			if !bytes.Equal(with, without) {
				t.Errorf("%s tells a client with %s more than it would without views", method, capabilities)
			}
		}
	}
}

const maxView = 15_000 // bytes

var (
	// unsafe matches what makes HTML or code of a text.
	unsafe = regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc|DOMParser`)
	// outside matches what loads anything.
	outside = regexp.MustCompile(`https?://|\bfetch\(|XMLHttpRequest|WebSocket|\bimport\b|\bsrc=|<link|url\(`)
)

func TestViews(t *testing.T) {
	for _, v := range apps.Views() {
		html := v.HTML()
		t.Logf("%s has %d bytes", v.URI, len(html))
		if len(html) >= maxView {
			t.Errorf("%s has %d bytes", v.URI, len(html))
		}
		for _, pattern := range []*regexp.Regexp{unsafe, outside} {
			if found := pattern.FindString(html); found != "" {
				t.Errorf("%s has %q in it", v.URI, found)
			}
		}
	}
}
