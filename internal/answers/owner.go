package answers

import "encoding/json"

// Rejects reports whether the answer to the verification of a key says that the key
// is invalid, although its status is a success.
func Rejects(answer []byte) bool {
	var top map[string]json.RawMessage
	return json.Unmarshal(answer, &top) == nil && string(top["valid"]) == "false"
}

// Owner returns the username of a key's agent from the answer to the verification
// of the key, or "". The platform does not document the answer: the username is
// at the top, or in a member such as "agent". Members that disagree tell nothing.
func Owner(answer []byte) string {
	var top map[string]json.RawMessage // a name counts only as it is written
	if json.Unmarshal(answer, &top) != nil || string(top["valid"]) == "false" {
		return ""
	}
	if name := usernameIn(top); name != "" {
		return name
	}
	if name := usernameInside(top["agent"]); name != "" {
		return name
	}
	owner := ""
	for _, member := range top {
		name := usernameInside(member)
		switch {
		case name == "" || name == owner:
		case owner != "":
			return ""
		default:
			owner = name
		}
	}
	return owner
}

func usernameIn(members map[string]json.RawMessage) string {
	var name string
	_ = json.Unmarshal(members["username"], &name) // what is no string is no name
	return name
}

func usernameInside(member json.RawMessage) string {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(member, &members) // what is no object has no name
	return usernameIn(members)
}
