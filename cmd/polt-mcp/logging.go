package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/rs/zerolog"

	"github.com/openpolt/polt-mcp/internal/clean"
	"github.com/openpolt/polt-mcp/internal/rpc"
	"github.com/openpolt/polt-mcp/internal/telemetry"
	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
	"github.com/openpolt/polt-mcp/tools/resources"
)

// logFlags select what is logged, and where.
type logFlags struct {
	LogLevel string `type:"lowercase" enum:"trace,debug,info,warn,error" default:"warn" help:"Minimum level to log: ${enum}. debug logs each request to the platform. Keys are never logged."`
	LogFile  string `placeholder:"FILE" help:"Log to this file, as JSON lines, instead of to standard error."`
}

// open returns the logger and its file, which the caller must close.
func (f logFlags) open(stderr io.Writer) (zerolog.Logger, *logFile, error) {
	level, err := zerolog.ParseLevel(f.LogLevel)
	if err != nil {
		return zerolog.Nop(), nil, err
	}
	out := &logFile{path: f.LogFile, w: zerolog.ConsoleWriter{Out: stderr, NoColor: true, TimeFormat: time.TimeOnly}}
	if err := out.reopen(); err != nil {
		return zerolog.Nop(), nil, fmt.Errorf("the log file: %w", err)
	}
	return zerolog.New(out).Level(level).With().Timestamp().Logger(), out, nil
}

// logFile is a log's destination.
type logFile struct {
	path string // "" for no file

	mu   sync.Mutex
	w    io.Writer
	file *os.File // same as w, or nil if it is not a file
}

func (f *logFile) Write(line []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.w.Write(line)
}

// reopen reopens the log, if it is a file.
func (f *logFile) reopen() error {
	if f.path == "" {
		return nil
	}
	file, err := os.OpenFile(f.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	f.mu.Lock()
	before := f.file
	f.w, f.file = file, file
	f.mu.Unlock()
	if before != nil {
		_ = before.Close()
	}
	return nil
}

func (f *logFile) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		return nil
	}
	return f.file.Close()
}

// logStart logs the start of a server.
func (f *platformFlags) logStart(log zerolog.Logger, a *app) {
	platform := a.client.BaseURL()
	if f.Local {
		platform = "sandbox"
	}
	log.Info().Str("version", version()).Str("platform", platform).Int("pid", os.Getpid()).Msg("started")
}

// logAttempts logs each request to the platform and then calls also, if not
// nil.
func logAttempts(log zerolog.Logger, also func(context.Context, polt.Attempt)) func(context.Context, polt.Attempt) {
	return func(ctx context.Context, a polt.Attempt) {
		if also != nil {
			also(ctx, a)
		}
		event := log.Debug()
		identifyTrace(ctx, event)
		event.Str("method", a.Method).Str("path", a.Path).Int("status", a.Status).
			Float64("ms", milliseconds(a.Duration)).Int("bytes", a.Bytes).Int("attempt", a.Number).
			Err(a.Err).Msg("upstream")
	}
}

// logCalls logs each tool call, for commands without a dispatcher that reports
// requests.
func logCalls(log zerolog.Logger) func(context.Context, tools.Call) {
	return func(_ context.Context, c tools.Call) {
		if c.Panic != nil {
			log.Error().Str("tool", c.Tool).Interface("panic", c.Panic).Msg("a handler panicked")
			return
		}
		log.Debug().Str("tool", c.Tool).Str("code", string(c.Code)).Float64("ms", milliseconds(c.Duration)).Msg("call")
	}
}

// reportCalls adds a tool's error code to the request's log entry, and logs
// panics.
func reportCalls(log zerolog.Logger, identify func(context.Context, *zerolog.Event)) func(context.Context, tools.Call) {
	return func(ctx context.Context, c tools.Call) {
		if c.Panic != nil {
			event := log.Error()
			identify(ctx, event)
			event.Str("tool", c.Tool).Interface("panic", c.Panic).Msg("a handler panicked")
		}
		rpc.FailedAs(ctx, string(c.Code))
	}
}

// logRequests logs each request at a level, with the fields that identify adds.
func logRequests(log zerolog.Logger, level zerolog.Level, identify func(context.Context, *zerolog.Event)) rpc.Observer {
	if log.GetLevel() > level {
		return nil
	}
	return func(ctx context.Context, m *rpc.Message) (context.Context, func(rpc.Outcome)) {
		return ctx, func(o rpc.Outcome) {
			event := log.WithLevel(level)
			identify(ctx, event)
			if m.Method == string(mcp.MethodToolsCall) && o.Code == 0 { // otherwise the name may be arbitrary
				event.Str("tool", m.Target())
			} else {
				event.Str("method", clean.Line(m.Method, 60))
			}
			event.Str("code", o.ErrorType).Float64("ms", milliseconds(o.Duration)).Msg("request")
		}
	}
}

// newTelemetry returns the metrics and traces, and a closer that exports the
// remaining spans.
func newTelemetry(ctx context.Context, log zerolog.Logger) (*telemetry.Telemetry, io.Closer, error) {
	tel, err := telemetry.New(telemetry.Options{
		Version: version(), ResourceTemplate: resources.Template,
		OnError: func(err error) { log.Warn().Err(err).Msg("telemetry") },
	})
	if err != nil {
		return nil, nil, err
	}
	return tel, closeFunc(func() error {
		patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), exportPatience)
		defer cancel()
		return tel.Close(patience)
	}), nil
}

// exportPatience bounds the export of the last spans.
const exportPatience = 5 * time.Second

// identifyAgent adds the username of a request's agent, if known.
func identifyAgent(event *zerolog.Event, name string) {
	if name != "" {
		event.Str("agent", name)
	}
}

// identifyTrace adds the trace of a request.
func identifyTrace(ctx context.Context, event *zerolog.Event) {
	if !event.Enabled() {
		return
	}
	if id := telemetry.TraceID(ctx); id != "" {
		event.Str("trace_id", id)
	}
}

// logPanic returns a function that logs a recovered panic.
func logPanic(log zerolog.Logger) func(any) {
	return func(p any) { log.Error().Interface("panic", p).Msg("the server panicked") }
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
