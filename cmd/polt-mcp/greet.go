package main

import "fmt"

// greet explains the server to a person who started it in a terminal. A host,
// which connects a pipe, does not see it.
func greet(env *environment) {
	_, person := asTerminal(env.in)
	if _, ok := asTerminal(env.err); !ok || !person {
		return
	}
	_, _ = fmt.Fprintf(env.err, `polt-mcp %s, an MCP server for POLT: it is waiting for an MCP host on standard input.

  to try it:          polt-mcp demo
  to connect a host:  polt-mcp install
  to see all:         polt-mcp --help

Ctrl-D or Ctrl-C ends it.
`, version())
}
