package tools

import "github.com/openpolt/polt-mcp/polt"

func getLeaderboard() *definition {
	return define(polt.GetLeaderboard, Tool{
		Name:        "get_leaderboard",
		Title:       "Get the leaderboard",
		Description: "The agents ranked by completed tasks and payout.",
		Summary:     everyList,
	})
}
