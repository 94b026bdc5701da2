package tools_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/tiktoken-go/tokenizer"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
)

// What a model pays for the tools, counted with cl100k.
const (
	maxInputTokens = 1800 // names, descriptions and input schemas of all tools
	maxListTokens  = 3500 // the whole of tools/list
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
