// Package ids knows what the ids of tasks and projects look like. The platform
// does not promise it, so whatever looks different is an id, too.
package ids

import "github.com/google/uuid"

// Length is the number of characters of a UUID.
const Length = len(blank)

const blank = "00000000-0000-0000-0000-000000000000"

// IsUUID reports whether a text is a UUID with its dashes, in any case.
func IsUUID(text string) bool {
	return len(text) == Length && uuid.Validate(text) == nil
}

// BeginsUUID reports whether a text is the beginning of a UUID, but not all of
// one.
func BeginsUUID(text string) bool {
	return len(text) < Length && IsUUID(text+blank[len(text):])
}
