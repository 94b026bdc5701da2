package web

import (
	"bytes"
	"encoding/json"
	"net/http"
)

// recorder keeps an answer.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }

func (r *recorder) replay(w http.ResponseWriter) {
	for name, values := range r.header {
		w.Header()[name] = values
	}
	if r.status != 0 {
		w.WriteHeader(r.status)
	}
	_, _ = w.Write(r.body.Bytes())
}

// errorCode returns the code of the error that the answer is, or 0.
func (r *recorder) errorCode() int {
	var answer struct {
		Error struct{ Code int } `json:"error"`
	}
	if json.Unmarshal(r.body.Bytes(), &answer) != nil {
		return 0
	}
	return answer.Error.Code
}
