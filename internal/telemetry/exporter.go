package telemetry

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	sdk "go.opentelemetry.io/otel/sdk/trace"

	"github.com/openpolt/polt-mcp/internal/clean"
)

// spanCounter counts exported and dropped spans.
type spanCounter struct {
	exported, dropped, failed prometheus.Counter
	onError                   func(error)

	limit      int64 // maximum of waiting
	waiting    atomic.Int64
	hasDropped atomic.Bool // since the last export
	isFailing  atomic.Bool // the last export failed
	isClosed   atomic.Bool
	done       chan struct{}   // closed when nothing is exported any more
	ctx        context.Context // cancels an export
	cancel     context.CancelFunc
}

func newSpanCounter(o Options, m *metrics) *spanCounter {
	spans := counter("polt_mcp_trace_spans_total",
		"Spans by what became of them: exported, dropped because the queue was full, or failed to be exported.", "outcome")
	m.registry.MustRegister(spans)
	c := &spanCounter{
		exported: spans.WithLabelValues("exported"), dropped: spans.WithLabelValues("dropped"), failed: spans.WithLabelValues("failed"),
		onError: o.OnError, done: make(chan struct{}),
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// processor returns the SDK's batch processor for an exporter, with its spans
// counted.
func (c *spanCounter) processor(e sdk.SpanExporter) sdk.SpanProcessor {
	return &spanProcessor{c, sdk.NewBatchSpanProcessor(&spanExporter{c, e}, func(o *sdk.BatchSpanProcessorOptions) {
		// The values are from the environment, and the SDK panics on some.
		if o.MaxQueueSize <= 0 {
			o.MaxQueueSize = sdk.DefaultMaxQueueSize
		}
		if o.MaxExportBatchSize <= 0 {
			o.MaxExportBatchSize = sdk.DefaultMaxExportBatchSize
		}
		if o.BatchTimeout <= 0 {
			o.BatchTimeout = sdk.DefaultScheduleDelay * time.Millisecond
		}
		if o.ExportTimeout <= 0 {
			o.ExportTimeout = sdk.DefaultExportTimeout * time.Millisecond
		}
		c.limit = int64(o.MaxQueueSize)
	})}
}

// spanProcessor drops spans before the SDK's processor would, as that does so
// silently.
type spanProcessor struct {
	*spanCounter
	sdk.SpanProcessor
}

// OnEnd queues a span that has ended.
func (p *spanProcessor) OnEnd(s sdk.ReadOnlySpan) {
	if !s.SpanContext().IsSampled() {
		return
	}
	if p.isClosed.Load() {
		p.dropped.Inc()
		return
	}
	if p.waiting.Add(1) > p.limit {
		p.waiting.Add(-1)
		p.dropped.Inc()
		p.hasDropped.Store(true)
		return
	}
	p.SpanProcessor.OnEnd(s)
}

// Shutdown exports the remaining spans, until ctx is done. It leaves no goroutine.
func (p *spanProcessor) Shutdown(ctx context.Context) error {
	p.isClosed.Store(true)
	defer p.cancel()
	defer context.AfterFunc(ctx, p.cancel)()
	err := p.SpanProcessor.Shutdown(ctx)
	if err != nil {
		p.cancel()
	}
	<-p.done
	return err
}

// spanExporter counts the spans that are exported, and those that are not.
type spanExporter struct {
	*spanCounter
	sdk.SpanExporter
}

// ExportSpans exports a batch. It reports the first of consecutive failures to
// onError and returns nil, as the SDK's error handler is global.
func (e *spanExporter) ExportSpans(ctx context.Context, batch []sdk.ReadOnlySpan) error {
	n := len(batch)
	e.waiting.Add(-int64(n))
	if e.hasDropped.Swap(false) {
		e.onError(errors.New("spans were dropped: they end faster than the collector takes them"))
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.ctx, cancel)()
	err := e.SpanExporter.ExportSpans(ctx, batch)
	failed := 0
	if err != nil {
		failed = rejected(err, n)
	}
	if isFirst := !e.isFailing.Swap(err != nil); isFirst && err != nil { // further failures are only counted
		e.onError(fmt.Errorf("%d of %d spans were not exported: %s", failed, n, shorten(err)))
	}
	e.failed.Add(float64(failed))
	e.exported.Add(float64(n - failed))
	return nil
}

// Shutdown is called after the last batch.
func (e *spanExporter) Shutdown(ctx context.Context) error {
	defer close(e.done)
	return e.SpanExporter.Shutdown(ctx)
}

// rejected returns how many of n spans were not exported according to an error.
// The SDK's partial-success error has the number only in its text.
func rejected(err error, n int) int {
	text, ok := strings.CutSuffix(err.Error(), " spans rejected)")
	if !ok {
		return n
	}
	count, err := strconv.Atoi(text[strings.LastIndexByte(text, '(')+1:])
	if err != nil {
		return n
	}
	return min(max(count, 0), n)
}

// shorten returns an error's text as one short line: it may contain a whole HTML
// page from the collector.
func shorten(err error) string { return clean.Line(err.Error(), 300) }
