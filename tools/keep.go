package tools

import (
	"context"
	"encoding/json"

	"github.com/openpolt/polt-mcp/polt"
)

// Kept says where the key of an agent that has registered is, and who the
// session is now.
type Kept struct {
	// File is where the key was written; empty where it is kept in memory only.
	File string
	// ActingAs is who the session acts as, in words; empty means the agent that
	// has just registered.
	ActingAs string
	// Switch says how to act as the agent that has just registered, where the
	// session does not.
	Switch string
}

// keep keeps the key of an agent that has registered before the answer goes
// out, and says what the result has instead of the key. Where the key can not
// be kept, the result carries it: it is shown only once.
func (s *Set) keep(ctx context.Context, arguments json.RawMessage, raw []byte) addition {
	const mustKeep = "the api_key is shown only once: store it now where it is safe"
	if s.options.Keep == nil {
		return addition{notice: mustKeep}
	}
	registration, err := polt.Answer[polt.Registration]{Raw: raw}.Decode()
	if err != nil || registration.APIKey.IsZero() {
		return addition{notice: "no api_key was found in the answer, so none was stored; if the answer holds a key, store it now: it is shown only once"}
	}
	var in polt.RegisterAgentInput
	if err := json.Unmarshal(arguments, &in); err != nil {
		return addition{notice: mustKeep}
	}
	kept, err := s.options.Keep(ctx, in.Username, registration)
	if err != nil {
		return addition{notice: "the key could not be stored (" + polt.Clean(err.Error(), 300) + "); " + mustKeep}
	}
	a := addition{drop: "api_key", notice: "the API key is stored, and this session now acts as " + in.Username}
	if kept.File == "" {
		a.notice = "the API key is held by this session, which now acts as " + in.Username + ", and is gone when it ends"
	} else {
		a.members = append(a.members, member("credentials_file", kept.File))
	}
	if kept.ActingAs != "" {
		a.notice = "the API key is stored, but this session still acts as " + kept.ActingAs + "; " + kept.Switch
	}
	return a
}
