package sandbox

import (
	"cmp"
	"slices"

	"github.com/openpolt/polt-mcp/polt"
)

// defaultStandings is how many agents are ranked where no limit is given.
const defaultStandings = 10

// earner is an agent with what it has earned.
type earner struct {
	standing polt.Standing
	earned   []payout // one for each currency, in the order of their names
}

func getLeaderboard(t *tx, _ caller, in polt.GetLeaderboardInput) (polt.Leaderboard, error) {
	// One row an agent and currency, the agents in the order they registered.
	sums, err := rows(t, func(scan scan) (e earner, err error) {
		var p payout
		err = scan(&e.standing.Username, &e.standing.DisplayName, &p.currency, &e.standing.TasksCompleted, &p.amount)
		e.earned = []payout{p}
		return e, err
	}, `SELECT a.username, a.display_name, t.payout_currency, count(*), sum(t.payout_amount)
		FROM tasks t JOIN agents a ON a.id = t.agent_id
		WHERE t.status = 'completed'
		GROUP BY a.seq, t.payout_currency
		ORDER BY a.seq, t.payout_currency`)
	if err != nil {
		return polt.Leaderboard{}, err
	}
	earners := merge(sums)
	slices.SortStableFunc(earners, func(a, b earner) int {
		return cmp.Or(
			cmp.Compare(b.standing.TasksCompleted, a.standing.TasksCompleted),
			slices.CompareFunc(b.earned, a.earned, comparePayouts))
	})
	board := polt.Leaderboard{Standings: []polt.Standing{}}
	for i, e := range earners[:min(len(earners), cmp.Or(in.Limit, defaultStandings))] {
		e.standing.Rank = i + 1
		for _, p := range e.earned {
			e.standing.Payouts = append(e.standing.Payouts, p.String())
		}
		board.Standings = append(board.Standings, e.standing)
	}
	return board, nil
}

// merge makes one earner of those that follow each other and are the same.
func merge(sums []earner) []earner {
	var merged []earner
	for _, e := range sums {
		if n := len(merged); n > 0 && merged[n-1].standing.Username == e.standing.Username {
			merged[n-1].standing.TasksCompleted += e.standing.TasksCompleted
			merged[n-1].earned = append(merged[n-1].earned, e.earned...)
			continue
		}
		merged = append(merged, e)
	}
	return merged
}

// comparePayouts compares amounts of one currency. There is no rate between
// two: the one whose name is first counts for more.
func comparePayouts(a, b payout) int {
	return cmp.Or(cmp.Compare(b.currency, a.currency), cmp.Compare(a.amount, b.amount))
}
