package rpc

import "context"

type endingKey struct{}

// WithEnding returns a context for requests whose server begins to end when a
// channel is closed.
func WithEnding(ctx context.Context, ending <-chan struct{}) context.Context {
	return context.WithValue(ctx, endingKey{}, ending)
}

// Ending returns what is closed when the server of a request begins to end, so
// that what waits for something answers; nil where that is not known.
func Ending(ctx context.Context) <-chan struct{} {
	ending, _ := ctx.Value(endingKey{}).(<-chan struct{})
	return ending
}
