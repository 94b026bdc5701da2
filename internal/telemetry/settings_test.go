package telemetry_test

import (
	"maps"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/sdk"

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
		len(problems) != 0 {
		t.Errorf("posted to %s with %v, told %q", e.path, e.headers, problems)
	}
	if got, want := attributes(e.body.ResourceSpans[0].Resource.Attributes), (map[string]any{
		"service.name": "polt-mcp", "service.version": "1.2.3",
		"telemetry.sdk.language": "go", "telemetry.sdk.name": "opentelemetry", "telemetry.sdk.version": sdk.Version(),
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
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": " " + c.URL + "/mine ",
		"OTEL_EXPORTER_OTLP_HEADERS":         "Authorization=Basic%20abc%3D, x-team = a ",
		"OTEL_SERVICE_NAME":                  "agents",
		"OTEL_RESOURCE_ATTRIBUTES":           "service.name=lost,service.version=9,deployment.environment.name=a%2Cb,empty=",
		"OTEL_EXPORTER_OTLP_TIMEOUT":         "5000",
		"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
		"OTEL_EXPORTER_OTLP_PROTOCOL":        "grpc",
		"OTEL_SDK_DISABLED":                  "false",
		"OTEL_TRACES_SAMPLER":                "parentbased_traceidratio",
		"OTEL_TRACES_SAMPLER_ARG":            "1",
		"OTEL_EXPORTER_OTLP_TRACES_TIMEOUT":  "6000",
		"OTEL_BSP_MAX_EXPORT_BATCH_SIZE":     "100",
	})
	if e.path != "/mine" || e.headers.Get("Authorization") != "Basic abc=" || e.headers.Get("X-Team") != "a" || len(problems) != 0 {
		t.Errorf("posted to %s with %v, told %q", e.path, e.headers, problems)
	}
	if got, want := attributes(e.body.ResourceSpans[0].Resource.Attributes), (map[string]any{
		"service.name": "agents", "service.version": "9", "deployment.environment.name": "a,b", "empty": "",
		"telemetry.sdk.language": "go", "telemetry.sdk.name": "opentelemetry", "telemetry.sdk.version": sdk.Version(),
	}); !maps.Equal(got, want) {
		t.Errorf("resource %v", got)
	}
}

// TestInvalidVariables shows that a server traces all the same, and tells what
// was wrong, but for what may be secret.
func TestInvalidVariables(t *testing.T) {
	for variable, test := range map[string]struct{ value, want string }{
		"OTEL_EXPORTER_OTLP_PROTOCOL":       {"grpc", "OTEL_EXPORTER_OTLP_PROTOCOL is not supported: set http/protobuf or http/json"},
		"OTEL_TRACES_EXPORTER":              {"zipkin", "OTEL_TRACES_EXPORTER is not supported: set otlp or none"},
		"OTEL_EXPORTER_OTLP_TIMEOUT":        {"soon", "OpenTelemetry: parse duration"},
		"OTEL_EXPORTER_OTLP_TRACES_HEADERS": {"a=b,secret", "OpenTelemetry: parse headers"},
		"OTEL_RESOURCE_ATTRIBUTES":          {"lonely", "OTEL_RESOURCE_ATTRIBUTES is invalid"},
		"OTEL_TRACES_SAMPLER":               {"jaeger_remote", "OpenTelemetry: unsupported sampler"},
		"OTEL_BSP_MAX_QUEUE_SIZE":           {"-1", "OTEL_BSP_MAX_QUEUE_SIZE is invalid"},
		"OTEL_BSP_MAX_EXPORT_BATCH_SIZE":    {"-5", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE is invalid"},
		"OTEL_BSP_SCHEDULE_DELAY":           {"99999999999999999999", "OTEL_BSP_SCHEDULE_DELAY is invalid"},
		"OTEL_BSP_EXPORT_TIMEOUT":           {"soon", "OTEL_BSP_EXPORT_TIMEOUT is invalid"},
	} {
		t.Run(variable, func(t *testing.T) {
			c := newCollector(t, nil)
			got, problems := settled(t, c, c.env(variable, test.value))
			if n := len(got.spans()); n != 2 {
				t.Errorf("exported %d spans", n)
			}
			if told := strings.Join(problems, "\n"); !strings.Contains(told, test.want) || strings.Contains(told, "secret") {
				t.Errorf("told %q", told)
			}
		})
	}
}

func TestOff(t *testing.T) {
	for name, value := range map[string]string{
		"OTEL_SDK_DISABLED": "TRUE", "OTEL_TRACES_EXPORTER": "none",
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

// TestDefaultEndpoint has the exporter asked for by its name, and no endpoint.
func TestDefaultEndpoint(t *testing.T) {
	tel, _ := open(t, env{"OTEL_TRACES_EXPORTER": "otlp"})
	wantMetrics(t, tel, `polt_mcp_trace_spans_total{outcome="exported"} 0`)
}

func TestNoEndpoint(t *testing.T) {
	for _, endpoint := range []string{"localhost:4318", "ftp://secret", "http://", "https://:443", "${OTEL}", "http://secret\x7f", "unix:///secret"} {
		for _, name := range []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"} {
			env{name: endpoint}.set(t)
			_, err := telemetry.New(telemetry.Options{})
			if err == nil || !strings.HasPrefix(err.Error(), name+" ") || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: %v", endpoint, err)
			}
		}
	}
}
