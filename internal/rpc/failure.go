package rpc

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// mcp-go answers whatever error a resource or a prompt returns as one of the
// server's own (v1.2.1). So a handler's error is left in the context, for the
// transport to answer as it should be.

// Coded is an error that knows how the protocol has it; modern says that it is
// the protocol of 2026-07-28 or later.
type Coded interface {
	error
	JSONRPC(modern bool) mcp.JSONRPCErrorDetails
}

// NewError returns an error that is the same in every version of the protocol.
func NewError(code int, text string) Coded {
	return detailed{mcp.NewJSONRPCErrorDetails(code, text, nil)}
}

type detailed struct{ details mcp.JSONRPCErrorDetails }

func (d detailed) Error() string                        { return d.details.Message }
func (d detailed) JSONRPC(bool) mcp.JSONRPCErrorDetails { return d.details }

// A Failure is what the handler of a request has failed with.
type Failure struct {
	// Details is nil where the handler has not failed.
	Details *mcp.JSONRPCErrorDetails
}

type failureKey struct{}

// WithFailure returns a context for one request, in which its handler leaves
// what it fails with.
func WithFailure(ctx context.Context) (context.Context, *Failure) {
	f := &Failure{}
	return context.WithValue(ctx, failureKey{}, f), f
}

// Failures returns the options of a server whose resources and prompts leave
// what they fail with in the context. One that panics has failed; onPanic is
// told with what.
func Failures(onPanic func(any)) []server.ServerOption {
	return []server.ServerOption{
		server.WithResourceHandlerMiddleware(func(next server.ResourceHandlerFunc) server.ResourceHandlerFunc {
			return func(ctx context.Context, r mcp.ReadResourceRequest) (contents []mcp.ResourceContents, err error) {
				defer leave(ctx, onPanic, &err)
				return next(ctx, r)
			}
		}),
		server.WithPromptHandlerMiddleware(func(next server.PromptHandlerFunc) server.PromptHandlerFunc {
			return func(ctx context.Context, r mcp.GetPromptRequest) (result *mcp.GetPromptResult, err error) {
				defer leave(ctx, onPanic, &err)
				return next(ctx, r)
			}
		}),
	}
}

var errFailed = errors.New("the server failed")

// leave leaves what a handler failed or panicked with in the context.
func leave(ctx context.Context, onPanic func(any), err *error) {
	if p := recover(); p != nil {
		onPanic(p)
		*err = errFailed
	}
	if *err != nil {
		Fail(ctx, *err)
	}
}

// Fail has the request that ctx belongs to answered with an error, if it is one
// that [WithFailure] was called for.
func Fail(ctx context.Context, err error) {
	if f, ok := ctx.Value(failureKey{}).(*Failure); ok {
		info := server.RequestProtocolInfoFromContext(ctx)
		details := detailsOf(err, info != nil && info.Modern)
		f.Details = &details
	}
}

// detailsOf returns an error as the protocol has it. The text of one that is
// not made for it is nobody's business.
func detailsOf(err error, modern bool) mcp.JSONRPCErrorDetails {
	var coded Coded
	if errors.As(err, &coded) {
		return coded.JSONRPC(modern)
	}
	return mcp.NewJSONRPCErrorDetails(mcp.INTERNAL_ERROR, errFailed.Error(), nil)
}

// ErrorAnswer returns the answer to a request that has failed.
func ErrorAnswer(id json.RawMessage, details mcp.JSONRPCErrorDetails) []byte {
	return appendDetails(nil, id, details)
}
