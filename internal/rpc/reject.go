package rpc

import "github.com/mark3labs/mcp-go/mcp"

// RejectAll returns the response to an input of which nothing is handled: each
// request in it is answered with the same error. Where there is no request to
// answer, the error has no id.
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

// hasRequests reports whether an input has messages that must be answered.
func (in Input) hasRequests() bool {
	for _, item := range in.Items {
		if m := item.Message; m != nil && !m.IsNotification() && !m.IsResponse() {
			return true
		}
	}
	return false
}

// Reject has each request in an input answered with an error, once the input is
// handled.
func (in Input) Reject(details mcp.JSONRPCErrorDetails) {
	for _, item := range in.Items {
		if item.Message != nil {
			item.Message.Reject(details)
		}
	}
}

// Reject answers the requests in an input with an error, without handling them.
// It does not wait for a client that reads slowly: such a one is not told.
func (s *Session) Reject(in Input, details mcp.JSONRPCErrorDetails) {
	if in.hasRequests() {
		s.out.offer(in.RejectAll(details))
	}
}
