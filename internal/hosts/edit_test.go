package hosts

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write the results of the fixtures anew")

// servers are what the fixtures install, by the word that the comment names.
var servers = map[string]Server{
	"stdio": {Name: "polt", Command: "/usr/local/bin/polt-mcp", Args: []string{"stdio", "--read-only"}},
	"http":  {Name: "polt", URL: "https://polt.example/mcp", KeyVariable: "POLT_API_KEY"},
	"open":  {Name: "polt", URL: "https://polt.example/mcp"},
}

// TestEdit installs into the file of each fixture and uninstalls again. The
// first line of a fixture is the host's name and a word for the server; the
// section before may be marked crlf, bom, utf-16 or cut (no last line end).
func TestEdit(t *testing.T) {
	fixtures, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(fixtures) == 0 {
		t.Fatal("no fixtures", err)
	}
	for _, path := range fixtures {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) { testFixture(t, path) })
	}
}

func testFixture(t *testing.T, path string) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Fields(string(archive.Comment))
	host, ok := Find(words[0])
	if !ok {
		t.Fatalf("no host %s", words[0])
	}
	server := servers[words[1]]
	name, marks, _ := strings.Cut(archive.Files[0].Name, " ")
	if name != "before" {
		t.Fatalf("the first section is %s", name)
	}
	before := marked(archive.Files[0].Data, marks)

	got := &txtar.Archive{Comment: archive.Comment, Files: archive.Files[:1:1]}
	after, err := host.Install(before, server)
	if err != nil {
		got.Files = append(got.Files, txtar.File{Name: "error", Data: []byte(err.Error() + "\n")})
	} else {
		got.Files = append(got.Files, txtar.File{Name: "installed", Data: unmarked(after)})
		again, err := host.Install(after, server)
		if err != nil || !bytes.Equal(again, after) {
			t.Errorf("installed again, it is %q, %v", again, err)
		}
		without, err := host.Uninstall(after, server.Name)
		if err != nil {
			t.Fatal("uninstall:", err)
		}
		if bytes.Equal(without, before) {
			got.Files = append(got.Files, txtar.File{Name: "uninstalled as before"})
		} else {
			got.Files = append(got.Files, txtar.File{Name: "uninstalled", Data: unmarked(without)})
		}
	}
	if *update {
		if err := os.WriteFile(path, txtar.Format(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want, is := txtar.Format(archive), txtar.Format(got); !bytes.Equal(want, is) {
		t.Errorf("got\n%s\nwant\n%s", is, want)
	}
}

// marked gives the text of a fixture what an archive of text cannot hold.
func marked(text []byte, marks string) []byte {
	for _, mark := range strings.Fields(marks) {
		switch mark {
		case "crlf":
			text = bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))
		case "bom":
			text = append([]byte("\xEF\xBB\xBF"), text...)
		case "cut":
			text = bytes.TrimSuffix(text, []byte("\n"))
		case "utf-16":
			wide := []byte("\xFF\xFE")
			for _, b := range text {
				wide = append(wide, b, 0)
			}
			text = wide
		default:
			panic(mark)
		}
	}
	return text
}

// unmarked makes what an archive cannot hold visible.
func unmarked(text []byte) []byte {
	text = bytes.ReplaceAll(text, []byte("\r"), []byte("␍"))
	return bytes.ReplaceAll(text, []byte("\xEF\xBB\xBF"), []byte("␏"))
}

// FuzzInstall installs into whatever a file may hold. The file is refused, or
// keeps all its bytes in their order.
func FuzzInstall(f *testing.F) {
	fixtures, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range fixtures {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(strings.Fields(string(archive.Comment))[0], archive.Files[0].Data)
	}
	f.Fuzz(func(t *testing.T, name string, src []byte) {
		host, ok := Find(name)
		if !ok {
			return
		}
		had, err := host.Configured(src, "polt")
		if err != nil || had != nil {
			return
		}
		after, err := host.Install(src, servers["stdio"])
		if err != nil {
			return
		}
		if entry, err := host.Configured(after, "polt"); err != nil || entry == nil {
			t.Fatalf("installed, it has %v, %v: %q", entry, err, after)
		}
		if rest := missing(src, after); rest != "" {
			t.Fatalf("%q has lost %q", after, rest)
		}
		if _, err := host.Uninstall(after, "polt"); err != nil {
			t.Fatalf("cannot be uninstalled from %q: %v", after, err)
		}
	})
}

// missing returns what of a text, but for space and the {} and null that a value
// takes the place of, is not in another in the same order.
func missing(text, other []byte) string {
	for _, b := range text {
		if bytes.IndexByte([]byte(" \t\r\n{}"), b) >= 0 {
			continue
		}
		i := bytes.IndexByte(other, b)
		if i < 0 {
			return string(b)
		}
		other = other[i+1:]
	}
	return ""
}
