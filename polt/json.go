package polt

import (
	"bytes"
	"encoding/json"
	"maps"
)

// unmarshalList decodes a list, whose envelope the platform does not document:
// a bare array, or an object with the array under its documented name or as its
// only array member.
func unmarshalList[T any](b []byte, object any, items *[]T) error {
	if b = bytes.TrimSpace(b); len(b) > 0 && b[0] == '[' {
		return json.Unmarshal(b, items)
	}
	if err := json.Unmarshal(b, object); err != nil || *items != nil {
		return err
	}
	var members map[string]json.RawMessage
	err := json.Unmarshal(b, &members)
	maps.DeleteFunc(members, func(_ string, m json.RawMessage) bool { return m[0] != '[' })
	if len(members) == 1 {
		for _, only := range members {
			err = json.Unmarshal(only, items)
		}
	}
	return err
}

func values[T ~string](all ...T) []string {
	names := make([]string, len(all))
	for i, v := range all {
		names[i] = string(v)
	}
	return names
}
