package hosts

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func testSystem(os, home string, variables map[string]string) System {
	return System{OS: os, Home: home, Getenv: func(name string) string { return variables[name] },
		LookPath: func(string) (string, error) { return "", errors.New("none") }}
}

// TestPaths compares where every host keeps its file on each system with
// testdata/paths.
func TestPaths(t *testing.T) {
	var b bytes.Buffer
	for _, sys := range []System{
		testSystem("linux", "/home/ada", nil),
		testSystem("darwin", "/Users/ada", nil),
		testSystem("windows", `C:\Users\ada`, map[string]string{"APPDATA": `C:\Users\ada\AppData\Roaming`}),
	} {
		for _, h := range All() {
			fmt.Fprintf(&b, "%-8s%-16s%s\n", sys.OS, h.Name, h.paths(sys)[0])
		}
	}
	const golden = "testdata/paths"
	if *update {
		if err := os.WriteFile(golden, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || !bytes.Equal(b.Bytes(), want) {
		t.Errorf("got\n%s\nwant\n%s%v", b.Bytes(), want, err)
	}
}

func TestVariablesMoveFiles(t *testing.T) {
	for name, want := range map[string]struct{ variable, path string }{
		"claude-code": {"CLAUDE_CONFIG_DIR", "/x/.claude.json"},
		"codex":       {"CODEX_HOME", "/x/config.toml"},
		"copilot":     {"COPILOT_HOME", "/x/mcp-config.json"},
		"qwen":        {"QWEN_HOME", "/x/settings.json"},
		"cline":       {"CLINE_MCP_SETTINGS_PATH", "/x"},
		"zed":         {"XDG_CONFIG_HOME", "/x/zed/settings.json"},
	} {
		h, _ := Find(name)
		if got := h.Path(testSystem("linux", "/home/ada", map[string]string{want.variable: "/x"})); got != want.path {
			t.Errorf("%s with %s: %s", name, want.variable, got)
		}
	}
}

func TestAFileThatExistsGoesBeforeTheDefault(t *testing.T) {
	sys := testSystem("linux", t.TempDir(), nil)
	h, _ := Find("opencode")
	if h.Installed(sys) {
		t.Error("found where nothing is")
	}
	path := filepath.Join(sys.Home, ".config", "opencode", "opencode.jsonc")
	if _, err := Write(path, nil, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	if got := h.Path(sys); got != path {
		t.Error(got)
	}
	if !h.Installed(sys) {
		t.Error("not found")
	}
}

func TestWriteKeepsABackupTheModeAndLinks(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "dotfiles.json"), filepath.Join(dir, "link.json")
	if err := os.WriteFile(target, []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	backup, err := Write(link, []byte("old"), []byte("new"))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{backup: "old", target: "new"} {
		got, err := os.ReadFile(path)
		if err != nil || string(got) != want {
			t.Errorf("%s has %q, %v", path, got, err)
		}
		if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o640 {
			t.Errorf("%s has mode %v, %v", path, info.Mode(), err)
		}
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link has become %v, %v", info.Mode(), err)
	}
	entries, _ := os.ReadDir(dir)
	if len(entries) != 3 {
		t.Errorf("something else is left: %v", entries)
	}
}

func TestWriteMakesTheTargetOfADanglingLink(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "link.json")
	if err := os.Symlink(filepath.Join("dotfiles", "a.json"), link); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(link, nil, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "dotfiles", "a.json")); err != nil || string(got) != "new" {
		t.Errorf("the target has %q, %v", got, err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link has become %v, %v", info.Mode(), err)
	}
}

func TestWriteRefusesAFileThatHasChanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.json")
	for _, before := range [][]byte{[]byte("what it was"), nil} {
		if err := os.WriteFile(path, []byte("what it is"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Write(path, before, []byte("new")); err == nil || !strings.Contains(err.Error(), "changed in the meantime") {
			t.Errorf("from %q: %v", before, err)
		}
		if got, _ := os.ReadFile(path); string(got) != "what it is" {
			t.Errorf("it has %q", got)
		}
	}
}

func TestReadRefusesWhatIsNoFile(t *testing.T) {
	if _, err := Read(t.TempDir()); err == nil || !strings.Contains(err.Error(), "is not a file") {
		t.Error(err)
	}
}

func TestServersFindsThisProgramUnderAnyName(t *testing.T) {
	h, _ := Find("opencode")
	servers, err := h.Servers([]byte(`{"mcp": {
		"polt": {"type": "remote", "url": "https://polt.example/mcp"},
		"work": {"command": ["C:\\bin\\polt-mcp.exe", "stdio", "--agent=ada"]},
		"other": {"command": ["other", "polt-mcp"]}}}`))
	want := `[{polt  [] https://polt.example/mcp } {work C:\bin\polt-mcp.exe [stdio --agent=ada]  }]`
	if got := fmt.Sprint(servers); err != nil || got != want {
		t.Error(got, err)
	}
}
