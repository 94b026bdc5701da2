package credentials_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/openpolt/polt-mcp/internal/credentials"
)

func TestMembersOfALaterVersionStay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "credentials.json")
	const before = `{"note": {"n": 12345678901234567890}, "version": 1, "platforms": {"https://polt.example": {
		"label": "work", "active": "ada", "agents": {
			"ada": {"api_key": "polt_ada", "note": "<a>"}, "grace": {"api_key": "polt_grace", "tags": [1, null]}}}}}`
	if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	s := credentials.NewStore(path, credentials.InFile, nil)
	if err := s.Use(platform, "grace"); err != nil {
		t.Fatal(err)
	}
	add(t, s, platform, "ada", "polt_new")
	const after = `{"note": {"n": 12345678901234567890}, "version": 1, "platforms": {"https://polt.example": {
		"label": "work", "active": "grace", "agents": {
			"ada": {"api_key": "polt_new", "agent_id": "id-of-polt_new", "former": ["polt_ada"], "note": "<a>"},
			"grace": {"api_key": "polt_grace", "tags": [1, null]}}}}}`
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(decoded(t, got), decoded(t, []byte(after))) {
		t.Errorf("got %s, want %s", got, after)
	}
}

func decoded(t *testing.T, b []byte) (value any) {
	t.Helper()
	if err := json.Unmarshal(b, &value); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	return value
}
