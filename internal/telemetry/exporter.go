package telemetry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// exporter sends spans in batches, from one goroutine. Whoever adds one never
// waits: where the queue is full, the span is dropped and counted.
type exporter struct {
	*settings
	version string
	metrics spanMetrics
	onError func(error)
	client  *http.Client

	queue   chan *span
	dropped chan struct{} // holds one where spans were dropped since the last export
	closing chan struct{}
	done    chan struct{}
	once    sync.Once
	ctx     context.Context // ends what the goroutine is at
	cancel  context.CancelFunc
}

func newExporter(s *settings, version string, m spanMetrics, onError func(error)) *exporter {
	e := &exporter{
		settings: s, version: version, metrics: m, onError: onError,
		queue:   make(chan *span, s.queue),
		dropped: make(chan struct{}, 1),
		closing: make(chan struct{}),
		done:    make(chan struct{}),
		client: &http.Client{
			Transport: &http.Transport{
				Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true,
				IdleConnTimeout: 90 * time.Second, TLSHandshakeTimeout: 5 * time.Second,
			},
			// A redirect would carry the headers, which are secret, elsewhere.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	go e.run()
	return e
}

// add hands a span over.
func (e *exporter) add(s *span) {
	select {
	case <-e.closing:
		e.metrics.dropped.Inc()
		return
	default:
	}
	select {
	case e.queue <- s:
	default:
		e.metrics.dropped.Inc()
		select {
		case e.dropped <- struct{}{}:
		default:
		}
	}
}

// run exports until the exporter is closed, and then what is left.
func (e *exporter) run() {
	defer close(e.done)
	tick := time.NewTicker(e.delay)
	defer tick.Stop()
	batch := make([]*span, 0, e.batch)
	export := func() {
		e.export(batch)
		clear(batch)
		batch = batch[:0]
	}
	add := func(s *span) {
		if batch = append(batch, s); len(batch) == e.batch {
			export()
		}
	}
	for {
		select {
		case s := <-e.queue:
			add(s)
		case <-tick.C:
			export()
		case <-e.closing:
			for len(e.queue) > 0 {
				add(<-e.queue)
			}
			export()
			return
		}
	}
}

// export sends a batch, and tells what was lost.
func (e *exporter) export(batch []*span) {
	select {
	case <-e.dropped:
		e.onError(errors.New("spans were dropped: they end faster than the collector takes them"))
	default:
	}
	if len(batch) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(e.ctx, e.timeout)
	defer cancel()
	rejected, err := e.send(ctx, encode(batch, e.resource, e.version))
	if err != nil {
		rejected = len(batch)
		e.onError(fmt.Errorf("%d spans were not exported: %w", rejected, err))
	} else if rejected = min(rejected, len(batch)); rejected > 0 {
		e.onError(fmt.Errorf("the collector refused %d of %d spans", rejected, len(batch)))
	}
	e.metrics.failed.Add(rejected)
	e.metrics.exported.Add(len(batch) - rejected)
}

// close exports what is left, until ctx is done. No goroutine is left then.
func (e *exporter) close(ctx context.Context) error {
	e.once.Do(func() { close(e.closing) })
	var err error
	select {
	case <-e.done:
	case <-ctx.Done():
		e.cancel()
		<-e.done
		err = fmt.Errorf("the last spans may not have been exported: %w", context.Cause(ctx))
	}
	e.cancel()
	e.client.CloseIdleConnections()
	return err
}
