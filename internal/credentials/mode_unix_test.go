//go:build unix

package credentials_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/openpolt/polt-mcp/internal/credentials"
)

func TestFilesThatOthersCanReadAreWarnedOf(t *testing.T) {
	s := newStore(t)
	add(t, s, platform, "ada", "polt_ada")
	keyFile := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(keyFile, []byte("polt_ada"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, source := range map[string]credentials.Source{
		s.Path(): {Store: s, BaseURL: platform}, keyFile: {APIKeyFile: keyFile},
	} {
		for mode, want := range map[os.FileMode]int{0o600: 0, 0o640: 1, 0o604: 1} {
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
			_, warnings, err := credentials.Open(source)
			if err != nil || len(warnings) != want || want > 0 && !strings.Contains(warnings[0], "chmod 600 "+path) {
				t.Errorf("%s with mode %o: %q, %v", path, mode, warnings, err)
			}
		}
	}
}

func TestWhatIsNoFileIsRefusedAtOnce(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, os.DevNull} {
		if _, _, err := credentials.Open(credentials.Source{APIKeyFile: path}); err == nil || !strings.Contains(err.Error(), "not a regular file") {
			t.Errorf("a key from %s: %v", path, err)
		}
		store := credentials.NewStore(path, credentials.InFile, nil)
		if _, warnings, err := credentials.Open(credentials.Source{Store: store, BaseURL: platform}); err != nil || len(warnings) == 0 || !strings.Contains(warnings[0], "not a regular file") {
			t.Errorf("credentials from %s: %q, %v", path, warnings, err)
		}
	}
}
