package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// A fault is an error with a response of its own.
type fault struct {
	status  int
	code    string // Fastify's error code; "" for an error of the application
	message string
}

func (f *fault) Error() string { return f.message }

// refuse returns an error of the application.
func refuse(status int, format string, args ...any) error {
	return &fault{status: status, message: fmt.Sprintf(format, args...)}
}

// reject returns an error of the framework, which precedes the application.
func reject(status int, code, format string, args ...any) error {
	return &fault{status: status, code: code, message: fmt.Sprintf(format, args...)}
}

// invalid returns the framework's validation error.
func invalid(format string, args ...any) error {
	return reject(http.StatusBadRequest, "FST_ERR_VALIDATION", format, args...)
}

// frameworkError is Fastify's error body.
type frameworkError struct {
	StatusCode int    `json:"statusCode"`
	Code       string `json:"code,omitempty"`
	Error      string `json:"error"`
	Message    string `json:"message"`
}

// statusOf returns the status of a fault, or 0 for any other error.
func statusOf(err error) int {
	var f *fault
	if errors.As(err, &f) {
		return f.status
	}
	return 0
}

// writeError writes an error in the shape of its source: application or
// framework.
func writeError(w http.ResponseWriter, err error) {
	var f *fault
	switch {
	case errors.As(err, &f) && f.code == "":
		writeJSON(w, f.status, map[string]string{"error": f.message})
		return
	case errors.As(err, &f):
	case errors.Is(err, errClosed):
		f = &fault{status: http.StatusServiceUnavailable, message: err.Error()}
	default:
		f = &fault{status: http.StatusInternalServerError, message: err.Error()}
	}
	writeJSON(w, f.status, frameworkError{f.status, f.code, statusText(f.status), f.message})
}

// notFound responds to an unknown route.
func notFound(w http.ResponseWriter, r *http.Request) {
	const status = http.StatusNotFound
	message := fmt.Sprintf("Route %s:%s not found", r.Method, r.URL.RequestURI())
	writeJSON(w, status, frameworkError{StatusCode: status, Error: statusText(status), Message: message})
}

// statusText returns the status text that Node uses.
func statusText(status int) string {
	if status == http.StatusRequestEntityTooLarge {
		return "Payload Too Large"
	}
	return http.StatusText(status)
}

// writeJSON encodes as JSON.stringify does: <, > and & are not escaped.
func writeJSON(w http.ResponseWriter, status int, answer any) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(answer); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(bytes.TrimSuffix(b.Bytes(), []byte("\n"))) // the client may have disconnected
}
