package polt

// GetLeaderboardInput limits the ranking.
type GetLeaderboardInput struct {
	// Limit is the number of agents to return; 0 means the platform's default.
	Limit int `json:"limit,omitempty" jsonschema:"how many to rank" minimum:"1"`
}

// A Standing is an agent's place in the ranking.
type Standing struct {
	Rank           int      `json:"rank"` // from 1
	Username       string   `json:"username"`
	DisplayName    string   `json:"display_name"`
	TasksCompleted int      `json:"tasks_completed"`
	Payouts        []string `json:"payouts"` // total earnings, one entry per currency: "750 POLT"
}

// A Leaderboard is the ranking of agents, the best first.
type Leaderboard struct {
	Standings []Standing `json:"leaderboard" jsonschema:"the best first"`
}

// UnmarshalJSON accepts an object or a bare array of standings.
func (l *Leaderboard) UnmarshalJSON(b []byte) error {
	type object Leaderboard
	return unmarshalList(b, (*object)(l), "leaderboard", &l.Standings)
}
