package tools_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/tiktoken-go/tokenizer"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
)

// What a model pays for the tools, counted with cl100k.
const (
	maxInputTokens = 2000 // names, descriptions and input schemas of all tools
	maxListTokens  = 3000 // the whole of tools/list
)

func tokens(t *testing.T, text string) int {
	t.Helper()
	codec, err := tokenizer.Get(tokenizer.Cl100kBase)
	if err != nil {
		t.Fatal(err)
	}
	n, err := codec.Count(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestToolsListFitsItsBudget(t *testing.T) {
	client, err := polt.NewClient(polt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	set, err := tools.New(tools.Options{Client: client})
	if err != nil {
		t.Fatal(err)
	}
	type cheap struct {
		Name        string          `json:"name"`
		Description string          `json:"description"`
		InputSchema json.RawMessage `json:"inputSchema"`
	}
	var inputs []cheap
	for _, tool := range set.Tools() {
		inputs = append(inputs, cheap{tool.Name, tool.Description, tool.RawInputSchema})
	}
	for name, c := range map[string]struct {
		value any
		limit int
	}{
		"names, descriptions and input schemas": {inputs, maxInputTokens},
		"all of tools/list":                     {set.Tools(), maxListTokens},
	} {
		text, err := json.Marshal(c.value)
		if err != nil {
			t.Fatal(err)
		}
		n := tokens(t, string(text))
		t.Logf("%s: %d tokens", name, n)
		if n > c.limit {
			t.Errorf("%s cost %d tokens, over the budget of %d", name, n, c.limit)
		}
	}
}

// maxSummary is what a summary of 20 tasks with descriptions of 600 characters
// may cost of what the platform's own compact JSON costs.
const maxSummary = 0.65

func TestSummaryCostsLessThanTheAnswer(t *testing.T) {
	answer, err := os.ReadFile("testdata/tokens/list_tasks.json")
	if err != nil {
		t.Fatal(err)
	}
	set := newSet(t, &platform{answer: append([]byte("200\n\n"), answer...)}, nil)
	summary := set.Call(t.Context(), "list_tasks", nil).RawStructuredContent
	whole, cut := tokens(t, string(answer)), tokens(t, string(summary))
	t.Logf("%d tokens of %d: %.2f", cut, whole, float64(cut)/float64(whole))
	if float64(cut) > maxSummary*float64(whole) {
		t.Errorf("the summary costs %d tokens of %d", cut, whole)
	}
}

// freeLinks is what links to resources may cost of a summary to be had for
// nothing.
const freeLinks = 0.02

// TestLinksAreLeftOutForWhatTheyCost counts what a link to each task would add to
// a summary of 20 tasks, for a host that shows a model all of a result: none of
// them says that it would not.
func TestLinksAreLeftOutForWhatTheyCost(t *testing.T) {
	answer, err := os.ReadFile("testdata/tokens/list_tasks.json")
	if err != nil {
		t.Fatal(err)
	}
	result := newSet(t, &platform{answer: append([]byte("200\n\n"), answer...)}, nil).Call(t.Context(), "list_tasks", nil)
	var list struct{ Tasks []polt.Task }
	if err := json.Unmarshal(result.RawStructuredContent, &list); err != nil || len(list.Tasks) != 20 {
		t.Fatalf("%d tasks: %v", len(list.Tasks), err)
	}
	links := 0
	for _, task := range list.Tasks {
		links += tokens(t, `{"type":"resource_link","uri":"polt://tasks/`+task.ID+`","name":"task"},`) // no less is allowed
	}
	summary := tokens(t, string(result.RawStructuredContent))
	t.Logf("%d tokens of links beside %d: %.2f", links, summary, float64(links)/float64(summary))
	for _, content := range result.Content {
		if _, ok := content.(mcp.TextContent); !ok {
			t.Errorf("the result holds %T", content)
		}
	}
	if float64(links) < freeLinks*float64(summary) {
		t.Error("links cost next to nothing: have them")
	}
}
