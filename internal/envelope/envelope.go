// Package envelope finds what an answer is about in whatever the platform wraps it,
// which is not documented.
package envelope

import (
	"bytes"
	"encoding/json"
)

// maxDepth is how deep to look.
const maxDepth = 3

// usual are names that lists commonly have, if not one of their own.
var usual = []string{"data", "items", "results"}

// List returns the array that an answer consists of: the answer itself, its member of
// that name or of a usual one, or its only array, at whatever depth. ok is false if
// there is none, or several.
func List(answer []byte, name string) (list json.RawMessage, ok bool) {
	return find(answer, maxDepth, func(value []byte, members map[string]json.RawMessage) (json.RawMessage, bool) {
		if value[0] == '[' {
			return value, true
		}
		for _, n := range append([]string{name}, usual...) {
			if m := members[n]; is(m, '[') {
				return m, true
			}
		}
		if string(members[name]) == "null" {
			return json.RawMessage("[]"), true
		}
		return only(members, func(m json.RawMessage) (json.RawMessage, bool) { return m, is(m, '[') })
	})
}

// Object returns the object with the named member that an answer consists of: the
// answer itself, or the only such object in it, at whatever depth. ok is false if
// there is none, or several.
func Object(answer []byte, member string) (object json.RawMessage, ok bool) {
	return find(answer, maxDepth, func(value []byte, members map[string]json.RawMessage) (json.RawMessage, bool) {
		return value, members[member] != nil
	})
}

// find returns what look finds in a value, or in the only object in it where look
// finds something.
func find(value []byte, depth int, look func(value []byte, members map[string]json.RawMessage) (json.RawMessage, bool)) (json.RawMessage, bool) {
	value = bytes.TrimSpace(value)
	if len(value) == 0 {
		return nil, false
	}
	var members map[string]json.RawMessage
	_ = json.Unmarshal(value, &members) // what is no object has none
	if found, ok := look(value, members); ok || depth == 0 {
		return found, ok
	}
	return only(members, func(m json.RawMessage) (json.RawMessage, bool) {
		if !is(m, '{') {
			return nil, false
		}
		return find(m, depth-1, look)
	})
}

// only returns what look returns for the only member for which it returns something.
func only(members map[string]json.RawMessage, look func(json.RawMessage) (json.RawMessage, bool)) (found json.RawMessage, _ bool) {
	n := 0
	for _, m := range members {
		if f, ok := look(m); ok {
			found = f
			n++
		}
	}
	return found, n == 1
}

func is(value json.RawMessage, first byte) bool { return len(value) > 0 && value[0] == first }
