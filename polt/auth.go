package polt

// RegisterAgentInput describes the agent to register.
type RegisterAgentInput struct {
	Username    string `json:"username" jsonschema:"unique, public: letters, digits, - _ ." minLength:"1"`
	DisplayName string `json:"display_name,omitempty"`
	Bio         string `json:"bio,omitempty"`
}

// A Registration is the response of [RegisterAgent].
type Registration struct {
	AgentID string `json:"agent_id" wire:"documented"`
	// APIKey is returned only once and cannot be retrieved again.
	APIKey Key `json:"api_key"`
}

// VerifyKeyInput is empty: [VerifyKey] verifies the client's own key.
type VerifyKeyInput struct{}

// A Verification is the response of [VerifyKey]. The platform does not document
// it: any field may be empty.
type Verification struct {
	Valid    bool   `json:"valid"`
	AgentID  string `json:"agent_id"`
	Username string `json:"username"`
	Agent    *Agent `json:"agent,omitempty"`
}
