package telemetry_test

import (
	"math"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/openpolt/polt-mcp/internal/rpc"
	"github.com/openpolt/polt-mcp/internal/telemetry"
)

// parse returns the families of the metrics, as Prometheus's own parser reads
// them. It fails the test where a family has no type, or anything is there
// twice.
func parse(t *testing.T, tel *telemetry.Telemetry) map[string]*dto.MetricFamily {
	t.Helper()
	text := scrape(t, tel)
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	for name, f := range families {
		if f.GetType() == dto.MetricType_UNTYPED {
			t.Errorf("%s is of no type", name)
		}
		if strings.HasPrefix(name, "polt_mcp_") && f.GetHelp() == "" {
			t.Errorf("%s has no help", name)
		}
	}
	seen := map[string]bool{}
	for line := range strings.Lines(text) {
		key := line
		if !strings.HasPrefix(line, "#") {
			key = line[:strings.LastIndex(line, " ")]
		} else if words := strings.Fields(line); len(words) < 4 {
			t.Errorf("a comment of no use: %q", line)
		} else {
			key = strings.Join(words[:3], " ")
		}
		if seen[key] {
			t.Errorf("%s is there twice", key)
		}
		seen[key] = true
	}
	return families
}

func TestExposition(t *testing.T) {
	c := newCollector(t, nil)
	w := newWorld(t, c.env(), http.StatusServiceUnavailable)
	w.call("get_agent", `{}`, `{"username":"lovelace"}`)
	w.call("get_leaderboard", `{}`, `{}`)
	w.telemetry.Refused("origin")
	w.telemetry.Refused("host")
	families := parse(t, w.telemetry)
	want := map[string]dto.MetricType{
		"polt_mcp_build_info":                               dto.MetricType_GAUGE,
		"polt_mcp_calls_total":                              dto.MetricType_COUNTER,
		"polt_mcp_requests_total":                           dto.MetricType_COUNTER,
		"polt_mcp_request_duration_seconds":                 dto.MetricType_HISTOGRAM,
		"polt_mcp_calls_in_flight":                          dto.MetricType_GAUGE,
		"polt_mcp_watches":                                  dto.MetricType_GAUGE,
		"polt_mcp_call_duration_seconds":                    dto.MetricType_HISTOGRAM,
		"polt_mcp_upstream_requests_total":                  dto.MetricType_COUNTER,
		"polt_mcp_upstream_request_duration_seconds":        dto.MetricType_HISTOGRAM,
		"polt_mcp_upstream_retries_total":                   dto.MetricType_COUNTER,
		"polt_mcp_upstream_up":                              dto.MetricType_GAUGE,
		"polt_mcp_http_refused_total":                       dto.MetricType_COUNTER,
		"polt_mcp_trace_spans_total":                        dto.MetricType_COUNTER,
		"polt_mcp_tls_certificate_expiry_timestamp_seconds": dto.MetricType_GAUGE,
		"process_start_time_seconds":                        dto.MetricType_GAUGE,
		"go_goroutines":                                     dto.MetricType_GAUGE,
		"go_memstats_heap_alloc_bytes":                      dto.MetricType_GAUGE,
		"go_memstats_alloc_bytes_total":                     dto.MetricType_COUNTER,
		"go_info":                                           dto.MetricType_GAUGE,
		"go_gc_duration_seconds":                            dto.MetricType_SUMMARY,
	}
	if runtime.GOOS == "linux" { // elsewhere there are fewer
		want["process_resident_memory_bytes"] = dto.MetricType_GAUGE
		want["process_virtual_memory_bytes"] = dto.MetricType_GAUGE
		want["process_cpu_seconds_total"] = dto.MetricType_COUNTER
		want["process_open_fds"] = dto.MetricType_GAUGE
		want["process_max_fds"] = dto.MetricType_GAUGE
	}
	for name, kind := range want {
		if f := families[name]; f == nil || f.GetType() != kind || len(f.Metric) == 0 {
			t.Errorf("%s is %v", name, f)
		}
	}
	started := families["process_start_time_seconds"].GetMetric()[0].GetGauge().GetValue()
	if since := time.Since(time.Unix(int64(started), 0)); since < 0 || since > time.Hour {
		t.Errorf("started %s ago", since)
	}
}

func TestBuckets(t *testing.T) {
	t.Parallel()
	tel, _ := open(t, nil)
	for _, took := range []time.Duration{0, 5 * time.Millisecond, 6 * time.Millisecond, 30 * time.Second, time.Hour} {
		count(t, tel, "x", rpc.Outcome{Duration: took})
	}
	h := parse(t, tel)["polt_mcp_call_duration_seconds"].GetMetric()[0].GetHistogram()
	if h.GetSampleCount() != 5 || math.Abs(h.GetSampleSum()-3630.011) > 1e-9 {
		t.Errorf("%d calls took %g s", h.GetSampleCount(), h.GetSampleSum())
	}
	want := []struct {
		until float64
		calls uint64
	}{{.001, 1}, {.0025, 1}, {.005, 2}, {.01, 3}, {.025, 3}, {.05, 3}, {.1, 3}, {.25, 3}, {.5, 3}, {1, 3}, {2.5, 3}, {5, 3}, {10, 3}, {30, 4}, {60, 4}, {math.Inf(1), 5}}
	if len(h.Bucket) != len(want) {
		t.Fatalf("%d buckets", len(h.Bucket))
	}
	for i, b := range h.Bucket {
		if b.GetUpperBound() != want[i].until || b.GetCumulativeCount() != want[i].calls {
			t.Errorf("%d calls until %g s, and not %v", b.GetCumulativeCount(), b.GetUpperBound(), want[i])
		}
	}
}

// TestCountsOfMany has many count the same at once, the first of each among
// them, while others scrape.
func TestCountsOfMany(t *testing.T) {
	t.Parallel()
	tel, _ := open(t, nil)
	const callers, calls = 8, 100
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for i := range calls {
				count(t, tel, string(rune('a'+i%10)), rpc.Outcome{Duration: time.Millisecond})
				tel.Refused("origin")
				if i%25 == 0 {
					scrape(t, tel)
				}
			}
		})
	}
	all.Wait()
	families := parse(t, tel)
	if got := families["polt_mcp_http_refused_total"].Metric[0].GetCounter().GetValue(); got != callers*calls {
		t.Errorf("%g were refused", got)
	}
	for i, m := range families["polt_mcp_calls_total"].Metric {
		took := families["polt_mcp_call_duration_seconds"].Metric[i].GetHistogram()
		if m.GetCounter().GetValue() != callers*calls/10 || took.GetSampleCount() != callers*calls/10 {
			t.Errorf("%v, which took %v", m, took)
		}
	}
}

func TestEachCountsItsOwn(t *testing.T) {
	t.Parallel()
	one, _ := open(t, nil)
	other, _ := open(t, nil)
	one.Refused("origin")
	one.Refused("origin")
	other.Refused("origin")
	wantMetrics(t, one, `polt_mcp_http_refused_total{reason="origin"} 2`)
	wantMetrics(t, other, `polt_mcp_http_refused_total{reason="origin"} 1`)
}
