package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// mcp-go answers whatever error a resource, a prompt or a completion returns as
// one of the server's own, with its text (v1.2.1). So the error is recorded in
// the context, and the dispatcher answers it.

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

// errFailed is what a client is told of an error that is not made for it.
var errFailed = errors.New("the server failed")

type stateKey struct{}

// state is what is known of a request that is being handled.
type state struct {
	err       error  // what it has failed with
	errorType string // the kind of that, where its result says so
	protected *protection
	message   *Message
}

// typeOf returns the type of the error, for a request that is answered with a
// code.
func (f *state) typeOf(code int) string {
	typed, ok := errors.AsType[interface {
		error
		ErrorType() string
	}](f.err)
	switch {
	case f.errorType != "":
		return f.errorType
	case code == 0:
		return ""
	case ok:
		return typed.ErrorType()
	}
	return strconv.Itoa(code)
}

// RecordErrors adds what a dispatcher needs to the hooks of its MCP server.
func RecordErrors(hooks *server.Hooks) {
	hooks.AddOnError(func(ctx context.Context, _ any, _ mcp.MCPMethod, _ any, err error) { Fail(ctx, err) })
}

// Fail has the request that ctx belongs to answered with an error, unless it has
// failed with another before.
func Fail(ctx context.Context, err error) {
	if f, ok := ctx.Value(stateKey{}).(*state); ok && f.err == nil {
		f.err = err
	}
}

// FailedAs records that the result of the request that ctx belongs to is an
// error of a type, as that of a tool may be.
func FailedAs(ctx context.Context, errorType string) {
	if f, ok := ctx.Value(stateKey{}).(*state); ok {
		f.errorType = errorType
	}
}

// detailsOf returns an error as the protocol has it. The text of one that is
// not made for it is nobody's business.
func detailsOf(err error, modern bool) mcp.JSONRPCErrorDetails {
	if coded, ok := errors.AsType[Coded](err); ok {
		return coded.JSONRPC(modern)
	}
	return mcp.NewJSONRPCErrorDetails(mcp.INTERNAL_ERROR, errFailed.Error(), nil)
}

// errorDetails returns the error that a request is answered with, from what was
// recorded and what mcp-go says.
func errorDetails(err error, m *Message, said mcp.JSONRPCErrorDetails) mcp.JSONRPCErrorDetails {
	_, isCoded := errors.AsType[Coded](err)
	unparsable, isUnparsable := errors.AsType[*server.UnparsableMessageError](err)
	switch {
	case isCoded, err != nil && said.Code == mcp.INTERNAL_ERROR:
		return detailsOf(err, m.IsModern())
	case isUnparsable:
		return mcp.NewJSONRPCErrorDetails(mcp.INVALID_PARAMS, unparsableParams(m.Method, unparsable), nil)
	}
	return said
}

// unparsableParams says what is wrong with params that do not fit their method.
func unparsableParams(method string, err error) string {
	wrong, ok := errors.AsType[*json.UnmarshalTypeError](err)
	if !ok || wrong.Field == "" {
		return "the params are invalid for " + method
	}
	return fmt.Sprintf("%s of %s must not be a %s", strings.TrimPrefix(wrong.Field, "params."), method, wrong.Value)
}
