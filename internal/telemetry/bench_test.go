package telemetry_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/openpolt/polt-mcp/internal/rpc"
	"github.com/openpolt/polt-mcp/internal/telemetry"
	"github.com/openpolt/polt-mcp/polt"
)

// discard is a transport that costs nothing.
type discard struct{}

func (discard) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK}, nil
}

// BenchmarkCall is all that a call costs here, with its one request.
func BenchmarkCall(b *testing.B) {
	traced := env{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_BSP_SCHEDULE_DELAY": "3600000",
		"OTEL_BSP_MAX_QUEUE_SIZE": "1", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "1000000"}
	for _, bench := range []struct {
		name   string
		env    env
		parent string
	}{
		{"off", nil, ""},
		{"off, traceparent", nil, parent},
		{"on, not sampled", traced, unsample},
		{"on, sampled", traced, parent},
	} {
		b.Run(bench.name, func(b *testing.B) {
			bench.env.set(b)
			tel, err := telemetry.New(telemetry.Options{})
			if err != nil {
				b.Fatal(err)
			}
			transport := tel.Transport(discard{})
			attempt := polt.Attempt{Operation: "GET /api/leaderboard", Method: "GET", Number: 1, Status: 200, Duration: time.Millisecond}
			request, err := http.NewRequest(http.MethodGet, "http://polt.test/", nil)
			if err != nil {
				b.Fatal(err)
			}
			m := callFrom(b, bench.parent)
			during := func(ctx context.Context) {
				r := request.WithContext(ctx)
				_, _ = transport.RoundTrip(r)
				tel.Attempt(ctx, attempt)
			}
			b.ReportAllocs()
			for b.Loop() {
				observe(context.Background(), tel, m, rpc.Outcome{Duration: time.Millisecond}, during)
			}
			ended, cancel := context.WithCancel(context.Background())
			cancel()
			_ = tel.Close(ended)
		})
	}
}
