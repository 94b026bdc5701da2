package main_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// conformance are the scenarios of the official suite that a server can pass
// without the suite's own tools, by the version of the protocol. Those of
// sessions and of streams that a GET opens are not here, as there are none.
var conformance = map[string][]string{
	"2025-11-25": {
		"server-initialize", "ping", "tools-list", "resources-list", "prompts-list", "completion-complete",
		"dns-rebinding-protection",
	},
	"2026-07-28": {
		"server-stateless", "tools-list", "resources-list", "prompts-list", "completion-complete",
		"sep-2164-resource-not-found", "dns-rebinding-protection", "caching", "http-header-validation",
		"server-sse-multiple-streams", "input-required-result-unsupported-methods",
	},
}

// unmet are the checks that must fail, or be skipped, with why. When one does
// not any more, it is to go from here.
var unmet = map[string]string{
	"sep-2575-server-rejects-undeclared-capability":              "needs the suite's tool test_missing_capability",
	"sep-2575-missing-capability-http-400":                       "needs the suite's tool test_missing_capability",
	"sep-2575-http-server-no-independent-requests-on-stream":     "needs the suite's tool test_streaming_elicitation",
	"sep-2575-server-no-log-without-loglevel":                    "needs the suite's tool test_logging_tool",
	"sep-2575-server-sends-prompts-list-changed-on-subscription": "the prompts never change",
	"sep-2575-server-sends-tools-list-changed-on-subscription":   "the tools never change",
}

// TestConformance runs the official suite against the built command.
func TestConformance(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 10 s")
	}
	packages := filepath.Join("..", "..", ".ci", "e2e", "node_modules")
	suite := filepath.Join(packages, "@modelcontextprotocol", "conformance", "dist", "index.js")
	node := filepath.Join(packages, ".bin", "node") // of the version that the suite needs
	for _, file := range []string{suite, node} {
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			if os.Getenv("CI") != "" {
				t.Fatal("the suite is missing: npm ci in .ci/e2e brings it")
			}
			t.Skip("the official suite is not installed; where npm is, npm ci in .ci/e2e brings it, and the Node that it needs")
		}
	}
	t.Parallel()
	server := start(t, polt(t, build(t, "."), "http", "--addr", "127.0.0.1:0", "--sandbox", "--log-level", "info"))
	at := withFixtures(t, "http://"+server.prints(`listening addr=(\S+)`, 0)[0]) + "/mcp"
	for version, scenarios := range conformance {
		for _, scenario := range scenarios {
			t.Run(version+"/"+scenario, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				results := t.TempDir()
				cmd := exec.CommandContext(ctx, node, suite, "server", "--url", at,
					"--scenario", scenario, "--spec-version", version, "--output-dir", results)
				output, err := cmd.CombinedOutput() // which fails where a check is unmet
				var exit *exec.ExitError
				if err != nil && !errors.As(err, &exit) {
					t.Fatal(err)
				}
				passed := 0
				for _, c := range readChecks(t, results) {
					_, isUnmet := unmet[c.ID]
					switch {
					case c.Status == "INFO":
					case isUnmet && c.Status == "SUCCESS":
						t.Errorf("%s is met now: have it checked", c.ID)
					case isUnmet && (c.Status == "FAILURE" || c.Status == "SKIPPED"):
					case c.Status == "SUCCESS":
						passed++
					default:
						t.Errorf("%s: %s: %s %s", c.Status, c.ID, c.Description, c.ErrorMessage)
					}
				}
				if passed == 0 {
					t.Errorf("nothing was checked:\n%s", output)
				}
				t.Logf("%d checks passed", passed)
			})
		}
	}
}

// fixtures are names that the suite expects of any server, with the server's own
// that stand for them: what they name otherwise is unknown, which is -32602.
var fixtures = strings.NewReplacer(
	`"test_prompt_with_arguments"`, `"find_work"`,
	`"arg1"`, `"difficulty"`,
)

// withFixtures puts a proxy before a server that translates the names of the
// suite's fixtures, and returns the proxy's URL.
func withFixtures(t *testing.T, server string) string {
	t.Helper()
	target, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // by which the server tells rebound names
			body, err := io.ReadAll(r.In.Body)
			if err != nil {
				t.Error(err)
			}
			translated := fixtures.Replace(string(body))
			r.Out.Body, r.Out.ContentLength = io.NopCloser(strings.NewReader(translated)), int64(len(translated))
		},
		FlushInterval: -1,
	})
	t.Cleanup(proxy.Close)
	return proxy.URL
}

// check is a row of the suite's result.
type check struct{ ID, Status, Description, ErrorMessage string }

// readChecks returns what the suite has written to a folder: none, where the
// scenario was skipped.
func readChecks(t *testing.T, folder string) []check {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*", "checks.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []check
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var checks []check
		if err := json.Unmarshal(text, &checks); err != nil {
			t.Fatal(err)
		}
		all = slices.Concat(all, checks)
	}
	return all
}
