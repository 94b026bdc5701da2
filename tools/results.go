package tools

import (
	"context"
	"unsafe"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/openpolt/polt-mcp/internal/buffers"
)

// Results is the form in which a result contains the answer.
type Results string

// The result forms.
const (
	// ResultsAuto is ResultsText for clients known to give the model both
	// forms, and ResultsBoth for others.
	ResultsAuto Results = "auto"
	// ResultsBoth contains structured content and the same as text: some hosts
	// give the model only one, some only the other.
	ResultsBoth Results = "both"
	// ResultsStructured contains structured content only, for hosts that give
	// the model both forms.
	ResultsStructured Results = "structured"
	// ResultsText contains text only; no output schemas are listed.
	ResultsText Results = "text"
)

// bothShown are the clients, by their self-reported name, that give the model
// both forms of a result, with the version in which that was observed.
// google-genai does too, but its name is set by the application.
var bothShown = map[string]string{
	"@cline/core":    "cline 3.0.65",
	"MCPClient":      "@google/adk 2.0.0",
	"mcp-client-cli": "@llamaindex/tools 0.2.1",
}

// resultsFor returns the result form for the client of a call.
func (s *Set) resultsFor(ctx context.Context) Results {
	if s.options.Results != ResultsAuto {
		return s.options.Results
	}
	if bothShown[s.options.ClientName(ctx)] != "" {
		return ResultsText
	}
	return ResultsBoth
}

// Filter returns the tools for a client: without output schemas if results have
// no structured content, which a schema would require.
func (s *Set) Filter(ctx context.Context, all []mcp.Tool) []mcp.Tool {
	if s.options.Results != ResultsAuto || s.resultsFor(ctx) != ResultsText {
		return all
	}
	without := make([]mcp.Tool, len(all))
	for i, tool := range all {
		tool.RawOutputSchema = nil
		without[i] = tool
	}
	return without
}

// result returns the object in the chosen forms. body must not be modified
// afterwards.
func (s *Set) result(ctx context.Context, body []byte) *mcp.CallToolResult {
	r := &mcp.CallToolResult{Content: []mcp.Content{}}
	form := s.resultsFor(ctx)
	if form != ResultsText {
		r.RawStructuredContent = body
	}
	if form != ResultsStructured {
		//nolint:gosec // the same bytes: a copy of a list would be a fifth of a call's garbage
		r.Content = append(r.Content, mcp.NewTextContent(unsafe.String(unsafe.SliceData(body), len(body))))
	}
	return r
}

// Free reuses the memory of a tool's result, which must not be used afterwards.
// It need not be called.
func Free(r *mcp.CallToolResult) { buffers.Free(r.RawStructuredContent) }
