// Package stdio serves MCP's stdio transport: one JSON-RPC message per line. It
// rejects lines that are too long, and on exit waits for the requests in flight.
package stdio

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/openpolt/polt-mcp/internal/memory"
	"github.com/openpolt/polt-mcp/internal/rpc"
)

// Options configure [Serve]. The zero value is ready to use.
type Options struct {
	// InFlight limits the concurrent requests that need the platform; 0 means 64.
	InFlight int
	// MaxLine limits a message, in bytes; 0 means 4 MiB.
	MaxLine int
	// Memory is the budget for messages and large responses; nil is unlimited.
	Memory *memory.Budget
	// Drain is how long Serve waits for calls in flight after EOF or the end of the
	// context; 0 means 10 seconds.
	Drain time.Duration
}

const (
	defaultMaxLine = 4 << 20
	defaultDrain   = 10 * time.Second
)

// Serve answers the messages of in until EOF or until ctx is done. Then it stops
// reading, and waits up to the drain time for the requests in flight. It returns
// an error only if in or out failed, or the client stopped reading.
func Serve(ctx context.Context, d *rpc.Dispatcher, in io.Reader, out io.Writer, o Options) error {
	if o.MaxLine <= 0 {
		o.MaxLine = defaultMaxLine
	}
	if o.Drain <= 0 {
		o.Drain = defaultDrain
	}
	stalls := newStallWriter(out)
	defer stalls.stop()
	session, err := rpc.NewSession(ctx, d, lineWriter{bufio.NewWriterSize(stalls, 64<<10)}, o.InFlight)
	if err != nil {
		return err
	}
	intake, cancelIntake := context.WithCancel(ctx)
	defer cancelIntake()
	readErr := make(chan error, 1)
	go func() { readErr <- read(intake, in, o, session) }()
	select {
	case err = <-readErr:
	case <-ctx.Done(): // read may still be blocked on in, which is not ours to close
	case <-session.Failed():
	case <-stalls.stalled:
		err = errStalled
	}
	cancelIntake()
	return errors.Join(err, session.Close(o.Drain))
}

// read passes the lines of in to the session until EOF or ctx is done.
func read(ctx context.Context, in io.Reader, o Options, session *rpc.Session) error {
	lines := newLineReader(in, o.MaxLine)
	for ctx.Err() == nil {
		line, err := lines.next()
		switch {
		case err == io.EOF:
			return nil
		case err == errLineTooLong:
			session.Refuse(guessID(line), tooLong(o.MaxLine))
		case err != nil:
			return err
		case len(bytes.TrimSpace(line)) > 0:
			handle(ctx, line, o.Memory, session)
		}
	}
	return nil
}

// handle passes a line to the session once there is memory for it. If there is
// none in time, the line's requests are rejected.
func handle(ctx context.Context, line []byte, budget *memory.Budget, session *rpc.Session) {
	account := budget.Open(memory.Caller{Known: true})
	err := account.AwaitBody(ctx, int64(3*len(line))) // the parsed message copies parts of it
	if ctx.Err() != nil {
		account.Close()
		return
	}
	in := rpc.Parse(line)
	if err != nil {
		in.Reject(noMemory())
	}
	session.Handle(memory.With(ctx, account), in, rpc.Hold{
		Answered: func(bytes int) { account.Settle(int64(bytes)) },
		Done:     account.Close,
	})
}

// noMemory returns the error for a message that got no memory.
func noMemory() mcp.JSONRPCErrorDetails {
	const seconds = int(memory.RetryAfter / time.Second)
	return mcp.NewJSONRPCErrorDetails(mcp.INTERNAL_ERROR,
		fmt.Sprintf("The server's memory is in use (--max-memory). Wait %d seconds, then send the request again.", seconds),
		map[string]any{"code": "rate_limited", "retryable": true, "retry_after_s": seconds, "limit": "max_memory"})
}

// lineWriter writes messages, one per line. They must not contain newlines.
type lineWriter struct{ *bufio.Writer }

func (w lineWriter) WriteMessage(message rpc.Response) error {
	_, err := message.WriteTo(w.Writer)
	return errors.Join(err, w.WriteByte('\n'))
}
