package tools

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	"github.com/openpolt/polt-mcp/polt"
)

// leaks returns the arguments, as a JSON object, that hold the client's key:
// what is sent is for others to read.
func leaks(arguments json.RawMessage, client *polt.Client) (faults []fault) {
	// Without an escape, the texts are as they are written.
	if !client.HasKeyIn(arguments) && !bytes.Contains(arguments, []byte(`\`)) {
		return nil
	}
	var members map[string]any
	if json.Unmarshal(arguments, &members) != nil {
		return nil // it has been decoded before
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if text, ok := members[name].(string); ok && client.HasKeyIn([]byte(text)) {
			faults = append(faults, fault{name, "holds the API key in use, which nobody else may see"})
		}
	}
	return faults
}
