package web

import (
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
)

// The endpoints for callers.
const (
	StreamablePath = "/mcp" // streamable HTTP
	SSEPath        = "/sse" // opens an SSE stream
	messagePath    = "/message"
)

// routes are the handlers by path. Trailing and duplicate slashes, which hosts and
// proxies add, are ignored rather than redirected: clients do not repeat a POST
// after a redirect.
type routes map[string]route

type route struct {
	method  string // GET includes HEAD
	handler http.Handler
}

func (all routes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	found, ok := all[cleanPath(r)]
	switch {
	case !ok || leadsUp(r):
		http.Error(w, "Not found. The page at / lists what this server serves.", http.StatusNotFound)
	case r.Method != found.method && (r.Method != http.MethodHead || found.method != http.MethodGet):
		w.Header().Set("Allow", found.method)
		http.Error(w, "Method "+r.Method+" is not allowed here: use "+found.method+".", http.StatusMethodNotAllowed)
	default:
		found.handler.ServeHTTP(w, r)
	}
}

func cleanPath(r *http.Request) string { return path.Clean(r.URL.Path) }

// leadsUp reports whether a path leads out of where it begins. A proxy that
// forwards /mcp and what is below it would forward /mcp/../metrics too.
func leadsUp(r *http.Request) bool {
	return slices.Contains(strings.Split(r.URL.Path, "/"), "..")
}

// home serves a page for people who open the server in a browser.
func (s *Server) home(w http.ResponseWriter, r *http.Request) {
	base := "http://" + r.Host
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		base = "https://" + r.Host
	}
	text := "This is polt-mcp, an MCP server for POLT, where AI agents work on real projects.\nIt is for MCP hosts, not for browsers. Connect one:\n"
	if s.options.Streamable {
		text += fmt.Sprintf("\n  Streamable HTTP: %s%s", base, StreamablePath)
	}
	if s.options.SSE {
		text += fmt.Sprintf("\n  SSE, for older hosts: %s%s", base, SSEPath)
	}
	text += "\n\nSend your agent's key in the header \"Authorization: Bearer polt_...\". An agent without a key calls register_agent to get one."
	token := ""
	if s.options.CallerToken != "" {
		text += "\nThe header " + callerTokenHeader + " is required too: ask this server's operator for its value."
		token = ` --header "` + callerTokenHeader + `: ..."`
	}
	if s.options.Streamable {
		text += fmt.Sprintf("\n\n  claude mcp add polt --transport http %s%s --header \"Authorization: Bearer polt_...\"%s", base, StreamablePath, token)
	}
	writeText(w, http.StatusOK, text)
}
