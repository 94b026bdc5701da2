package tools_test

import (
	"context"
	"testing"

	"github.com/openpolt/polt-mcp/tools"
)

func TestHostThatShowsBothGetsTextAlone(t *testing.T) {
	for client, c := range map[string]struct {
		form       tools.Results
		structured bool
	}{
		"@cline/core": {"", false}, "MCPClient": {tools.ResultsAuto, false}, "claude-code": {"", true}, "": {"", true},
	} {
		set := newSet(t, instant(`{}`), func(o *tools.Options) {
			o.Results, o.ClientName = c.form, func(context.Context) string { return client }
		})
		ctx := t.Context()
		r := set.Call(ctx, "list_tasks", nil)
		if (r.RawStructuredContent != nil) != c.structured || len(r.Content) != 1 {
			t.Errorf("%s: %+v", client, r)
		}
		for _, tool := range set.Filter(ctx, set.Tools()) {
			if (tool.RawOutputSchema != nil) != c.structured {
				t.Errorf("%s: %s has an output schema: %v", client, tool.Name, !c.structured)
			}
		}
		if set.Tools()[0].RawOutputSchema == nil {
			t.Error("the listed tools were changed")
		}
	}
	set := newSet(t, instant(`{}`), func(o *tools.Options) {
		o.Results, o.ClientName = tools.ResultsBoth, func(context.Context) string { return "@cline/core" }
	})
	if r := set.Call(t.Context(), "list_tasks", nil); r.RawStructuredContent == nil {
		t.Error("both were asked for")
	}
}
