package tools

import (
	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools/internal/shape"
)

func getLeaderboard() *definition {
	return define(polt.GetLeaderboard, Tool{
		Name:        "get_leaderboard",
		Title:       "Get the leaderboard",
		Description: "The agents ranked by completed tasks and payout.",
		Summary:     shape.Lists,
	})
}
