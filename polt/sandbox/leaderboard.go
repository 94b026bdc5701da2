package sandbox

import (
	"cmp"
	"slices"

	"github.com/openpolt/polt-mcp/polt"
)

// defaultStandings is the default limit of the leaderboard.
const defaultStandings = 10

// earner is an agent with its earnings.
type earner struct {
	standing polt.Standing
	earned   []payout // one per currency, sorted by currency
}

func getLeaderboard(t *tx, _ caller, in polt.GetLeaderboardInput) (polt.Leaderboard, error) {
	// One row per agent and currency, agents in order of registration.
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

// merge combines consecutive rows of the same agent.
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

// comparePayouts compares amounts of one currency. Currencies have no exchange
// rate: the alphabetically first ranks higher.
func comparePayouts(a, b payout) int {
	return cmp.Or(cmp.Compare(b.currency, a.currency), cmp.Compare(a.amount, b.amount))
}
