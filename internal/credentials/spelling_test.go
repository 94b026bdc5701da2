package credentials_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/openpolt/polt-mcp/internal/credentials"
)

// TestKeysAreFoundByEverySpellingOfTheURL has a file in which earlier versions stored
// one platform under two spellings.
func TestKeysAreFoundByEverySpellingOfTheURL(t *testing.T) {
	path := filepath.Join(t.TempDir(), "credentials.json")
	const before = `{"version": 1, "platforms": {
		"https://Polt.Example:443": {"active": "ada", "agents": {"ada": {"api_key": "polt_ada"}, "joan": {"keyring": true}}},
		"https://POLT.example": {"active": "", "agents": {"grace": {"api_key": "polt_grace"}}},
		"https://polt.example:444": {"active": "other", "agents": {"other": {"api_key": "polt_other"}}}}}`
	if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &ring{secrets: map[string]string{"joan on https://Polt.Example:443": "polt_joan"}}
	s := credentials.NewStore(path, credentials.InFile, r)
	want := func(username, want string) {
		t.Helper()
		if got := find(t, s, platform, username); got != want {
			t.Errorf("%q is %q, not %q", username, got, want)
		}
	}
	want("", "ada polt_ada")
	want("grace", "grace polt_grace")
	want("joan", "joan polt_joan")
	want("other", " ")
	if got := s.Owner(platform, registration(t, "polt_grace").APIKey); got != "grace" {
		t.Errorf("polt_grace is %q's", got)
	}
	if err := s.Use(platform, "grace"); err != nil {
		t.Fatal(err)
	}
	want("", "grace polt_grace")
	add(t, s, platform, "dora", "polt_dora")
	add(t, s, platform, "ada", "polt_new")
	want("", "grace polt_grace")
	want("ada", "ada polt_new")
	if err := s.Remove(platform, "joan"); err != nil || len(r.secrets) > 0 {
		t.Errorf("removed, the keyring has %v, %v", r.secrets, err)
	}
	if got := fmt.Sprint(s.Agents(platform)); got != "[ada dora grace]" {
		t.Error(got)
	}
}
