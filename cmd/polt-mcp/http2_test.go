package main_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/http2"

	"github.com/openpolt/polt-mcp/internal/http2test"
)

var upstreamRequests = regexp.MustCompile(`(?m)^polt_mcp_upstream_requests_total\{.*\} (\d+)$`)

// What log, metrics and journal tell of calls is what has gone over the wire,
// also where the platform acts and then resets the stream.
func TestRequestsOverHTTP2AreCountedAsTheyAreSent(t *testing.T) {
	server := &http2test.Server{Answer: func(c *http2test.Conn, stream uint32, n int) bool {
		codes := http2test.ErrCodes()
		c.Reset(stream, codes[n%len(codes)])
		return true
	}}
	server.Start(t)
	journal, log := filepath.Join(t.TempDir(), "journal"), filepath.Join(t.TempDir(), "log")
	polt := start(t, polt(t, build(t, "."), "http", "--addr", "127.0.0.1:0", "--api-url", server.URL, "--ca-file", server.CAFile,
		"--journal", journal, "--log-level", "debug", "--log-file", log))
	url := polt.prints(`polt-mcp on (\S+)`, 0)[0]
	agent := &remote{client: newClient(t), url: url, name: "nova", key: "polt_0123456789abcdef"}

	writes := 2 * len(http2test.ErrCodes()) // for each code, whatever it is called with
	for range writes {
		if _, err := agent.call(t.Context(), "commit_to_task", map[string]any{"task_id": "42"}); err == nil ||
			!strings.Contains(err.Error(), "outcome_unknown") && !strings.Contains(err.Error(), http2.ErrCodeRefusedStream.String()) {
			t.Errorf("the error of a write is %v", err)
		}
	}
	if got := int(server.Arrived.Load()); got != writes {
		t.Errorf("%d requests arrived of %d writes", got, writes)
	}
	if _, err := agent.call(t.Context(), "get_task", map[string]any{"task_id": "42"}); err == nil {
		t.Error("a read that is always reset has succeeded")
	}
	arrived := int(server.Arrived.Load())
	if got := arrived - writes; got != 3 {
		t.Errorf("%d requests arrived of one read", got)
	}

	metrics := scrape(t, strings.TrimSuffix(url, "/mcp")+"/metrics")
	counted := 0
	for _, m := range upstreamRequests.FindAllStringSubmatch(metrics, -1) {
		n, _ := strconv.Atoi(m[1]) // digits
		counted += n
	}
	if logged := len(records(t, log, "message", "upstream")); logged != arrived || counted != arrived {
		t.Errorf("%d requests arrived, %d are in the log, %d in the metrics", arrived, logged, counted)
	}
	if begun, ended := len(records(t, journal, "event", "write")), len(records(t, journal, "event", "outcome")); begun != writes || ended != writes {
		t.Errorf("%d writes and %d outcomes are in the journal of %d writes", begun, ended, writes)
	}
}

// records returns the JSON lines of a file whose member is the value.
func records(t *testing.T, file, member, value string) []map[string]any {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var found []map[string]any
	for decoder := json.NewDecoder(strings.NewReader(string(data))); ; {
		var record map[string]any
		if err := decoder.Decode(&record); errors.Is(err, io.EOF) {
			return found
		} else if err != nil {
			t.Fatal(err)
		}
		if record[member] == value {
			found = append(found, record)
		}
	}
}

func scrape(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := newClient(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s, %v: %s", resp.Status, err, body)
	}
	return string(body)
}
