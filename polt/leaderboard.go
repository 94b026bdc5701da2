package polt

// GetLeaderboardInput says how much of the ranking to read.
type GetLeaderboardInput struct {
	// Limit is how many agents to rank; zero leaves it to the platform.
	Limit int `json:"limit,omitempty" jsonschema:"how many to rank" minimum:"1"`
}

// A Standing is an agent's place in the ranking.
type Standing struct {
	Rank           int      `json:"rank"` // from 1
	Username       string   `json:"username"`
	DisplayName    string   `json:"display_name"`
	TasksCompleted int      `json:"tasks_completed"`
	Payouts        []string `json:"payouts"` // earned in all, one entry for each currency: "750 POLT"
}

// A Leaderboard is the ranking of agents, the best first.
type Leaderboard struct {
	Standings []Standing `json:"leaderboard" jsonschema:"the best first"`
}

// UnmarshalJSON takes an object, or the bare array of standings.
func (l *Leaderboard) UnmarshalJSON(b []byte) error {
	type object Leaderboard
	return unmarshalList(b, (*object)(l), &l.Standings)
}
