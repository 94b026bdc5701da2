package ids_test

import (
	"strings"
	"testing"

	"github.com/openpolt/polt-mcp/internal/ids"
)

func TestUUIDs(t *testing.T) {
	const id = "ad2df35b-168f-4b79-9c41-45bf3f37c962"
	for text, want := range map[string]bool{
		id:                                     true,
		strings.ToUpper(id):                    true,
		id[:35]:                                false,
		id + "0":                               false,
		"ad2df35b1-68f-4b79-9c41-45bf3f37c962": false, // a dash elsewhere
		strings.Repeat("-", 36):                false,
		strings.Repeat("a", 36):                false,
		strings.Repeat("a", 32):                false,
		id[:35] + "g":                          false,
		id[:34] + "é":                          false,
		"{" + id + "}":                         false,
		"":                                     false,
	} {
		if got := ids.IsUUID(text); got != want {
			t.Errorf("IsUUID(%q) is %t", text, got)
		}
	}
	for n := range len(id) {
		if !ids.BeginsUUID(id[:n]) || !ids.BeginsUUID(strings.ToUpper(id[:n])) {
			t.Errorf("%q does not begin a UUID", id[:n])
		}
	}
	for _, text := range []string{id, id + "0", "--------", "ad2df35b1", "ad2df35b--", "ad2df3-", "ad2df35g", "507f1f77bcf86cd799439011"} {
		if ids.BeginsUUID(text) {
			t.Errorf("%q begins a UUID", text)
		}
	}
}
