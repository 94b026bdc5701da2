package polt

import (
	"bytes"
	"encoding/json"
)

// unmarshalList decodes a list answer, whose envelope the platform leaves
// open: an object, or the bare array of its items.
func unmarshalList[T any](b []byte, object any, items *[]T) error {
	if b = bytes.TrimSpace(b); len(b) > 0 && b[0] == '[' {
		return json.Unmarshal(b, items)
	}
	return json.Unmarshal(b, object)
}

func values[T ~string](all ...T) []string {
	names := make([]string, len(all))
	for i, v := range all {
		names[i] = string(v)
	}
	return names
}
