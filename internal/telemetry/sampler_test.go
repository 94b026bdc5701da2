package telemetry_test

import (
	"testing"
)

func TestSamplers(t *testing.T) {
	for name, test := range map[string]struct {
		sampler, argument             string
		sampled, unsampled, beginning bool
	}{
		"default":                     {"", "", true, false, true},
		"always_on":                   {"always_on", "", true, true, true},
		"parentbased_always_on":       {"parentbased_always_on", "", true, false, true},
		"parentbased_always_off":      {"parentbased_always_off", "", true, false, false},
		"traceidratio of 0":           {"traceidratio", "0", false, false, false},
		"traceidratio of 1":           {"traceidratio", "1", true, true, true},
		"traceidratio of all":         {"traceidratio", "", true, true, true},
		"traceidratio takes this":     {"traceidratio", "0.26", true, true, false},
		"traceidratio leaves this":    {"traceidratio", "0.25", false, false, false},
		"parentbased_traceidratio":    {"parentbased_traceidratio", "0", true, false, false},
		"parentbased_traceidratio, 1": {"parentbased_traceidratio", "1.0", true, false, true},
		"always_off":                  {"always_off", "", false, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCollector(t, nil)
			w := newWorld(t, c.env("OTEL_TRACES_SAMPLER", test.sampler, "OTEL_TRACES_SAMPLER_ARG", test.argument))
			// 63 bits of this trace's id are 0.256 of all.
			const half = "00-4bf92f3577b34da641a5e353f7ced917-00f067aa0ba902b7-0"
			w.call("list_tasks", `{"traceparent":"`+half+`1"}`, `{}`)
			w.call("get_leaderboard", `{"traceparent":"`+half+`0"}`, `{}`)
			if test.argument != "0.26" && test.argument != "0.25" { // where the id is random
				w.call("list_projects", `{}`, `{}`)
			}
			w.close()
			spans := c.spans()
			for tool, want := range map[string]bool{"list_tasks": test.sampled, "get_leaderboard": test.unsampled, "list_projects": test.beginning} {
				if got := len(spans["tools/call "+tool]) == 1; got != want {
					t.Errorf("%s: recorded %v", tool, got)
				}
			}
			for _, is := range []struct {
				recorded bool
				as       string
			}{{test.sampled, half + "1"}, {test.unsampled, half + "0"}} {
				got := w.request().Header.Get("traceparent")
				if is.recorded == (got == is.as) || got[:36] != half[:36] {
					t.Errorf("%q went on as %q", is.as, got)
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
