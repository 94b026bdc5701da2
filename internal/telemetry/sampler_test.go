package telemetry_test

import (
	"strings"
	"testing"
)

func TestSamplers(t *testing.T) {
	for name, test := range map[string]struct {
		sampler, argument             string
		sampled, unsampled, beginning bool
	}{
		"default":                  {"", "", true, false, true},
		"always_on":                {"always_on", "", true, true, true},
		"always_off":               {"always_off", "", false, false, false},
		"parentbased_always_off":   {"parentbased_always_off", "", true, false, false},
		"traceidratio":             {"traceidratio", "0", false, false, false},
		"parentbased_traceidratio": {"parentbased_traceidratio", "1.0", true, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCollector(t, nil)
			w := newWorld(t, c.env("OTEL_TRACES_SAMPLER", test.sampler, "OTEL_TRACES_SAMPLER_ARG", test.argument))
			w.call("list_tasks", `{"traceparent":"`+parent+`"}`, `{}`)
			w.call("get_leaderboard", `{"traceparent":"`+unsample+`"}`, `{}`)
			w.call("list_projects", `{}`, `{}`)
			w.close()
			spans := c.spans()
			for _, is := range []struct {
				tool string
				want bool
				of   string
			}{{"list_tasks", test.sampled, trace}, {"get_leaderboard", test.unsampled, trace}, {"list_projects", test.beginning, ""}} {
				if got := len(spans["tools/call "+is.tool]) == 1; got != is.want {
					t.Errorf("%s: recorded %v", is.tool, got)
				}
				flags := map[bool]string{true: "-01", false: "-00"}[is.want]
				if got := w.request().Header.Get("traceparent"); !strings.HasPrefix(got, "00-"+is.of) || !strings.HasSuffix(got, flags) {
					t.Errorf("%s: sent %q", is.tool, got)
				}
			}
		})
	}
}

// TestUnrecordedBeginning shows that all tries of a call that is not recorded
// are of one trace, which nobody records.
func TestUnrecordedBeginning(t *testing.T) {
	c := newCollector(t, nil)
	w := newWorld(t, c.env("OTEL_TRACES_SAMPLER", "parentbased_always_off"), 503)
	w.call("list_projects", `{}`, `{}`)
	first, second := w.request().Header.Get("traceparent"), w.request().Header.Get("traceparent")
	if len(first) != 55 || first[53:] != "00" || first != second {
		t.Errorf("sent %q and %q", first, second)
	}
	w.close()
	if spans := c.spans(); len(spans) != 0 {
		t.Errorf("recorded %v", spans)
	}
}
