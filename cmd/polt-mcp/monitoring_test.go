package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"sigs.k8s.io/yaml"
)

// dashboard is what is read of a dashboard of Grafana's.
type dashboard struct {
	UID        string `json:"uid"`
	Title      string
	Panels     []panel
	Templating struct {
		List []struct {
			Name  string
			Query any
		}
	}
	Annotations struct {
		List []struct{ Expr string }
	}
}

type panel struct {
	ID                       int
	Type, Title, Description string
	GridPos                  struct{ X, Y, W, H int }
	Targets                  []struct{ RefID, Expr string }
}

// expressions returns the PromQL of the dashboard and of the alerts, by where
// it is.
func expressions(t *testing.T) (all map[string]string, d dashboard) {
	t.Helper()
	all = map[string]string{}
	text, err := os.ReadFile(filepath.Join("..", "..", "deploy", "grafana", "dashboard.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			all["panel "+p.Title+" "+target.RefID] = target.Expr
		}
	}
	for i, a := range d.Annotations.List {
		all[fmt.Sprint("annotation ", i)] = a.Expr
	}
	for _, v := range d.Templating.List {
		if query, ok := v.Query.(map[string]any); ok {
			all["variable "+v.Name] = query["query"].(string)
		}
	}
	var rules struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	if text, err = os.ReadFile(filepath.Join("..", "..", "deploy", "prometheus", "rules.yaml")); err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(text, &struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}{}); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &rules); err != nil {
		t.Fatal(err)
	}
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			all["alert "+r.Alert] = r.Expr
		}
	}
	return all, d
}

// exposition returns the metrics of a server that has done all that it counts.
func exposition(t *testing.T) map[string]*dto.MetricFamily {
	t.Helper()
	var requests atomic.Int64
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if requests.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = fmt.Fprint(w, `[]`)
	}))
	t.Cleanup(upstream.Close)
	collector := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(collector.Close)
	cmd := polt(t, build(t, "."), "http", "--addr", "127.0.0.1:0", "--api-url", upstream.URL, "--log-level", "info")
	cmd.Env = append(cmd.Env, "OTEL_EXPORTER_OTLP_ENDPOINT="+collector.URL)
	server := start(t, cmd)
	agent := &remote{client: newClient(t), url: "http://" + server.prints(`listening addr=(\S+)`, 0)[0] + "/mcp"}
	if _, err := agent.call(t.Context(), "get_leaderboard", map[string]any{}); err != nil {
		t.Fatal(err)
	}
	refused, err := http.NewRequestWithContext(t.Context(), http.MethodPost, agent.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	refused.Host = "evil.example"
	resp, err := agent.client.Do(refused)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(agent.get(t, "/metrics")))
	if err != nil {
		t.Fatal(err)
	}
	return families
}

var (
	metricName = regexp.MustCompile(`\b(polt_mcp|process|go)_\w+`)
	grouping   = regexp.MustCompile(`\b(?:by|on) \(([^)]*)\)`)
	matchers   = regexp.MustCompile(`(\w+)\s*(?:=~|!~|!=|=)\s*"`)
	quoted     = regexp.MustCompile(`"[^"]*"`)
	// scraped are the labels that Prometheus gives to what it scrapes.
	scraped = []string{"instance", "job"}
)

// TestDashboardAndAlertsNameWhatTheServerHas has each metric and label that the
// dashboard and the alerts name in the metrics of a real server, and each of the
// server's own metrics in the dashboard.
func TestDashboardAndAlertsNameWhatTheServerHas(t *testing.T) {
	t.Parallel()
	all, _ := expressions(t)
	families := exposition(t)
	shown := map[string]bool{}
	for where, expression := range all {
		labels := slices.Clone(scraped)
		names := metricName.FindAllString(quoted.ReplaceAllString(expression, `""`), -1)
		if len(names) == 0 {
			t.Errorf("%s names no metric: %s", where, expression)
		}
		for _, name := range names {
			family := families[name]
			if base, ok := strings.CutSuffix(name, "_bucket"); ok {
				family, labels = families[base], append(labels, "le")
				if family != nil && family.GetType() != dto.MetricType_HISTOGRAM {
					family = nil
				}
			}
			if family == nil {
				t.Errorf("%s: the server has no metric %s", where, name)
				continue
			}
			if strings.HasPrefix(where, "panel ") {
				shown[family.GetName()] = true
			}
			for _, m := range family.Metric {
				for _, l := range m.Label {
					labels = append(labels, l.GetName())
				}
			}
			if family.GetType() == dto.MetricType_SUMMARY {
				labels = append(labels, "quantile")
			}
		}
		for _, m := range matchers.FindAllStringSubmatch(expression, -1) {
			if !slices.Contains(labels, m[1]) {
				t.Errorf("%s: no metric of it has the label %s", where, m[1])
			}
		}
		for _, m := range grouping.FindAllStringSubmatch(expression, -1) {
			for label := range strings.SplitSeq(m[1], ",") {
				if label = strings.TrimSpace(label); label != "" && !slices.Contains(labels, label) {
					t.Errorf("%s: no metric of it has the label %s", where, label)
				}
			}
		}
	}
	for name := range families {
		if strings.HasPrefix(name, "polt_mcp_") && !shown[name] {
			t.Errorf("the dashboard does not show %s", name)
		}
	}
}

// TestDashboardIsInOrder checks what Grafana would show askew: panels of one
// id, or one over the other.
func TestDashboardIsInOrder(t *testing.T) {
	t.Parallel()
	_, d := expressions(t)
	if d.UID == "" || d.Title == "" || len(d.Panels) == 0 {
		t.Fatal("no dashboard")
	}
	ids, cells := map[int]bool{}, map[[2]int]string{}
	for _, p := range d.Panels {
		if ids[p.ID] {
			t.Errorf("%s: the id %d is taken", p.Title, p.ID)
		}
		ids[p.ID] = true
		if p.Title == "" || p.Type != "row" && (p.Description == "" || len(p.Targets) == 0) {
			t.Errorf("panel %d has no title, no description or no query", p.ID)
		}
		if p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("%s is too wide", p.Title)
		}
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				cell := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if other := cells[cell]; other != "" {
					t.Fatalf("%s is over %s", p.Title, other)
				}
				cells[cell] = p.Title
			}
		}
	}
}
