package agents

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/openpolt/polt-mcp/internal/answers"
	"github.com/openpolt/polt-mcp/polt"
)

const maxBody = 64 << 10 // bytes; longer responses are not parsed

// Transport returns a transport that learns from the responses that base receives:
// from the status of each that was sent with a key, and from the bodies of those to
// verify_key and register_agent.
func (c *Cache) Transport(base http.RoundTripper) http.RoundTripper { return &transport{base, c} }

type transport struct {
	base  http.RoundTripper
	cache *Cache
}

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	key, _ := polt.ParseKey(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")) // without one it is zero
	isPost, isSuccess := r.Method == http.MethodPost, resp.StatusCode/100 == 2
	switch {
	case resp.StatusCode == http.StatusUnauthorized && !key.IsZero():
		t.cache.reject(key)
	case !isSuccess:
	case isPost && strings.HasSuffix(r.URL.Path, polt.RegisterAgent.Path()) && r.GetBody != nil:
		resp.Body = &body{ReadCloser: resp.Body, learn: func(answer []byte) { t.registered(r, answer) }}
	case key.IsZero():
	case isPost && strings.HasSuffix(r.URL.Path, polt.VerifyKey.Path()):
		resp.Body = &body{ReadCloser: resp.Body, learn: func(answer []byte) { t.verified(key, answer) }}
	default:
		t.cache.accept(key, "")
	}
	return resp, nil
}

// registered learns from the response to a registration.
func (t *transport) registered(r *http.Request, answer []byte) {
	var given polt.RegisterAgentInput
	var issued struct {
		APIKey string `json:"api_key"`
	}
	sent, err := r.GetBody()
	if err != nil || json.NewDecoder(sent).Decode(&given) != nil || json.Unmarshal(answer, &issued) != nil {
		return
	}
	if key, err := polt.ParseKey(issued.APIKey); err == nil {
		t.cache.accept(key, given.Username)
	}
}

// verified learns from the successful response to a verification of a key. What it
// says is not documented: it may be that the key is invalid.
func (t *transport) verified(key polt.Key, answer []byte) {
	switch {
	case answers.Rejects(answer):
		t.cache.reject(key)
	case len(bytes.TrimSpace(answer)) == 0 || json.Valid(answer): // else it says nothing
		t.cache.accept(key, answers.Owner(answer))
	}
}

func (t *transport) CloseIdleConnections() {
	if pool, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		pool.CloseIdleConnections()
	}
}

// body buffers a response while it is read, and passes it to learn at EOF.
type body struct {
	io.ReadCloser
	read  bytes.Buffer
	learn func([]byte)
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.learn == nil {
		return n, err
	}
	if b.read.Len()+n > maxBody {
		b.learn = nil
		b.read = bytes.Buffer{}
		return n, err
	}
	b.read.Write(p[:n])
	if err == io.EOF {
		b.learn(b.read.Bytes())
		b.learn = nil
	}
	return n, err
}
