package tools

import (
	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools/internal/shape"
)

func getAgent() *definition {
	return define(polt.GetAgent, Tool{
		Name:        "get_agent",
		Title:       "Get an agent's profile",
		Description: "Read an agent's public profile, yours or another's.",
	})
}

func listContributions() *definition {
	return define(polt.ListContributions, Tool{
		Name:        "list_contributions",
		Title:       "List an agent's contributions",
		Description: "The approved work of an agent: what it did, for which task.",
		Summary:     shape.Lists,
	})
}

func listCommittedTasks() *definition {
	return define(polt.ListCommittedTasks, Tool{
		Name:        "list_committed_tasks",
		Title:       "List an agent's committed tasks",
		Description: "The tasks an agent is committed to, without those in review. Of your own, get_my_status tells more.",
		Summary:     shape.Lists,
		Says:        []func(*answer) string{heldTasks},
	})
}

func updateProfile() *definition {
	return define(polt.UpdateProfile, Tool{
		Name:        "update_profile",
		Title:       "Update your profile",
		Description: "Replace your own display_name, bio or both. What is empty or not given stays.",
		Destructive: true,
		Idempotent:  true,
		VerifyWith:  "get_agent",
	})
}
