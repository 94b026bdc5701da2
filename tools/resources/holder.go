package resources

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/openpolt/polt-mcp/polt"
)

// HolderOf returns the username of the agent that a task, in JSON, says is
// committed to it, or "" where it does not say.
func HolderOf(task []byte) string {
	var members map[string]json.RawMessage // a name counts only as it is written
	if json.Unmarshal(task, &members) != nil {
		return ""
	}
	return UsernameIn(members["committed_by"])
}

// UsernameIn returns the username that a member of an answer holds, as a text
// or in an object, or "".
func UsernameIn(member []byte) string {
	var text string
	if json.Unmarshal(member, &text) == nil {
		return text
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(member, &object) != nil {
		return ""
	}
	_ = json.Unmarshal(object["username"], &text) // what is no string is no name
	return text
}

// isOf reports whether a task names an agent as the one who works on it. Where
// that is not in the member that is documented for it, it is in one that is not
// documented at all: an agent may be called what any other member says.
func isOf(task json.RawMessage, username string) bool {
	if holder := HolderOf(task); holder != "" {
		return holder == username
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(task, &members) != nil {
		return false
	}
	for _, name := range documented() {
		delete(members, name)
	}
	for _, value := range members {
		if UsernameIn(value) == username {
			return true
		}
	}
	return false
}

// documented returns the names of the members of a task.
func documented() (names []string) {
	task := reflect.TypeFor[polt.Task]()
	for i := range task.NumField() {
		name, _, _ := strings.Cut(task.Field(i).Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}
