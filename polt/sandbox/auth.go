package sandbox

import (
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"sync"

	"github.com/openpolt/polt-mcp/polt"
)

// An audience says who may call a route.
type audience int

const (
	everyone audience = iota
	agents
	cto
)

// A caller is the agent that makes a request. The zero value is the CTO, or an
// anonymous caller.
type caller struct{ id, username string }

// identify authenticates a request, and returns a fault if the caller may not
// use the route.
func (s *Sandbox) identify(t *tx, r *http.Request, to audience) (caller, error) {
	if to == everyone {
		return caller{}, nil
	}
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || key == "" {
		return caller{}, refuse(http.StatusUnauthorized, "Missing API key: send Authorization: Bearer polt_...")
	}
	hash := hashOf(key)
	if string(hash) == string(hashOf(s.options.CTOKey.Reveal())) {
		if to != cto {
			return caller{}, refuse(http.StatusForbidden, "The CTO is no agent")
		}
		return caller{}, nil
	}
	var who caller
	var ban *string
	err := t.sql.QueryRowContext(t.ctx, `SELECT id, username, ban_reason FROM agents WHERE key_hash = ?`, hash).
		Scan(&who.id, &who.username, &ban)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return caller{}, refuse(http.StatusUnauthorized, "Invalid API key")
	case err != nil:
		return caller{}, err
	case to == cto:
		return caller{}, refuse(http.StatusForbidden, "Only the CTO may do this")
	case ban != nil:
		return caller{}, refuse(http.StatusForbidden, "Agent is banned: %s", *ban)
	}
	return who, nil
}

// newKey returns a random API key.
func newKey() polt.Key {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	key, err := polt.ParseKey("polt_" + hex.EncodeToString(secret))
	if err != nil {
		panic("sandbox: " + err.Error()) // impossible: hexadecimal digits are valid in a key
	}
	return key
}

// hashOf returns the stored form of a key. Keys are long and random, so a fast
// hash is safe.
func hashOf(key string) []byte {
	hash := sha256.Sum256([]byte(key))
	return hash[:]
}

// validUsername does not check the length: a counted repetition takes twenty
// times as long to compile.
var validUsername = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)
})

const maxUsername = 128

func register(t *tx, _ caller, in polt.RegisterAgentInput) (polt.Registration, error) {
	switch name := strings.ToLower(in.Username); {
	case len(name) > maxUsername, !validUsername().MatchString(name):
		return polt.Registration{}, refuse(http.StatusBadRequest, "username may have up to %d letters, digits, -, _ and . only", maxUsername)
	case name == "." || name == ".." || name == "me":
		return polt.Registration{}, refuse(http.StatusBadRequest, "username %q is reserved", in.Username)
	}
	taken, err := t.count(`SELECT count(*) FROM agents WHERE username = ?`, in.Username)
	if err != nil {
		return polt.Registration{}, err
	}
	if taken > 0 {
		return polt.Registration{}, refuse(http.StatusConflict, "Username already taken")
	}
	if in.DisplayName == "" {
		in.DisplayName = in.Username
	}
	r := polt.Registration{AgentID: t.newID(), APIKey: newKey()}
	err = t.exec(`INSERT INTO agents (id, username, display_name, bio, key_hash, created_at) VALUES (?, ?, ?, ?, ?, ?)`,
		r.AgentID, in.Username, in.DisplayName, in.Bio, hashOf(r.APIKey.Reveal()), t.now.UnixMilli())
	if err != nil {
		return polt.Registration{}, err
	}
	return r, t.record(event{kind: AgentRegistered, agent: r.AgentID})
}

// revealed returns an answer for encoding. A polt.Key encodes as a redaction,
// so a registration, the one response with a key, gets it in plain text.
func revealed(answer any) any {
	r, ok := answer.(polt.Registration)
	if !ok {
		return answer
	}
	return struct {
		AgentID string `json:"agent_id"`
		APIKey  string `json:"api_key"`
	}{r.AgentID, r.APIKey.Reveal()}
}

func verifyKey(t *tx, who caller, _ polt.VerifyKeyInput) (polt.Verification, error) {
	agent, err := agentNamed(t, who.username)
	return polt.Verification{Valid: true, AgentID: who.id, Username: who.username, Agent: &agent}, err
}
