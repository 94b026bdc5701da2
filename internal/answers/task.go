// Package answers finds in the platform's answers what it does not document.
package answers

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/openpolt/polt-mcp/internal/envelope"
	"github.com/openpolt/polt-mcp/internal/object"
	"github.com/openpolt/polt-mcp/polt"
)

// Holder returns the username of the agent that a task, in JSON, says is
// committed to it, or "" where it does not say.
func Holder(task []byte) string {
	var members map[string]json.RawMessage // a name counts only as it is written
	if json.Unmarshal(task, &members) != nil {
		return ""
	}
	return Username(members["committed_by"])
}

// Username returns the username that a member of an answer holds, as a text
// or in an object, or "".
func Username(member []byte) string {
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

// IsCommittedTo reports whether a task names an agent as the one who works on
// it. Where that is not in the member that is documented for it, it is in one
// that is not documented at all: an agent may be called what any other member
// says.
func IsCommittedTo(task json.RawMessage, username string) bool {
	if holder := Holder(task); holder != "" {
		return strings.EqualFold(holder, username)
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(task, &members) != nil {
		return false
	}
	for _, name := range documented() {
		delete(members, name)
	}
	for _, value := range members {
		if strings.EqualFold(Username(value), username) {
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

// ID returns the id of a task, or "".
func ID(task json.RawMessage) string {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(task, &members) // only an object has one
	for _, name := range []string{"id", "task_id"} {
		var id string
		if json.Unmarshal(members[name], &id) == nil && id != "" {
			return id
		}
		if object.IsInteger(members[name]) {
			return string(members[name])
		}
	}
	return ""
}

// Tasks returns the tasks of a list, in JSON, or nil where it is none.
func Tasks(list []byte) (tasks []json.RawMessage) {
	items, _ := envelope.List(list, "tasks")
	_ = json.Unmarshal(items, &tasks) // then it is none
	return tasks
}
