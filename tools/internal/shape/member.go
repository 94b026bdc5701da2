package shape

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Member returns an object member, as "name":value.
func Member(name, value string) json.RawMessage {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	fmt.Fprintf(&b, `"%s":`, name)
	_ = enc.Encode(value) // cannot fail for a string and a buffer
	return bytes.TrimSpace(b.Bytes())
}

// Append appends members to an object.
func Append(object []byte, members ...json.RawMessage) []byte {
	for _, m := range members {
		object = object[:len(object)-1] // the closing brace
		if len(object) > 1 {
			object = append(object, ',')
		}
		object = append(append(object, m...), '}')
	}
	return object
}
