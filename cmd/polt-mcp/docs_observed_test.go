package main_test

import (
	"flag"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openpolt/polt-mcp/internal/doctest"
)

// updating reports whether -update is given.
func updating() bool { return flag.Lookup("update").Value.String() == "true" }

// TestGeneratedMetrics has docs/operating.md list the metrics of a server that
// has done all that it counts.
func TestGeneratedMetrics(t *testing.T) {
	t.Parallel()
	families := exposition(t)
	var b strings.Builder
	b.WriteString("| Metric | Type | Labels | Meaning |\n| --- | --- | --- | --- |\n")
	for _, name := range slices.Sorted(maps.Keys(families)) {
		if !strings.HasPrefix(name, "polt_mcp_") {
			continue
		}
		f := families[name]
		var labels []string
		for _, l := range f.Metric[0].Label {
			labels = append(labels, "`"+l.GetName()+"`")
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", name, strings.ToLower(f.GetType().String()), strings.Join(labels, " "), f.GetHelp())
	}
	doctest.Generated(t, filepath.Join("..", "..", "docs", "operating.md"), "metrics", b.String(), updating())
}

// varies matches what is another in each run of the demo.
var varies = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-\S{4}-\S{4}-[0-9a-f]{12}| +[0-9.]+ ms|polt-mcp \d\S*`)

// TestGeneratedDemo has the README show what the demo prints.
func TestGeneratedDemo(t *testing.T) {
	t.Parallel()
	p := start(t, polt(t, build(t, "."), "demo"))
	if err := p.wait(time.Minute); err != nil {
		t.Fatalf("%v: %s", err, p.output.String())
	}
	steps, _, _ := strings.Cut(p.output.String(), "\n\n")
	var b strings.Builder
	for line := range strings.Lines(steps) {
		runes := []rune(strings.TrimSuffix(line, "\n"))
		if len(runes) > 112 {
			runes = append(runes[:111], '…')
		}
		b.WriteString(strings.TrimRight(string(runes), " ") + "\n")
	}
	got := "```text\n" + b.String() + "```\n"
	path := filepath.Join("..", "..", "README.md")
	shown := doctest.Part(t, path, "demo")
	// How long it took, and what its ids were, is no reason to write it anew.
	if varies.ReplaceAllString(shown, "*") != varies.ReplaceAllString(got, "*") {
		doctest.Generated(t, path, "demo", got, updating())
	}
}
