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

// spanCounter counts what becomes of spans.
type spanCounter struct {
	exported, dropped, failed prometheus.Counter
	onError                   func(error)

	limit      int64 // spans that wait, at most
	waiting    atomic.Int64
	hasDropped atomic.Bool // since the last export
	isFailing  atomic.Bool // so did the last export
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

// processor returns the SDK's batch processor of an exporter, with everything
// counted.
func (c *spanCounter) processor(e sdk.SpanExporter) sdk.SpanProcessor {
	return &spanProcessor{c, sdk.NewBatchSpanProcessor(&spanExporter{c, e}, func(o *sdk.BatchSpanProcessorOptions) {
		// They are what the environment says: the SDK panics on some values.
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

// spanProcessor drops spans before the SDK's processor would, which does so in
// silence.
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

// Shutdown exports what is left, until ctx is done. No goroutine is left then.
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

// spanExporter counts what is exported, and what is not.
type spanExporter struct {
	*spanCounter
	sdk.SpanExporter
}

// ExportSpans exports a batch. It tells of the first of several failures itself,
// and returns none, as the SDK tells of errors to the whole process.
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
	if isFirst := !e.isFailing.Swap(err != nil); isFirst && err != nil { // the rest is counted
		e.onError(fmt.Errorf("%d of %d spans were not exported: %s", failed, n, shorten(err)))
	}
	e.failed.Add(float64(failed))
	e.exported.Add(float64(n - failed))
	return nil
}

// Shutdown is called when the last batch has been exported.
func (e *spanExporter) Shutdown(ctx context.Context) error {
	defer close(e.done)
	return e.SpanExporter.Shutdown(ctx)
}

// rejected returns how many spans of n an error says were not exported. The
// SDK's error of a partial success has its number in the text alone.
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

// shorten returns an error's text, which may hold a whole page of the
// collector's, on one line of a bearable length.
func shorten(err error) string { return clean.Line(err.Error(), 300) }
