package telemetry

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// scopeName is the instrumentation scope of the spans.
const scopeName = "github.com/openpolt/polt-mcp"

// endpoints are the variables for the collector's URL; the first that is set wins.
var endpoints = []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"}

// TracesWanted reports whether the environment enables traces, even if it is
// invalid. If not, a [Telemetry] is only needed to serve metrics.
func TracesWanted() bool {
	wanted, err := tracesWanted()
	return wanted || err != nil
}

// tracesWanted reports whether the environment enables traces. The SDK would
// export to localhost if the endpoint is missing or invalid, so an invalid one is
// an error here.
func tracesWanted() (bool, error) {
	exporter := getenv("OTEL_TRACES_EXPORTER")
	if strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true") || exporter == "none" {
		return false, nil
	}
	for _, name := range endpoints {
		endpoint := getenv(name)
		if endpoint == "" {
			continue
		}
		if u, err := url.Parse(endpoint); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
			return false, fmt.Errorf("%s is invalid: set an http:// or https:// URL, such as http://localhost:4318", name)
		}
		return true, nil
	}
	return exporter == "otlp", nil
}

func getenv(name string) string { return strings.TrimSpace(os.Getenv(name)) }

// tracing wraps OpenTelemetry's SDK, which reads its exporter and sampler settings
// from the environment.
type tracing struct {
	tracer    trace.Tracer
	processor sdk.SpanProcessor
}

func newTracing(o Options, m *metrics) (*tracing, error) {
	// These handlers are global. Without them the SDK prints to standard error,
	// including the values of variables, which may be secret.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { o.OnError(fmt.Errorf("OpenTelemetry: %w", err)) }))
	otel.SetLogger(logr.New(errorSink{o.OnError}))
	warnOfVariables(o.OnError)

	ctx := context.Background()
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("traces cannot be exported: %w", err)
	}
	own, err := resource.New(ctx,
		resource.WithAttributes(semconv.ServiceName("polt-mcp"), semconv.ServiceVersion(o.Version)),
		resource.WithFromEnv(), resource.WithTelemetrySDK())
	if err != nil {
		o.OnError(errors.New("OTEL_RESOURCE_ATTRIBUTES is invalid: set name=value pairs, separated by commas"))
	}
	processor := newSpanCounter(o, m).processor(exporter)
	provider := sdk.NewTracerProvider(sdk.WithSpanProcessor(processor), sdk.WithResource(own))
	tracer := provider.Tracer(scopeName, trace.WithInstrumentationVersion(o.Version), trace.WithSchemaURL(semconv.SchemaURL))
	return &tracing{tracer: tracer, processor: processor}, nil
}

// close exports the remaining spans, until ctx is done.
func (t *tracing) close(ctx context.Context) error {
	if err := t.processor.Shutdown(ctx); err != nil {
		return fmt.Errorf("the last spans may not have been exported: %w", err)
	}
	return nil
}

// warnOfVariables reports settings that the SDK would silently ignore.
func warnOfVariables(onError func(error)) {
	if exporter := getenv("OTEL_TRACES_EXPORTER"); exporter != "" && exporter != "otlp" {
		onError(errors.New("OTEL_TRACES_EXPORTER is not supported: set otlp or none; traces are exported by otlp"))
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		protocol := getenv(name)
		if protocol == "" {
			continue
		}
		if protocol != "http/protobuf" && protocol != "http/json" {
			onError(fmt.Errorf("%s is not supported: set http/protobuf or http/json; traces are sent as http/protobuf", name))
		}
		break
	}
	for _, name := range []string{
		"OTEL_BSP_SCHEDULE_DELAY", "OTEL_BSP_EXPORT_TIMEOUT", "OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
	} {
		if value := getenv(name); value != "" {
			if n, err := strconv.Atoi(value); err != nil || n <= 0 {
				onError(fmt.Errorf("%s is invalid: set a positive number; the default is used", name))
			}
		}
	}
}

// errorSink reports the SDK's logged errors without their values, which may be
// secret.
type errorSink struct{ onError func(error) }

func (errorSink) Init(logr.RuntimeInfo)            {}
func (errorSink) Enabled(int) bool                 { return false }
func (errorSink) Info(int, string, ...any)         {}
func (s errorSink) WithValues(...any) logr.LogSink { return s }
func (s errorSink) WithName(string) logr.LogSink   { return s }
func (s errorSink) Error(err error, what string, _ ...any) {
	s.onError(fmt.Errorf("OpenTelemetry: %s: %w", what, err))
}
