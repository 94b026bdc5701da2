// Package stdio serves MCP over a pair of streams: one JSON-RPC message a
// line, as MCP's stdio transport wants it. It refuses lines that are too long,
// and answers all that it has read before it ends.
package stdio

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"time"

	"github.com/openpolt/polt-mcp/internal/rpc"
)

// Options configure [Serve]. The zero value is good.
type Options struct {
	// InFlight is how many requests run at a time that ask the platform; 0 means
	// 64.
	InFlight int
	// MaxLine is how many bytes a message may have; 0 means 4 MiB.
	MaxLine int
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
	session, err := rpc.NewSession(ctx, d, lineWriter{bufio.NewWriterSize(out, 64<<10)}, o.InFlight)
	if err != nil {
		return err
	}
	intake, cancelIntake := context.WithCancel(ctx)
	defer cancelIntake()
	readErr := make(chan error, 1)
	go func() { readErr <- read(intake, in, o.MaxLine, session) }()
	select {
	case err = <-readErr:
	case <-ctx.Done(): // the reader may be blocked in in, which is not ours to close
	case <-session.Failed():
	}
	cancelIntake()
	return errors.Join(err, session.Close(o.Drain))
}

// read hands the lines of in to the session until the end of either.
func read(ctx context.Context, in io.Reader, maxLine int, session *rpc.Session) error {
	lines := newLineReader(in, maxLine)
	for ctx.Err() == nil {
		line, err := lines.next()
		switch {
		case err == io.EOF:
			return nil
		case err == errLineTooLong:
			session.Refuse(guessID(line), tooLong(maxLine))
		case err != nil:
			return err
		case len(bytes.TrimSpace(line)) > 0:
			session.Handle(ctx, rpc.Parse(line), nil)
		}
	}
	return nil
}

// lineWriter writes messages, one a line. None has a line end in it.
type lineWriter struct{ *bufio.Writer }

func (w lineWriter) WriteMessage(message []byte) error {
	_, err := w.Write(message)
	return errors.Join(err, w.WriteByte('\n'))
}
