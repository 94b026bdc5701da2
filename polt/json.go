package polt

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/openpolt/polt-mcp/internal/envelope"
)

// unmarshalList decodes a list, whose envelope the platform does not document. object
// is what the list is documented as, and items is its member of that name.
func unmarshalList[T any](b []byte, object any, name string, items *[]T) error {
	if b = bytes.TrimSpace(b); string(b) == "null" {
		return nil
	}
	*items = nil
	if bytes.HasPrefix(b, []byte{'{'}) {
		if err := json.Unmarshal(b, object); err != nil || *items != nil {
			return err
		}
	}
	list, ok := envelope.List(b, name)
	if !ok {
		return fmt.Errorf("there is no list of %s in it, or there are several", name)
	}
	return json.Unmarshal(list, items)
}

func values[T ~string](all ...T) []string {
	names := make([]string, len(all))
	for i, v := range all {
		names[i] = string(v)
	}
	return names
}
