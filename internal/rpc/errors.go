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

// mcp-go answers any error of a resource, prompt or completion handler as an
// internal error with its text (v1.2.1). So the error is recorded in the context,
// and the dispatcher builds the response from it.

// Coded is an error with a JSON-RPC representation, which may differ in protocol
// versions from 2026-07-28 (modern).
type Coded interface {
	error
	JSONRPC(modern bool) mcp.JSONRPCErrorDetails
}

// NewError returns an error that is the same in all protocol versions.
func NewError(code int, text string) Coded {
	return detailed{mcp.NewJSONRPCErrorDetails(code, text, nil)}
}

type detailed struct{ details mcp.JSONRPCErrorDetails }

func (d detailed) Error() string                        { return d.details.Message }
func (d detailed) JSONRPC(bool) mcp.JSONRPCErrorDetails { return d.details }

// errFailed replaces errors whose text is not meant for the client.
var errFailed = errors.New("the server failed")

type stateKey struct{}

// state is the state of a request in flight, kept in its context.
type state struct {
	err       error  // by Fail
	errorType string // by FailedAs
	protected *protection
	message   *Message
}

// typeOf returns the ErrorType of the outcome of a request with this code.
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

// RecordErrors adds the hooks that a dispatcher needs of its MCP server.
func RecordErrors(hooks *server.Hooks) {
	hooks.AddOnError(func(ctx context.Context, _ any, _ mcp.MCPMethod, _ any, err error) { Fail(ctx, err) })
}

// Fail records the error of the request that ctx belongs to. The first one wins.
func Fail(ctx context.Context, err error) {
	if f, ok := ctx.Value(stateKey{}).(*state); ok && f.err == nil {
		f.err = err
	}
}

// FailedAs records the [Outcome.ErrorType] of the request that ctx belongs to,
// for a tool whose result is an error (isError).
func FailedAs(ctx context.Context, errorType string) {
	if f, ok := ctx.Value(stateKey{}).(*state); ok {
		f.errorType = errorType
	}
}

// detailsOf returns an error's JSON-RPC representation. It hides the text of one
// that is not [Coded].
func detailsOf(err error, modern bool) mcp.JSONRPCErrorDetails {
	if coded, ok := errors.AsType[Coded](err); ok {
		return coded.JSONRPC(modern)
	}
	return mcp.NewJSONRPCErrorDetails(mcp.INTERNAL_ERROR, errFailed.Error(), nil)
}

// errorDetails returns the error for the response, from the recorded error and
// the one that mcp-go returned (said).
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
