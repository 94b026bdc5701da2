// Package stdio serves MCP over a pair of streams: one JSON-RPC message a
// line, as MCP's stdio transport wants it. It refuses lines that are too long,
// and answers all that it has read before it ends.
package stdio

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/openpolt/polt-mcp/internal/memory"
	"github.com/openpolt/polt-mcp/internal/rpc"
)

// Options configure [Serve]. The zero value is good.
type Options struct {
	// InFlight is how many requests run at a time that ask the platform; 0 means
	// 64.
	InFlight int
	// MaxLine is how many bytes a message may have; 0 means 4 MiB.
	MaxLine int
	// Memory is what messages and large answers are charged to; nil has no bounds.
	Memory *memory.Budget
	// Drain is how long calls in flight may take after the end of input, or of
	// the context; 0 means 10 seconds.
	Drain time.Duration
}

const (
	defaultMaxLine = 4 << 20
	defaultDrain   = 10 * time.Second
)

// Serve answers the messages of in until its end, or until ctx is done: then
// it reads no more, and returns when every request that was read has been
// answered, within the drain time. It returns an error only where in or out
// failed.
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
	case <-ctx.Done(): // the reader may be blocked in in, which is not ours to close
	case <-session.Failed():
	case <-stalls.stalled:
		err = errStalled
	}
	cancelIntake()
	return errors.Join(err, session.Close(o.Drain))
}

// read hands the lines of in to the session until the end of either.
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

// handle hands a line in to the session, as soon as there is memory for it. What
// does not get any in time is refused.
func handle(ctx context.Context, line []byte, budget *memory.Budget, session *rpc.Session) {
	account := budget.Open(memory.Caller{Known: true})
	err := account.AwaitBody(ctx, int64(3*len(line))) // it is held in parts beside the whole
	if ctx.Err() != nil {
		account.Close()
		return
	}
	in := rpc.Parse(line)
	if err != nil {
		in.Reject(noMemory(err))
	}
	session.Handle(memory.With(ctx, account), in, rpc.Hold{
		Answered: func(bytes int) { account.Settle(int64(bytes)) },
		Done:     account.Close,
	})
}

// noMemory returns the answer to a message for which there is no memory.
func noMemory(err error) mcp.JSONRPCErrorDetails {
	seconds := 1
	if busy, ok := errors.AsType[*memory.Error](err); ok {
		seconds = int(math.Ceil(busy.RetryAfter().Seconds()))
	}
	return mcp.NewJSONRPCErrorDetails(mcp.INTERNAL_ERROR,
		fmt.Sprintf("The server's memory is in use (--max-memory). Wait %d seconds, then send the request again.", seconds),
		map[string]any{"code": "rate_limited", "retryable": true, "retry_after_s": seconds, "limit": "max_memory"})
}

// lineWriter writes messages, one a line. None has a line end in it.
type lineWriter struct{ *bufio.Writer }

func (w lineWriter) WriteMessage(message rpc.Response) error {
	_, err := message.WriteTo(w.Writer)
	return errors.Join(err, w.WriteByte('\n'))
}
