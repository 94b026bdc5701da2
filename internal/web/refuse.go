package web

import (
	"io"
	"net/http"
	"strconv"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/openpolt/polt-mcp/internal/memory"
	"github.com/openpolt/polt-mcp/internal/rpc"
)

// The reasons for which requests are rejected, as in the metric.
const (
	refusedHost        = "host"
	refusedOrigin      = "origin"
	refusedToken       = "caller_token"
	refusedContentType = "content_type"
	refusedBody        = "body"
	refusedRate        = "rate"
	refusedInFlight    = "in_flight"
	refusedSession     = "session"
	refusedMemory      = "memory"
)

// refuse rejects a request, and counts and logs it.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, status int, reason, text string) {
	s.refused(r, reason, text)
	fail(w, r, status, text)
}

// refused counts and logs a rejected request.
func (s *Server) refused(r *http.Request, reason, text string) {
	s.options.Refused(reason)
	address, _ := s.options.Proxies.client(r)
	s.refusedLog.add(reason, text, r, address)
}

// refuseForNow rejects a request over a limit with 429, with an error for each
// request of in, which is empty if the body has not been read.
func (s *Server) refuseForNow(w http.ResponseWriter, r *http.Request, refused *refusal, in rpc.Input) {
	s.refused(r, refused.reason, refused.text)
	if seconds := refused.retryAfter(); seconds > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
	}
	if !isMessage(r) {
		writeText(w, http.StatusTooManyRequests, refused.text)
		return
	}
	writeResponse(w, http.StatusTooManyRequests, in.RejectAll(refused.details()))
}

// fail answers a request that failed before its message was parsed.
func fail(w http.ResponseWriter, r *http.Request, status int, text string) {
	if !isMessage(r) {
		writeText(w, status, text)
		return
	}
	code := mcp.INVALID_REQUEST
	if status >= http.StatusInternalServerError {
		code = mcp.INTERNAL_ERROR
	}
	writeResponse(w, status, rpc.ErrorResponse(nil, mcp.NewJSONRPCErrorDetails(code, text, nil)))
}

// isMessage reports whether an MCP client expects a JSON-RPC response to a
// request.
func isMessage(r *http.Request) bool {
	where := cleanPath(r)
	return r.Method == http.MethodPost && (where == StreamablePath || where == messagePath)
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n") //nolint:gosec // it is no HTML, and not taken for it
}

// writeResponse writes a JSON-RPC response.
func writeResponse(w http.ResponseWriter, status int, response rpc.Response) {
	writeAnswer(w, status, response, nil)
}

// respond writes the response to a call, which no longer counts as in flight.
func (c *call) respond(w http.ResponseWriter, status int, response rpc.Response) {
	c.answered()
	c.account.Settle(int64(response.Size()))
	writeAnswer(w, status, response, c.account)
}

func writeAnswer(w http.ResponseWriter, status int, response rpc.Response, account *memory.Account) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	if length := response.Length(); length >= 0 {
		h.Set("Content-Length", strconv.Itoa(length))
	}
	w.WriteHeader(status)
	_, err := response.WriteTo(timely{w, http.NewResponseController(w), account})
	if err == nil {
		response.Free()
	}
}
