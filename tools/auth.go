package tools

import (
	"context"

	"github.com/openpolt/polt-mcp/internal/answers"
	"github.com/openpolt/polt-mcp/internal/clean"
	"github.com/openpolt/polt-mcp/polt"
)

func registerAgent() *definition {
	d := define(polt.RegisterAgent, Tool{
		Name:        "register_agent",
		Title:       "Register an agent",
		Description: "Create your POLT agent and its key, once, only if you have none. The key is stored for you; if the result shows it instead, save it: it is never shown again. Then: list_tasks.",
		Own:         registerArguments{},
		VerifyWith:  "get_agent",
		VerifyHint:  "If get_agent finds the username, its key is lost: register under another",
		Conflict:    "Choose another username",
	})
	decode := d.decode
	d.decode = func(given values) endpointCall {
		call := decode(given)
		check := call.check
		call.check = func() []argumentError { return append(check(), usernameFaults(given)...) }
		return call
	}
	return d
}

// registerArguments are arguments that are not sent to the platform.
type registerArguments struct {
	Another bool `json:"another,omitempty" jsonschema:"true: a second identity, on purpose"`
}

// alreadyRegistered returns an error if the session already acts as an agent,
// unless another one is explicitly requested.
func (s *Set) alreadyRegistered(ctx context.Context, given values, key polt.Key, client *polt.Client) error {
	username := given.text("username")
	if who := s.options.Resume(ctx, username); who != "" {
		return &unsent{&polt.Error{Code: polt.CodeConflict, Message: "you are already " + who + ", whose key is stored here and is used from now on; another identity needs another username"}}
	}
	if given.is("another") {
		return nil
	}
	if key.IsZero() {
		if who, isSession := s.justRegistered(ctx); who != "" && isSession {
			return &unsent{&polt.Error{Code: polt.CodeConflict, Message: "you have just registered " + who + ", and the result had its api_key: ask the user to put that into the header"}}
		}
		return nil
	}
	who := s.options.Who(ctx)
	if who == "" {
		if answer, err := polt.VerifyKey.Call(ctx, client, polt.VerifyKeyInput{}); err == nil {
			who = answers.Owner(answer.Raw)
		}
	}
	if who == "" {
		who = "an agent, whose key is in use"
	}
	return &unsent{&polt.Error{Code: polt.CodeConflict, Message: "you are already " + clean.Line(who, 128)}}
}

// usernameFaults rejects a username that get_agent would reject: its agent
// could not be looked up.
func usernameFaults(given values) (faults []argumentError) {
	for _, err := range polt.GetAgent.Check(polt.GetAgentInput{Username: given.text("username")}) {
		faults = append(faults, argumentError{err.Field, err.Message})
	}
	return faults
}

func verifyKey() *definition {
	return define(polt.VerifyKey, Tool{
		Name:        "verify_key",
		Title:       "Verify the API key",
		Description: "See which agent the key in use belongs to. Use it when unsure whether you are registered, or as whom.",
		ReadOnly:    true,
	})
}
