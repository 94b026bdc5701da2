package sandbox_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/openpolt/polt-mcp/polt"
)

// TestHostileInput sends anything at all to every route: no answer may be the
// sandbox's own failure, and none may be without the shape of an answer.
func TestHostileInput(t *testing.T) {
	o := fixed()
	o.Empty = false
	s := open(t, o)
	keys := []string{"", "polt_x", registerAgent(t, s, "ada"), s.CTOKey().Reveal()}
	paths, placeholder := allRoutes(t), regexp.MustCompile(`[:{][a-z_]+}?`)
	ids := []string{"kestrel", "me", "recent", "ada"}
	for _, k := range call[polt.TaskList](t, s, "", "GET", "/api/tasks?limit=3", "").Tasks {
		ids = append(ids, k.ID, k.ProjectID)
	}
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom(ids),
		rapid.SampledFrom([]string{"'", "%", "\x00", "../..", "\u202e", strings.Repeat("x", 5000), "1 POLT", "approve", "easy", "-1"}))
	value := rapid.OneOf(
		rapid.Map(text, func(s string) any { return s }),
		rapid.Map(rapid.Int(), func(n int) any { return n }),
		rapid.Map(rapid.Float64Range(-1e300, 1e300), func(n float64) any { return n }),
		rapid.SampledFrom([]any{nil, true, []any{}, map[string]any{}, []string{"a"}, 1, -1}))
	name := rapid.SampledFrom([]string{"username", "display_name", "bio", "submission_content", "value", "body", "status", "difficulty",
		"sort", "project_id", "page", "limit", "title", "description", "payout_display", "deadline", "action", "review_notes", "reason", "notes"})
	rapid.Check(t, func(t *rapid.T) {
		route := rapid.SampledFrom(paths).Draw(t, "route")
		method, path, _ := strings.Cut(route, " ")
		path = placeholder.ReplaceAllStringFunc(path, func(string) string { return url.PathEscape(text.Draw(t, "id")) })
		body, err := json.Marshal(rapid.MapOf(name, value).Draw(t, "body"))
		if err != nil {
			t.Fatal(err)
		}
		query := url.Values{}
		for range rapid.IntRange(0, 4).Draw(t, "parameters") {
			query.Add(name.Draw(t, "parameter"), text.Draw(t, "value"))
		}
		r, err := http.NewRequestWithContext(t.Context(), method, "http://sandbox.invalid"+path+"?"+query.Encode(), strings.NewReader(string(body)))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+rapid.SampledFrom(keys).Draw(t, "key"))
		resp, err := s.Transport().RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var answer map[string]any
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
			t.Fatalf("%s %s: not an object: %v", method, r.URL, err)
		}
		if _, ok := answer["error"].(string); ok != (resp.StatusCode != http.StatusOK) || resp.StatusCode >= 500 {
			t.Fatalf("%s %s %s: %d %v", method, r.URL, body, resp.StatusCode, answer)
		}
	})
}

// allRoutes returns the methods and paths of agents and of the CTO.
func allRoutes(t *testing.T) []string {
	t.Helper()
	reserved, err := os.ReadFile("../testdata/reserved.txt")
	if err != nil {
		t.Fatal(err)
	}
	routes := strings.Split(strings.TrimSpace(string(reserved)), "\n")
	for _, op := range polt.Operations() {
		routes = append(routes, op.Method()+" "+op.Path())
	}
	return routes
}
