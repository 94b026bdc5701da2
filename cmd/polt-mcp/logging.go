package main

import (
	"context"
	"fmt"
	"io"
	"os"
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

// logFlags say what is logged, and where to.
type logFlags struct {
	LogLevel string `enum:"trace,debug,info,warn,error" default:"warn" help:"Minimum level to log: ${enum}. debug logs each request to the platform. Keys are never logged."`
	LogFile  string `placeholder:"FILE" help:"Log to this file, as JSON lines, instead of to standard error."`
}

// open returns the log, and what to close at the end.
func (f logFlags) open(stderr io.Writer) (zerolog.Logger, io.Closer, error) {
	level, err := zerolog.ParseLevel(f.LogLevel)
	if err != nil {
		return zerolog.Nop(), nil, err
	}
	var out io.Writer = zerolog.ConsoleWriter{Out: stderr, NoColor: true, TimeFormat: time.TimeOnly}
	var closer io.Closer = noCloser
	if f.LogFile != "" {
		file, err := os.OpenFile(f.LogFile, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return zerolog.Nop(), nil, fmt.Errorf("the log file: %w", err)
		}
		out, closer = file, file
	}
	return zerolog.New(zerolog.SyncWriter(out)).Level(level).With().Timestamp().Logger(), closer, nil
}

// logAttempts logs each request to the platform, and tells also of it, unless
// that is nil.
func logAttempts(log zerolog.Logger, also func(context.Context, polt.Attempt)) func(context.Context, polt.Attempt) {
	return func(ctx context.Context, a polt.Attempt) {
		if also != nil {
			also(ctx, a)
		}
		log.Debug().Str("method", a.Method).Str("path", a.Path).Int("status", a.Status).
			Float64("ms", milliseconds(a.Duration)).Int("bytes", a.Bytes).Int("attempt", a.Number).
			Err(a.Err).Msg("upstream")
	}
}

// logCalls logs each call of a tool, where no dispatcher tells of requests.
func logCalls(log zerolog.Logger) func(context.Context, tools.Call) {
	return func(_ context.Context, c tools.Call) {
		if c.Panic != nil {
			log.Error().Str("tool", c.Tool).Interface("panic", c.Panic).Msg("a handler panicked")
			return
		}
		log.Debug().Str("tool", c.Tool).Str("code", string(c.Code)).Float64("ms", milliseconds(c.Duration)).Msg("call")
	}
}

// reportCalls has the end of a request tell what its tool has failed with, and
// logs what the tool has panicked with.
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

// logRequests logs each request at a level, with what identify adds to it.
func logRequests(log zerolog.Logger, level zerolog.Level, identify func(context.Context, *zerolog.Event)) rpc.Observer {
	if log.GetLevel() > level {
		return nil
	}
	return func(ctx context.Context, m *rpc.Message) (context.Context, func(rpc.Outcome)) {
		return ctx, func(o rpc.Outcome) {
			event := log.WithLevel(level)
			identify(ctx, event)
			if m.Method == string(mcp.MethodToolsCall) && o.Code == 0 { // else it may be the name of anything
				event.Str("tool", m.Target())
			} else {
				event.Str("method", clean.Line(m.Method, 60))
			}
			event.Str("code", o.ErrorType).Float64("ms", milliseconds(o.Duration)).Msg("request")
		}
	}
}

// newTelemetry returns what counts and traces requests, and what to close at the
// end, when it exports for a while what is left.
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

// exportPatience is how long the last spans may take to be exported.
const exportPatience = 5 * time.Second

// identifyAgent adds the name of the agent that a request is of, where it is
// known.
func identifyAgent(event *zerolog.Event, name string) {
	if name != "" {
		event.Str("agent", name)
	}
}

// identifyTrace adds the trace that a request is in.
func identifyTrace(ctx context.Context, event *zerolog.Event) {
	if id := telemetry.TraceID(ctx); id != "" {
		event.Str("trace_id", id)
	}
}

// logPanic logs what a handler panicked with.
func logPanic(log zerolog.Logger) func(any) {
	return func(p any) { log.Error().Interface("panic", p).Msg("the server panicked") }
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
