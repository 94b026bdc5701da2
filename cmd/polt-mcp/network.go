package main

import (
	"context"
	"net"
	"net/http"

	"github.com/openpolt/polt-mcp/internal/memory"
)

// A network provides a command's connections to POLT and from callers. Tests
// replace it, through the context, with one within the process.
type network struct {
	platform http.RoundTripper // nil for the real one
	listen   func(ctx context.Context, addr string) (net.Listener, error)
	memory   *memory.Budget // nil for the process's own
}

type networkKey struct{}

// networkOf returns the network of a context.
func networkOf(ctx context.Context) network {
	if n, ok := ctx.Value(networkKey{}).(network); ok {
		return n
	}
	return network{listen: func(ctx context.Context, addr string) (net.Listener, error) {
		return (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	}}
}
