package doctest_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/openpolt/polt-mcp/internal/doctest"
)

const page = "# How it *works*\n\n" +
	"See [this](a.md#b), ![that](b.png) and `polt-mcp stdio --read-only`; `polt-mcp COMMAND` is none.\n\n" +
	"## Two: `code`, and_more\n\n## Two: `code`, and_more\n\n" +
	"<picture><source srcset=\"dark.png\"><img src=\"light.png\"></picture>\n\n" +
	"| a | b |\n| --- | --- |\n| [in a table](c.md) | |\n\n" +
	"```sh\n" +
	"polt-mcp http --addr 127.0.0.1:0   # a comment\n" +
	"POLT_API_URL=http://x polt-mcp call get_task 'task_id=a b' | head\n" +
	"source <(polt-mcp completion bash)\n" +
	"claude mcp add polt -- polt-mcp stdio\n" +
	"go run ./cmd/polt-mcp demo\n" +
	"polt-mcp call get_task task_id=...\n" +
	"go install ./cmd/polt-mcp\n" +
	"```\n\n```json\npolt-mcp none\n```\n"

func read(t *testing.T, text string) doctest.Document {
	t.Helper()
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "README.md"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	all := doctest.Documents(t, root)
	if len(all) != 1 || all[0].Path != "README.md" {
		t.Fatalf("%+v", all)
	}
	return all[0]
}

func TestDocuments(t *testing.T) {
	d := read(t, page)
	if want := []string{"a.md#b", "b.png", "dark.png", "light.png", "c.md"}; !slices.Equal(d.Links, want) {
		t.Errorf("links %q", d.Links)
	}
	if want := []string{"how-it-works", "two-code-and_more", "two-code-and_more-1"}; !slices.Equal(d.Anchors, want) {
		t.Errorf("anchors %q", d.Anchors)
	}
}

func TestCommands(t *testing.T) {
	d := read(t, page)
	want := []string{
		"polt-mcp http --addr 127.0.0.1:0", "POLT_API_URL=http://x polt-mcp call get_task task_id=a b", "polt-mcp completion bash",
		"polt-mcp stdio", "polt-mcp demo", "polt-mcp call get_task task_id=...",
	}
	var got []string
	blocks := d.Commands(t)
	if len(blocks) != 1 {
		t.Fatalf("%d blocks", len(blocks))
	}
	for _, c := range blocks[0] {
		got = append(got, c.String())
		if c.IsTemplate() != (c.String() == want[len(want)-1]) {
			t.Errorf("%s: a template: %t", c.String(), c.IsTemplate())
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("commands %q", got)
	}
	spans := d.SpanCommands(t)
	if len(spans) != 1 || spans[0].String() != "polt-mcp stdio --read-only" {
		t.Errorf("inline commands %+v", spans)
	}
}
