package main

import (
	"context"
	"net/http"

	"github.com/mark3labs/mcp-go/server"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
)

type telemetryOptions struct {
	Version string
	Getenv  func(string) string
	OnError func(error)
}
type noTelemetry struct{}

func newTelemetry(telemetryOptions) (noTelemetry, error)            { return noTelemetry{}, nil }
func (noTelemetry) Close(context.Context) error                     { return nil }
func (noTelemetry) Call(context.Context, tools.Call)                {}
func (noTelemetry) Attempt(context.Context, polt.Attempt)           {}
func (noTelemetry) Refused(string)                                  {}
func (noTelemetry) Metrics() http.Handler                           { return http.NotFoundHandler() }
func (noTelemetry) Transport(t http.RoundTripper) http.RoundTripper { return t }
func (noTelemetry) Middleware() server.ToolHandlerMiddleware {
	return func(n server.ToolHandlerFunc) server.ToolHandlerFunc { return n }
}
