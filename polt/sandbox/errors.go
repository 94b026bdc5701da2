package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// A fault is a refusal, with its answer.
type fault struct {
	status  int
	code    string // the framework's; "" for the application's own
	message string
}

func (f *fault) Error() string { return f.message }

// refuse returns a refusal by the application.
func refuse(status int, format string, args ...any) error {
	return &fault{status: status, message: fmt.Sprintf(format, args...)}
}

// reject returns a refusal by the framework, before the application is asked.
func reject(status int, code, format string, args ...any) error {
	return &fault{status: status, code: code, message: fmt.Sprintf(format, args...)}
}

// invalid returns the framework's refusal of input that does not fit.
func invalid(format string, args ...any) error {
	return reject(http.StatusBadRequest, "FST_ERR_VALIDATION", format, args...)
}

// frameworkError is an error as Fastify shapes it.
type frameworkError struct {
	StatusCode int    `json:"statusCode"`
	Code       string `json:"code,omitempty"`
	Error      string `json:"error"`
	Message    string `json:"message"`
}

// statusOf returns the status of a refusal, 0 for any other error.
func statusOf(err error) int {
	var f *fault
	if errors.As(err, &f) {
		return f.status
	}
	return 0
}

// writeError answers with an error, in the shape of who it is from.
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

// notFound answers where there is no such route.
func notFound(w http.ResponseWriter, r *http.Request) {
	const status = http.StatusNotFound
	message := fmt.Sprintf("Route %s:%s not found", r.Method, r.URL.RequestURI())
	writeJSON(w, status, frameworkError{StatusCode: status, Error: statusText(status), Message: message})
}

// statusText is the status in Node's words.
func statusText(status int) string {
	if status == http.StatusRequestEntityTooLarge {
		return "Payload Too Large"
	}
	return http.StatusText(status)
}

// writeJSON answers as JSON.stringify does: <, > and & are not escaped.
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
	_, _ = w.Write(bytes.TrimSuffix(b.Bytes(), []byte("\n"))) // who asked may have gone
}
