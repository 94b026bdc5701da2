package telemetry_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/openpolt/polt-mcp/internal/rpc"
	"github.com/openpolt/polt-mcp/internal/telemetry"
)

// end ends n spans, named from 0 on.
func end(t *testing.T, tel *telemetry.Telemetry, from, n int) {
	t.Helper()
	for i := from; i < from+n; i++ {
		count(t, tel, fmt.Sprint(i), rpc.Outcome{})
	}
}

// answers answers with the functions one after the other, and then with 200.
func answers(each ...http.HandlerFunc) http.HandlerFunc {
	var n atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) {
		if i := int(n.Add(1)) - 1; i < len(each) {
			each[i](w, r)
		}
	}
}

func status(code int, retryAfter ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if len(retryAfter) > 0 {
			w.Header().Set("Retry-After", retryAfter[0])
		}
		w.WriteHeader(code)
	}
}

func TestExportsAfterAWhile(t *testing.T) {
	c := newCollector(t, nil)
	tel, _ := open(t, c.env("OTEL_BSP_SCHEDULE_DELAY", "1"))
	end(t, tel, 0, 1)
	if got := c.wait().spans(); len(got) != 1 || got[0].Name != "tools/call 0" {
		t.Errorf("exported %v", got)
	}
}

func TestExportsInBatches(t *testing.T) {
	c := newCollector(t, nil)
	tel, _ := open(t, c.env("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "2"))
	end(t, tel, 0, 5)
	var got []string
	for range 2 { // these do not wait for the delay
		for _, s := range c.wait().spans() {
			got = append(got, s.Name)
		}
	}
	if err := tel.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if last := c.wait().spans(); len(last) != 1 || strings.Join(append(got, last[0].Name), " ") != "tools/call 0 tools/call 1 tools/call 2 tools/call 3 tools/call 4" {
		t.Errorf("exported %v and then %v", got, last)
	}
	if err := tel.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	end(t, tel, 5, 1)
	wantMetrics(t, tel, `polt_mcp_trace_spans_total{outcome="exported"} 5`, `polt_mcp_trace_spans_total{outcome="dropped"} 1`)
}

// TestDropsWhatDoesNotFit has a collector that holds the first export: calls
// go on, and spans are lost.
func TestDropsWhatDoesNotFit(t *testing.T) {
	release := make(chan struct{})
	c := newCollector(t, answers(func(http.ResponseWriter, *http.Request) { <-release }))
	tel, problems := open(t, c.env("OTEL_BSP_MAX_QUEUE_SIZE", "2", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1"))
	end(t, tel, 0, 1)
	c.wait()
	end(t, tel, 1, 10)
	wantMetrics(t, tel, `polt_mcp_trace_spans_total{outcome="dropped"} 8`)
	close(release)
	if got := problems.wait(t); !strings.Contains(got, "dropped") {
		t.Errorf("told %q", got)
	}
	if err := tel.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	spans := c.spans()
	if len(spans) != 2 || spans["tools/call 1"] == nil || spans["tools/call 2"] == nil || len(problems.all) != 1 {
		t.Errorf("exported %v, told %q", spans, problems.all)
	}
}

func TestFailedExports(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"a fault of ours": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte("<html>\n" + strings.Repeat("no", 10_000)))
		},
		"hangs up": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			c := newCollector(t, answer)
			tel, problems := open(t, c.env("OTEL_EXPORTER_OTLP_HEADERS", "authorization=secret"))
			end(t, tel, 0, 3)
			if err := tel.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			wantMetrics(t, tel, `polt_mcp_trace_spans_total{outcome="failed"} 3`, `polt_mcp_trace_spans_total{outcome="exported"} 0`)
			got := strings.Join(problems.all, "\n")
			if !strings.HasPrefix(got, "3 of 3 spans were not exported: ") || strings.Contains(got, "secret") || strings.Contains(got, "\n") || len(got) > 400 {
				t.Errorf("told %q", got)
			}
		})
	}
}

func TestRefusedInPart(t *testing.T) {
	for name, test := range map[string]struct {
		reply  *collector.ExportTracePartialSuccess
		failed int
		want   string
	}{
		"some":                 {&collector.ExportTracePartialSuccess{RejectedSpans: 2, ErrorMessage: "too old"}, 2, "2 of 3 spans were not exported: "},
		"more than there were": {&collector.ExportTracePartialSuccess{RejectedSpans: 20}, 3, "3 of 3 spans were not exported: "},
		"less than none":       {&collector.ExportTracePartialSuccess{RejectedSpans: -1}, 0, "0 of 3 spans were not exported: "},
		"a warning":            {&collector.ExportTracePartialSuccess{ErrorMessage: "too old"}, 0, "0 of 3 spans were not exported: "},
		"none":                 {nil, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCollector(t, func(w http.ResponseWriter, _ *http.Request) {
				b, err := proto.Marshal(&collector.ExportTraceServiceResponse{PartialSuccess: test.reply})
				if err != nil {
					t.Error(err)
				}
				w.Header().Set("Content-Type", "application/x-protobuf")
				_, _ = w.Write(b)
			})
			tel, problems := open(t, c.env())
			end(t, tel, 0, 3)
			if err := tel.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			wantMetrics(t, tel, fmt.Sprintf(`polt_mcp_trace_spans_total{outcome="failed"} %d`, test.failed),
				fmt.Sprintf(`polt_mcp_trace_spans_total{outcome="exported"} %d`, 3-test.failed))
			got := strings.Join(problems.all, "\n")
			if !strings.HasPrefix(got, test.want) || (got == "") != (test.want == "") {
				t.Errorf("told %q", got)
			}
		})
	}
}

// TestTimeout has a collector that never answers.
func TestTimeout(t *testing.T) {
	c := newCollector(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	tel, problems := open(t, c.env("OTEL_BSP_EXPORT_TIMEOUT", "20", "OTEL_BSP_SCHEDULE_DELAY", "1"))
	end(t, tel, 0, 1)
	if got := problems.wait(t); !strings.Contains(got, "1 of 1 spans were not exported") {
		t.Errorf("told %q", got)
	}
}

// TestCloseDoesNotWait closes while the collector holds an export, and while
// it is waited for.
func TestCloseDoesNotWait(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"it does not answer":  func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"it wants us to wait": status(503, "9"),
	} {
		t.Run(name, func(t *testing.T) {
			c := newCollector(t, answer)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			c.env("OTEL_EXPORTER_OTLP_TIMEOUT", "3600000").set(t)
			tel, err := telemetry.New(telemetry.Options{})
			if err != nil {
				t.Fatal(err)
			}
			end(t, tel, 0, 1)
			closed := make(chan error, 1)
			go func() { closed <- tel.Close(ctx) }()
			c.wait()
			cancel()
			if err := <-closed; err == nil || !strings.Contains(err.Error(), "context canceled") {
				t.Errorf("closed with %v", err)
			}
			wantMetrics(t, tel, `polt_mcp_trace_spans_total{outcome="failed"} 1`)
		})
	}
}

// TestNobodyThere has a collector that has gone.
func TestNobodyThere(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	tel, problems := open(t, env{"OTEL_EXPORTER_OTLP_ENDPOINT": strings.Replace(gone.URL, "http://", "http://me:secret@", 1)})
	end(t, tel, 0, 1)
	if err := tel.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(problems.all) != 1 || strings.Contains(problems.all[0], "secret") || !strings.Contains(problems.all[0], "refused") {
		t.Errorf("told %q", problems.all)
	}
}

// TestFailuresAreToldOnce has a collector that fails, works and fails again.
func TestFailuresAreToldOnce(t *testing.T) {
	c := newCollector(t, answers(status(400), status(401), status(200), status(400), status(400)))
	tel, problems := open(t, c.env("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1"))
	end(t, tel, 0, 5)
	if err := tel.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantMetrics(t, tel, `polt_mcp_trace_spans_total{outcome="failed"} 4`, `polt_mcp_trace_spans_total{outcome="exported"} 1`)
	if len(problems.all) != 2 || !strings.Contains(problems.all[0], "400") || !strings.Contains(problems.all[1], "400") {
		t.Errorf("told %q", problems.all)
	}
}
