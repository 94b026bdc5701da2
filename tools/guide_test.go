package tools_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/mark3labs/mcp-go/mcp"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools/guide"
)

// maxGuideTokens is what the guide may cost a model, counted with cl100k.
const maxGuideTokens = 1500

func TestGuideFits(t *testing.T) {
	n := tokens(t, guide.Text)
	t.Logf("%d tokens", n)
	if n >= maxGuideTokens {
		t.Errorf("the guide costs %d tokens, not under %d", n, maxGuideTokens)
	}
}

// errorMembers are those of an error's line of JSON that the guide names.
var errorMembers = []string{"code", "retryable", "retry_after_s"}

// TestGuideNamesWhatThereIs fails where the guide names a tool, an argument, a
// field, a value, a prompt or a resource that there is not, or leaves out one
// of the latter two.
func TestGuideNamesWhatThereIs(t *testing.T) {
	known := slices.Concat(promptsAndResources(t), errorMembers, guideValues(t), members[polt.Task](), members[polt.Submission]())
	for _, tool := range newSet(t, &platform{}, nil).Tools() {
		known = append(known, tool.Name)
		var input jsonschema.Schema
		if err := json.Unmarshal(tool.RawInputSchema, &input); err != nil {
			t.Fatal(err)
		}
		for name, argument := range input.Properties {
			known = append(known, name)
			for _, value := range argument.Enum {
				known = append(known, fmt.Sprint(value))
			}
		}
	}
	words := strings.FieldsFunc(guide.Text, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') })
	words = slices.DeleteFunc(words, func(w string) bool { return !strings.Contains(w, "_") })
	for _, word := range append(words, quoted(guide.Text)...) {
		if !slices.Contains(known, word) {
			t.Errorf("the guide names %s, which there is not", word)
		}
	}
	for _, name := range promptsAndResources(t) {
		if !slices.Contains(quoted(guide.Text), name) {
			t.Errorf("the guide does not name %s", name)
		}
	}
}

// promptsAndResources returns the names of the prompts and the addresses of the
// resources, but for those of the guide in another form.
func promptsAndResources(t *testing.T) (all []string) {
	t.Helper()
	for _, p := range offered[mcp.ListPromptsResult](t, mcp.MethodPromptsList).Prompts {
		all = append(all, p.Name)
	}
	for _, r := range offered[mcp.ListResourcesResult](t, mcp.MethodResourcesList).Resources {
		if strings.HasPrefix(r.URI, "polt://") {
			all = append(all, r.URI)
		}
	}
	for _, r := range offered[mcp.ListResourceTemplatesResult](t, mcp.MethodResourcesTemplatesList).ResourceTemplates {
		all = append(all, r.URITemplate.Raw())
	}
	return all
}

// members returns the names that a type's fields have in JSON.
func members[T any]() []string {
	var names []string
	for f := range reflect.TypeFor[T]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

var inBackticks = regexp.MustCompile("`([^`]+)`")

// quoted returns what is in backticks in a text, in its order.
func quoted(text string) []string {
	var all []string
	for _, m := range inBackticks.FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	return all
}

// guideValues returns what the guide has to explain: every code, difficulty,
// stage and status.
func guideValues(t *testing.T) []string {
	t.Helper()
	return slices.Concat(constants(t, "../polt/errors.go", "Code"), polt.Difficulty("").Values(),
		polt.ProjectStatus("").Values(), polt.TaskStatus("").Values(), constants(t, "../polt/tasks.go", "SubmissionStatus"))
}

func TestGuideExplainsEveryValue(t *testing.T) {
	names := quoted(guide.Text)
	for _, value := range guideValues(t) {
		if !slices.Contains(names, value) {
			t.Errorf("the guide does not name %s", value)
		}
	}
	var codes []string
	for _, row := range guideTable(t, "| Code | What to do |") {
		codes = append(codes, quoted(row[0])...)
	}
	if want := constants(t, "../polt/errors.go", "Code"); !slices.Equal(codes, want) {
		t.Errorf("the guide has the codes %q, not %q", codes, want)
	}
}

// constants returns the values of a type's constants from the source of package
// polt, which has a list only of those that an agent may choose from.
func constants(t *testing.T, file, typeName string) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if name, ok := spec.Type.(*ast.Ident); ok && name.Name == typeName {
			for _, v := range spec.Values {
				value, err := strconv.Unquote(v.(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				values = append(values, value)
			}
		}
		return false
	})
	if len(values) == 0 {
		t.Fatalf("%s has no constants of type %s", file, typeName)
	}
	return values
}

// guideTable returns the cells of the rows below a heading of the guide.
func guideTable(t *testing.T, heading string) [][]string {
	t.Helper()
	_, below, ok := strings.Cut(guide.Text, heading+"\n")
	if !ok {
		t.Fatalf("the guide has no table %s", heading)
	}
	var rows [][]string
	for i, line := range strings.Split(below, "\n") {
		if !strings.HasPrefix(line, "|") {
			break
		}
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		if want := strings.Count(heading, "|") - 1; len(cells) != want {
			t.Fatalf("%d cells, not %d: %s", len(cells), want, line)
		}
		if i > 0 { // the first is the rule
			rows = append(rows, cells)
		}
	}
	return rows
}
