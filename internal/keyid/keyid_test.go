package keyid_test

import (
	"testing"

	"github.com/openpolt/polt-mcp/internal/keyid"
	"github.com/openpolt/polt-mcp/polt"
)

func TestOf(t *testing.T) {
	for text, want := range map[string]string{"polt_secret": "b4a255b9e84efebe", "polt_secret2": "ea579a46dfe4ae76"} {
		key, err := polt.ParseKey(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := keyid.Of(key); got != want { // of printf %s "$text" | sha256sum
			t.Errorf("%s is %s", text, got)
		}
	}
	if got := keyid.Of(polt.Key{}); got != "" {
		t.Errorf("no key is %q", got)
	}
}
