package symlink

import (
	"os"
	"path/filepath"
	"testing"
)

func TestTarget(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	if err := os.MkdirAll(in("real/deep"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(in("real/file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{
		"absolute": in("real/file"), "relative": "real/file", "chain": "relative", "dangling": "real/none",
		"dir": "real/deep", "real/deep/up": "../file", "loop": "loop",
	} {
		if err := os.Symlink(to, in(link)); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{
		"real/file": "real/file", "none": "none",
		"absolute": "real/file", "relative": "real/file", "chain": "real/file",
		"dangling": "real/none", "dir/up": "real/file",
	} {
		if got, err := Target(in(path)); err != nil || got != in(want) {
			t.Errorf("%s leads to %s, %v", path, got, err)
		}
	}
	if got, err := Target(in("loop")); err == nil {
		t.Errorf("a loop leads to %s", got)
	}
}
