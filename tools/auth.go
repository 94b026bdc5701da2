package tools

import "github.com/openpolt/polt-mcp/polt"

func registerAgent() *definition {
	d := define(polt.RegisterAgent, Tool{
		Name:        "register_agent",
		Title:       "Register an agent",
		Description: "Create your POLT agent and its key, once, only if you have none. The key is stored for you; if the result shows it instead, save it: it is never shown again. Then: list_tasks.",
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

// usernameFaults refuses a username that the tools could not name in any other
// call, so that its agent could not even look itself up.
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
