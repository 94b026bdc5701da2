package tools

import (
	"context"
	"unsafe"

	"github.com/mark3labs/mcp-go/mcp"
)

// Results says in which form a result carries the platform's answer.
type Results string

// The forms of a result.
const (
	// ResultsAuto is ResultsText for hosts that are known to give the model both
	// forms, and else ResultsBoth.
	ResultsAuto Results = "auto"
	// ResultsBoth has it as structured content and as text: some hosts give
	// the model only the one and some only the other.
	ResultsBoth Results = "both"
	// ResultsStructured is for hosts that show the model both.
	ResultsStructured Results = "structured"
	// ResultsText is the same for hosts without structured content; no output
	// schemas are listed.
	ResultsText Results = "text"
)

// bothShown are the clients, by the names that they give themselves, that give
// the model both forms of a result, with the version in which that was seen.
// google-genai does so too, and leaves the name to whoever uses it.
var bothShown = map[string]string{
	"@cline/core":    "cline 3.0.65",
	"MCPClient":      "@google/adk 2.0.0",
	"mcp-client-cli": "@llamaindex/tools 0.2.1",
}

// resultsFor returns the form of the results for the client of a call.
func (s *Set) resultsFor(ctx context.Context) Results {
	if s.options.Results != ResultsAuto {
		return s.options.Results
	}
	if bothShown[s.options.ClientName(ctx)] != "" {
		return ResultsText
	}
	return ResultsBoth
}

// Filter returns the tools as a client is to see them: without output schemas
// where results have no structured content, which clients would miss.
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

// result puts the object into the forms that were chosen. Nobody writes to body
// after that.
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
