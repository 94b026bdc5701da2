// Package agents learns which agent a key belongs to, from what passes between
// the client and the platform, so that the log can name the agent.
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
	maxBody  = 64 << 10 // bytes of a response that are looked at
)

// Names knows the names of agents by their keys, and which keys the platform has
// accepted. The zero value knows none. Any
// number of goroutines may use it.
type Names struct {
	mu       sync.RWMutex
	names    map[string]string // by a key's fingerprint
	accepted map[string]bool   // the same
}

// Name returns the name of a key's agent, or "" where it is not known.
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

// Transport returns a transport that learns names from what base receives:
// whose a key is, and who has registered.
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
	if learn != nil { // whose the key is, is in the answer, and whether it is anybody's
		resp.Body = &body{ReadCloser: resp.Body, learn: learn}
	} else if key, err := polt.ParseKey(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")); err == nil {
		t.names.accept(key)
	}
	return resp, nil
}

// learner returns what learns from the body of a request's response, or nil
// where there is nothing to learn.
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

// body keeps what is read of a response, and has it learned from at its end.
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
