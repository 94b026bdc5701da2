package telemetry_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/openpolt/polt-mcp/internal/telemetry"
)

// settled is what a collector got where these variables are set.
func settled(t *testing.T, c *collectorFake, e env) (export, []string) {
	t.Helper()
	w := newWorld(t, e)
	w.call("get_leaderboard", `{}`, `{}`)
	w.close()
	return c.wait(), w.problems.all
}

func TestDefaults(t *testing.T) {
	c := newCollector(t, nil)
	e, problems := settled(t, c, c.env())
	if e.path != "/v1/traces" || e.headers.Get("Content-Type") != "application/x-protobuf" ||
		e.headers.Get("User-Agent") != "polt-mcp/1.2.3" || len(problems) != 0 {
		t.Errorf("posted to %s with %v, told %q", e.path, e.headers, problems)
	}
	if got, want := attributes(e.body.ResourceSpans[0].Resource.Attributes), (map[string]any{
		"service.name": "polt-mcp", "service.version": "1.2.3",
		"telemetry.sdk.language": "go", "telemetry.sdk.name": "polt-mcp", "telemetry.sdk.version": "1.2.3",
	}); !maps.Equal(got, want) {
		t.Errorf("resource %v", got)
	}
	if s := e.body.ResourceSpans[0].ScopeSpans[0].Scope; s.Name != "github.com/openpolt/polt-mcp" || s.Version != "1.2.3" {
		t.Errorf("scope %v", s)
	}
}

func TestVariables(t *testing.T) {
	c := newCollector(t, nil)
	e, problems := settled(t, c, env{
		"OTEL_EXPORTER_OTLP_ENDPOINT":        "http://nowhere.invalid",
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": " " + c.URL + "/mine?x=1 ",
		"OTEL_EXPORTER_OTLP_HEADERS":         "Authorization=Basic%20abc%3D,, x-team = a ",
		"OTEL_SERVICE_NAME":                  "agents",
		"OTEL_RESOURCE_ATTRIBUTES":           "service.name=lost,service.version=9,deployment.environment.name=a%2Cb,telemetry.sdk.name=x,empty=",
		"OTEL_EXPORTER_OTLP_TIMEOUT":         "5000",
		"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
		"OTEL_EXPORTER_OTLP_PROTOCOL":        "grpc",
		"OTEL_SDK_DISABLED":                  "false",
		"OTEL_TRACES_SAMPLER":                "parentbased_traceidratio",
		"OTEL_TRACES_SAMPLER_ARG":            "1",
		"OTEL_EXPORTER_OTLP_TRACES_TIMEOUT":  "6000",
		"OTEL_BSP_MAX_EXPORT_BATCH_SIZE":     "100",
	})
	if e.path != "/mine?x=1" || e.headers.Get("Authorization") != "Basic abc=" || e.headers.Get("X-Team") != "a" || len(problems) != 0 {
		t.Errorf("posted to %s with %v, told %q", e.path, e.headers, problems)
	}
	if got, want := attributes(e.body.ResourceSpans[0].Resource.Attributes), (map[string]any{
		"service.name": "agents", "service.version": "9", "deployment.environment.name": "a,b", "empty": "",
		"telemetry.sdk.language": "go", "telemetry.sdk.name": "polt-mcp", "telemetry.sdk.version": "1.2.3",
	}); !maps.Equal(got, want) {
		t.Errorf("resource %v", got)
	}
}

// TestNotUnderstood shows that a server traces all the same, and names the
// variables and not what they hold.
func TestNotUnderstood(t *testing.T) {
	c := newCollector(t, nil)
	wrong := env{
		"OTEL_EXPORTER_OTLP_PROTOCOL":       "secret",
		"OTEL_EXPORTER_OTLP_TIMEOUT":        "secret",
		"OTEL_EXPORTER_OTLP_TRACES_HEADERS": "a=b,secret",
		"OTEL_RESOURCE_ATTRIBUTES":          "a=%secret",
		"OTEL_TRACES_SAMPLER":               "secret",
		"OTEL_BSP_MAX_QUEUE_SIZE":           "-1",
		"OTEL_BSP_SCHEDULE_DELAY":           "99999999999999999999",
	}
	e := c.env()
	maps.Copy(e, wrong)
	got, problems := settled(t, c, e)
	if got.headers.Get("A") != "" || len(got.spans()) != 2 {
		t.Errorf("exported %v", got)
	}
	for name := range wrong {
		if !strings.Contains(strings.Join(problems, "\n"), name+" ") {
			t.Errorf("%s is not in %q", name, problems)
		}
	}
	if len(problems) != len(wrong) || strings.Contains(strings.Join(problems, ""), "secret") {
		t.Errorf("told %q", problems)
	}
}

func TestSamplersNotUnderstood(t *testing.T) {
	for _, e := range []env{
		{"OTEL_TRACES_SAMPLER": "parentbased_"},
		{"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "2"},
		{"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "NaN"},
		{"OTEL_TRACES_SAMPLER": "parentbased_jaeger_remote"},
	} {
		c := newCollector(t, nil)
		maps.Copy(e, c.env())
		if _, problems := settled(t, c, e); len(problems) != 1 || !strings.HasPrefix(problems[0], "OTEL_TRACES_SAMPLER") {
			t.Errorf("%v: told %q", e, problems)
		}
	}
}

func TestOff(t *testing.T) {
	for name, value := range map[string]string{
		"OTEL_SDK_DISABLED": "TRUE", "OTEL_TRACES_EXPORTER": "none", "OTEL_TRACES_SAMPLER": "always_off",
		"OTEL_EXPORTER_OTLP_ENDPOINT": "",
	} {
		c := newCollector(t, nil)
		w := newWorld(t, c.env(name, value))
		w.call("get_leaderboard", `{"traceparent":"`+parent+`"}`, `{}`)
		if got := w.request().Header.Get("traceparent"); got != parent {
			t.Errorf("%s: sent %q", name, got)
		}
		if strings.Contains(scrape(t, w.telemetry), "trace_spans") {
			t.Errorf("%s: it traces", name)
		}
		w.close()
		if spans := c.spans(); len(spans) != 0 {
			t.Errorf("%s: exported %v", name, spans)
		}
	}
}

func TestNoEndpoint(t *testing.T) {
	for _, endpoint := range []string{"localhost:4318", "ftp://secret", "http://", "https://:443", "${OTEL}", "http://secret\x7f", "unix:///secret"} {
		for _, name := range []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"} {
			_, err := telemetry.New(telemetry.Options{Getenv: env{name: endpoint}.get})
			if err == nil || !strings.HasPrefix(err.Error(), name+" ") || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: %v", endpoint, err)
			}
		}
	}
}
