package rpc

import "context"

type endingKey struct{}

// WithEnding returns a context for the requests of a server that starts to shut
// down when ending is closed.
func WithEnding(ctx context.Context, ending <-chan struct{}) context.Context {
	return context.WithValue(ctx, endingKey{}, ending)
}

// Ending returns the channel that is closed when the server starts to shut down,
// on which a tool that waits must return; nil if ctx has none.
func Ending(ctx context.Context) <-chan struct{} {
	ending, _ := ctx.Value(endingKey{}).(<-chan struct{})
	return ending
}
