package credentials_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gofrs/flock"

	"github.com/openpolt/polt-mcp/internal/credentials"
)

const leftover = ".credentials.json.polt-mcp-new"

// start opens a session, as every start of the server does.
func start(t *testing.T, s *credentials.Store) {
	t.Helper()
	if _, warnings, err := credentials.Open(credentials.Source{Store: s, BaseURL: platform}); err != nil || len(warnings) > 0 {
		t.Error(warnings, err)
	}
}

// wantFiles checks which files are beside the credentials file, other than locks.
func wantFiles(t *testing.T, s *credentials.Store, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(s.Path()))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".lock") {
			got = append(got, e.Name())
		}
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the directory has %q, not %q", got, want)
	}
}

func writeBeside(t *testing.T, s *credentials.Store, name string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(filepath.Dir(s.Path()), name), []byte("polt_"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFilesThatACrashHasLeftAreRemoved(t *testing.T) {
	s := newStore(t)
	add(t, s, platform, "ada", "polt_ada")
	writeBeside(t, s, leftover)
	start(t, s)
	wantFiles(t, s, "credentials.json")

	// A change does not need a start before it.
	writeBeside(t, s, leftover)
	add(t, s, platform, "grace", "polt_grace")
	wantFiles(t, s, "credentials.json")
}

func TestFilesOfOthersAreLeftAlone(t *testing.T) {
	s := newStore(t)
	add(t, s, platform, "ada", "polt_ada")
	others := []string{
		".credentials-aws", ".credentials-123", ".credentials.json", "credentials.json.new",
		".other.json.polt-mcp-new", // another store's
	}
	for _, name := range others {
		writeBeside(t, s, name)
	}
	for _, name := range []string{".credentials-empty", leftover} {
		if err := os.Mkdir(filepath.Join(filepath.Dir(s.Path()), name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	start(t, s)
	want := append(others, ".credentials-empty", leftover, "credentials.json")
	wantFiles(t, s, want...)
	if _, err := s.Add(platform, "grace", registration(t, "polt_grace")); err == nil || !strings.Contains(err.Error(), "move it away") {
		t.Errorf("with a directory in the way: %v", err)
	}
	wantFiles(t, s, want...)
}

func TestFileThatIsBeingWrittenIsNotRemoved(t *testing.T) {
	s := newStore(t)
	add(t, s, platform, "ada", "polt_ada")
	writing := flock.New(s.Path() + ".lock")
	if err := writing.Lock(); err != nil {
		t.Fatal(err)
	}
	writeBeside(t, s, leftover)
	start(t, s)
	wantFiles(t, s, "credentials.json", leftover)
	if err := writing.Unlock(); err != nil {
		t.Fatal(err)
	}
	start(t, s)
	wantFiles(t, s, "credentials.json")
}

func TestLinkToTheFileStaysOne(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "dotfiles", "keys.json"), filepath.Join(dir, "credentials.json")
	if err := os.Symlink(filepath.Join("dotfiles", "keys.json"), link); err != nil {
		t.Fatal(err)
	}
	s := credentials.NewStore(link, credentials.InFile, nil)
	add(t, s, platform, "ada", "polt_ada") // the link is dangling
	add(t, s, platform, "grace", "polt_grace")
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link has become %v, %v", info.Mode(), err)
	}
	if got := find(t, credentials.NewStore(target, credentials.InFile, nil), platform, "grace"); got != "grace polt_grace" {
		t.Errorf("the target has %s", got)
	}
	left := filepath.Join(dir, "dotfiles", ".keys.json.polt-mcp-new")
	if err := os.WriteFile(left, []byte("polt_"), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, s)
	if _, err := os.Lstat(left); !os.IsNotExist(err) {
		t.Errorf("a leftover beside the target: %v", err)
	}
}
