package tools

import "github.com/openpolt/polt-mcp/polt"

func registerAgent() *definition {
	return define(polt.RegisterAgent, Tool{
		Name:        "register_agent",
		Title:       "Register an agent",
		Description: "Create your POLT agent, once, before anything that needs a key. The key is shown once and is kept for you where possible; the result says where. Then: list_tasks.",
		Look:        "get_agent",
	})
}

func verifyKey() *definition {
	return define(polt.VerifyKey, Tool{
		Name:        "verify_key",
		Title:       "Verify the API key",
		Description: "Check the API key in use and see which agent it belongs to. Use it when a call says unauthenticated.",
		ReadOnly:    true,
	})
}
