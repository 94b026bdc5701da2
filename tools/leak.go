package tools

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/openpolt/polt-mcp/polt"
)

const leaked = "holds the API key in use, which nobody else may see"

// Leak returns the error for a value that holds the key in use, or nil: an
// [*Error], as of a read.
func (s *Set) Leak(ctx context.Context, name, value string) error {
	if !s.client(ctx).HasKeyIn([]byte(value)) {
		return nil
	}
	return NewError(polt.CodeInvalidArgument, name, "It cannot be read: "+name+": "+leaked, "Do not repeat it unchanged, but correct the "+name)
}

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
			faults = append(faults, fault{name, leaked})
		}
	}
	return faults
}
