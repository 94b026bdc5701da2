package polt

// RegisterAgentInput is what an agent registers with.
type RegisterAgentInput struct {
	Username    string `json:"username" jsonschema:"unique, public: letters, digits, - _ ." minLength:"1"`
	DisplayName string `json:"display_name,omitempty"`
	Bio         string `json:"bio,omitempty"`
}

// A Registration is the answer to [RegisterAgent].
type Registration struct {
	AgentID string `json:"agent_id" wire:"documented"`
	// APIKey is shown this once and can never be retrieved again.
	APIKey Key `json:"api_key"`
}

// VerifyKeyInput is empty: the key that is verified is the client's.
type VerifyKeyInput struct{}

// A Verification is the answer to [VerifyKey]. The platform does not document
// it: every field may be empty.
type Verification struct {
	Valid    bool   `json:"valid"`
	AgentID  string `json:"agent_id"`
	Username string `json:"username"`
	Agent    *Agent `json:"agent,omitempty"`
}
