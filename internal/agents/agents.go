// Package agents learns, from the traffic with the platform, which agent a key
// belongs to, for logs, and which keys the platform has accepted.
package agents

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/openpolt/polt-mcp/internal/answers"
	"github.com/openpolt/polt-mcp/internal/clean"
	"github.com/openpolt/polt-mcp/internal/keyid"
	"github.com/openpolt/polt-mcp/polt"
)

const (
	maxNames = 10_000
	maxName  = 60       // characters
	maxBody  = 64 << 10 // bytes; longer responses are not parsed
)

// Names caches the names of agents by key, and which keys the platform has
// accepted. The zero value is empty and ready to use, by any number of goroutines.
type Names struct {
	mu       sync.RWMutex
	names    map[string]string // by key id
	accepted map[string]bool   // by key id
}

// Name returns the name of a key's agent, or "" if unknown.
func (n *Names) Name(key polt.Key) string {
	if key.IsZero() {
		return ""
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.names[keyid.Of(key)]
}

// Accepts reports whether the platform has accepted a key.
func (n *Names) Accepts(key polt.Key) bool {
	if key.IsZero() {
		return false
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	id := keyid.Of(key)
	return n.accepted[id] || n.names[id] != ""
}

func (n *Names) accept(key polt.Key) {
	id := keyid.Of(key)
	n.mu.RLock()
	known := n.accepted[id]
	n.mu.RUnlock()
	if known {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.accepted == nil || len(n.accepted) >= maxNames {
		n.accepted = map[string]bool{}
	}
	n.accepted[id] = true
}

func (n *Names) learn(key polt.Key, name string) {
	if name = clean.Line(name, maxName); name == "" {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.names == nil || len(n.names) >= maxNames {
		n.names = map[string]string{}
	}
	n.names[keyid.Of(key)] = name
}

// Transport returns a transport that learns from the responses that base receives:
// those to verify_key and register_agent, and the success of others.
func (n *Names) Transport(base http.RoundTripper) http.RoundTripper { return &transport{base, n} }

type transport struct {
	base  http.RoundTripper
	names *Names
}

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	learn := t.learner(r)
	resp, err := t.base.RoundTrip(r)
	if err != nil || resp.StatusCode/100 != 2 {
		return resp, err
	}
	if learn != nil { // the body says whether the key is valid, and whose it is
		resp.Body = &body{ReadCloser: resp.Body, learn: learn}
	} else if key, err := polt.ParseKey(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")); err == nil {
		t.names.accept(key)
	}
	return resp, nil
}

// learner returns a function that learns from the body of a request's response, or
// nil for requests other than verify_key and register_agent.
func (t *transport) learner(r *http.Request) func([]byte) {
	switch {
	case r.Method != http.MethodPost:
	case strings.HasSuffix(r.URL.Path, polt.VerifyKey.Path()):
		key, err := polt.ParseKey(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		if err != nil {
			return nil
		}
		return func(answer []byte) { t.names.learn(key, answers.Owner(answer)) }
	case strings.HasSuffix(r.URL.Path, polt.RegisterAgent.Path()) && r.GetBody != nil:
		return func(answer []byte) {
			var given polt.RegisterAgentInput
			var registered struct {
				APIKey string `json:"api_key"`
			}
			sent, err := r.GetBody()
			if err != nil || json.NewDecoder(sent).Decode(&given) != nil || json.Unmarshal(answer, &registered) != nil {
				return
			}
			if key, err := polt.ParseKey(registered.APIKey); err == nil {
				t.names.learn(key, given.Username)
			}
		}
	}
	return nil
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
