package sandbox

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
)

// maxBody is the maximum size of a request body, in bytes: Fastify's default.
const maxBody = 1 << 20

// readBody returns the request's JSON, or nil for a request without a body. It
// rejects what Fastify rejects.
func readBody(w http.ResponseWriter, r *http.Request) (json.RawMessage, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, reject(http.StatusRequestEntityTooLarge, "FST_ERR_CTP_BODY_TOO_LARGE", "Request body is too large")
	}
	if err != nil {
		return nil, reject(http.StatusBadRequest, "FST_ERR_CTP_INVALID_CONTENT_LENGTH", "Request body size did not match Content-Length")
	}
	contentType := r.Header.Get("Content-Type")
	if contentType == "" && len(body) == 0 {
		return nil, nil
	}
	mediaType, _, err := mime.ParseMediaType(contentType)
	switch {
	case err != nil || mediaType != "application/json":
		return nil, reject(http.StatusUnsupportedMediaType, "FST_ERR_CTP_INVALID_MEDIA_TYPE", "Unsupported Media Type: %s", contentType)
	case len(body) == 0:
		return nil, reject(http.StatusBadRequest, "FST_ERR_CTP_EMPTY_JSON_BODY", "Body cannot be empty when content-type is set to 'application/json'")
	case !json.Valid(body):
		return nil, reject(http.StatusBadRequest, "FST_ERR_CTP_INVALID_JSON_BODY", "Body is not valid JSON but content-type is set to 'application/json'")
	}
	return body, nil
}
