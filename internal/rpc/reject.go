package rpc

import "github.com/mark3labs/mcp-go/mcp"

// RejectAll returns the response to an input that is not handled: the same error
// for each of its requests, or the error without an id if it has none.
func (in Input) RejectAll(details mcp.JSONRPCErrorDetails) Response {
	if !in.hasRequests() {
		return errorResponse(nil, details)
	}
	reject := func(item Item) Response {
		switch m := item.Message; {
		case m == nil:
			return item.Refused
		case m.IsNotification(), m.IsResponse():
			return Response{}
		default:
			return errorResponse(m.ID, details)
		}
	}
	if !in.IsBatch {
		return reject(in.Items[0])
	}
	out := Response{Code: details.Code}
	answers := newBatch(len(in.Items), func(all Response) { out.JSON = all.JSON })
	for _, item := range in.Items {
		answers.add(reject(item))
	}
	return out
}

// hasRequests reports whether an input has requests, which must be answered.
func (in Input) hasRequests() bool {
	for _, item := range in.Items {
		if m := item.Message; m != nil && !m.IsNotification() && !m.IsResponse() {
			return true
		}
	}
	return false
}

// Reject marks each request of an input to be answered with an error when it is
// dispatched.
func (in Input) Reject(details mcp.JSONRPCErrorDetails) {
	for _, item := range in.Items {
		if item.Message != nil {
			item.Message.Reject(details)
		}
	}
}

// Reject answers the requests in an input with an error, without handling them.
// It does not block: the errors are dropped if the client reads too slowly.
func (s *Session) Reject(in Input, details mcp.JSONRPCErrorDetails) {
	if in.hasRequests() {
		s.out.offer(in.RejectAll(details))
	}
}
