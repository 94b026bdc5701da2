package credentials_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/gofrs/flock"

	"github.com/openpolt/polt-mcp/internal/credentials"
	"github.com/openpolt/polt-mcp/polt"
)

const platform = "https://polt.example"

func registration(t *testing.T, key string) polt.Registration {
	t.Helper()
	k, err := polt.ParseKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return polt.Registration{AgentID: "id-of-" + key, APIKey: k}
}

func newStore(t *testing.T) *credentials.Store {
	t.Helper()
	return credentials.NewStore(filepath.Join(t.TempDir(), "polt-mcp", "credentials.json"), credentials.InFile, nil)
}

func add(t *testing.T, s *credentials.Store, platform, username, key string) {
	t.Helper()
	if _, err := s.Add(platform, username, registration(t, key)); err != nil {
		t.Fatal(err)
	}
}

func find(t *testing.T, s *credentials.Store, platform, username string) string {
	t.Helper()
	key, who, err := s.Find(platform, username)
	if err != nil {
		t.Fatal(err)
	}
	return who + " " + key.Reveal()
}

func TestEachAgentOfEachPlatformHasItsOwnKey(t *testing.T) {
	s := newStore(t)
	if got := find(t, s, platform, ""); got != " " {
		t.Errorf("an empty store has %s", got)
	}
	add(t, s, platform, "ada", "polt_1")
	add(t, s, platform, "grace", "polt_2")
	add(t, s, "http://elsewhere", "ada", "polt_3")
	for _, c := range []struct{ platform, username, want string }{
		{platform, "", "ada polt_1"}, // the first to register
		{platform, "ada", "ada polt_1"},
		{platform, "grace", "grace polt_2"},
		{platform, "nobody", " "},
		{"http://elsewhere", "", "ada polt_3"},
		{"http://nowhere", "", " "},
	} {
		if got := find(t, s, c.platform, c.username); got != c.want {
			t.Errorf("%s at %s: %q, not %q", c.username, c.platform, got, c.want)
		}
	}
	if got := s.Owner(platform, registration(t, "polt_2").APIKey); got != "grace" {
		t.Errorf("polt_2 is %q's", got)
	}
}

func TestKeyOfTheSameNameBeforeIsNotLost(t *testing.T) {
	s := newStore(t)
	for _, key := range []string{"polt_1", "polt_2", "polt_3", "polt_3"} {
		add(t, s, platform, "ada", key)
	}
	if got := find(t, s, platform, "ada"); got != "ada polt_3" {
		t.Error(got)
	}
	b, err := os.ReadFile(s.Path())
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"polt_1", "polt_2", "polt_3"} {
		if !strings.Contains(string(b), `"`+key+`"`) {
			t.Errorf("%s is lost", key)
		}
	}
}

func TestFileIsForItsOwnerOnly(t *testing.T) {
	s := newStore(t)
	add(t, s, platform, "ada", "polt_1")
	for path, want := range map[string]os.FileMode{s.Path(): 0o600, filepath.Dir(s.Path()): 0o700} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want && runtime.GOOS != "windows" {
			t.Errorf("%s is %o", path, got)
		}
	}
	wantFiles(t, s, "credentials.json")
}

func TestManyAtOnceLoseNothing(t *testing.T) {
	s := newStore(t)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() { // each as a process of its own would
			own := credentials.NewStore(s.Path(), credentials.InFile, nil)
			if _, err := own.Add(platform, fmt.Sprint("agent", i), registration(t, fmt.Sprint("polt_", i))); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i := range 20 {
		if got, want := find(t, s, platform, fmt.Sprint("agent", i)), fmt.Sprintf("agent%d polt_%d", i, i); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}

func TestFileThatIsNotOursIsLeftAsItIs(t *testing.T) {
	for _, content := range []string{"not JSON", `{"version":2,"platforms":{}}`, `{"version":1,"platforms":{"` + platform + `":null}}`, `{"version":1,"platforms":null}`, ""} {
		s := newStore(t)
		if err := os.MkdirAll(filepath.Dir(s.Path()), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(s.Path(), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Add(platform, "ada", registration(t, "polt_1")); err == nil || !strings.Contains(err.Error(), "left as it is") {
			t.Errorf("%q: %v", content, err)
		}
		if b, err := os.ReadFile(s.Path()); err != nil || string(b) != content {
			t.Errorf("%q became %q", content, b)
		}
		session, warnings, err := credentials.Open(credentials.Source{Store: s, BaseURL: platform})
		if err != nil || len(warnings) != 1 || !session.Key(t.Context()).IsZero() {
			t.Errorf("%q: the session has %v, %v", content, warnings, err)
		}
	}
}

func TestKeyComesFromTheFirstSourceThatHasOne(t *testing.T) {
	s := newStore(t)
	add(t, s, platform, "ada", "polt_ada")
	add(t, s, platform, "grace", "polt_grace")
	keyFile := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(keyFile, []byte("polt_file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		source   credentials.Source
		want     string
		warnings int
	}{
		"nothing":            {credentials.Source{}, "", 0},
		"the variable":       {credentials.Source{APIKey: " polt_env\n", APIKeyFile: keyFile, Store: s}, "polt_env", 0},
		"the key file":       {credentials.Source{APIKeyFile: keyFile, Store: s}, "polt_file", 0},
		"the active agent":   {credentials.Source{Store: s}, "polt_ada", 0},
		"a chosen agent":     {credentials.Source{Store: s, Agent: "grace"}, "polt_grace", 0},
		"an unset variable":  {credentials.Source{APIKey: "${POLT_API_KEY}", Store: s}, "polt_ada", 1},
		"unset, another way": {credentials.Source{APIKey: "$POLT_API_KEY", APIKeyFile: "${POLT_API_KEY_FILE:-}", Store: s}, "polt_ada", 2},
	} {
		t.Run(name, func(t *testing.T) {
			c.source.BaseURL = platform
			session, warnings, err := credentials.Open(c.source)
			if err != nil {
				t.Fatal(err)
			}
			if got := session.Key(context.Background()).Reveal(); got != c.want {
				t.Errorf("the key is %q, not %q", got, c.want)
			}
			if len(warnings) != c.warnings {
				t.Errorf("warnings: %q", warnings)
			}
			for _, w := range warnings {
				if !strings.Contains(w, "POLT_API_KEY") || strings.Contains(w, "${") {
					t.Errorf("the warning %q", w)
				}
			}
		})
	}
}

func TestKeyThatCannotBeUsedIsAnErrorThatDoesNotTellIt(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	store := newStore(t)
	add(t, store, platform, "grace", "polt_secret")
	for _, source := range []credentials.Source{
		{APIKey: "polt_sec ret"}, {APIKey: "polt_sec\x00ret"}, {APIKeyFile: empty}, {APIKeyFile: "/no/such/file"},
		{Store: store, BaseURL: platform, Agent: "ada"},
	} {
		if _, _, err := credentials.Open(source); err == nil || strings.Contains(err.Error(), "sec") {
			t.Errorf("%v", err)
		}
	}
}

// Of two sessions that begin without a key, the second to need one has that of
// whoever has registered in the first.
func TestSessionWithoutAKeyTakesThatOfWhoRegistersMeanwhile(t *testing.T) {
	for _, agent := range []string{"", "ada", "grace"} {
		s := newStore(t)
		var sessions [2]*credentials.Session
		for i := range sessions {
			session, warnings, err := credentials.Open(credentials.Source{Store: s, BaseURL: platform, Agent: agent})
			if err != nil || len(warnings) > 0 || !session.Key(t.Context()).IsZero() {
				t.Fatal(err, warnings)
			}
			sessions[i] = session
		}
		for _, username := range []string{"ada", "joan"} {
			if _, err := sessions[0].StoreKey(t.Context(), username, registration(t, "polt_"+username)); err != nil {
				t.Fatal(err)
			}
		}
		want := "polt_ada"
		if agent == "grace" {
			want = "" // it waits for her
		}
		if got := sessions[1].Key(t.Context()).Reveal(); got != want {
			t.Errorf("--agent %s: the key is %q, not %q", agent, got, want)
		}
	}
}

func TestRegisteringDoesNotChangeWhoASessionIs(t *testing.T) {
	s := newStore(t)
	session, _, err := credentials.Open(credentials.Source{Store: s, BaseURL: platform})
	if err != nil {
		t.Fatal(err)
	}
	kept, err := session.StoreKey(t.Context(), "ada", registration(t, "polt_ada"))
	if err != nil || kept.File != s.Path() || kept.ActingAs != "" {
		t.Errorf("%+v, %v", kept, err)
	}
	kept, err = session.StoreKey(t.Context(), "grace", registration(t, "polt_grace"))
	if err != nil || kept.ActingAs != "ada" || !strings.Contains(kept.Switch, "--agent grace") {
		t.Errorf("%+v, %v", kept, err)
	}
	if got := session.Key(t.Context()).Reveal(); got != "polt_ada" {
		t.Errorf("the session acts with %s", got)
	}
	if got := find(t, s, platform, "grace"); got != "grace polt_grace" {
		t.Errorf("stored: %s", got)
	}
	known, _, err := credentials.Open(credentials.Source{APIKey: "polt_grace", Store: s, BaseURL: platform})
	if err != nil {
		t.Fatal(err)
	}
	if kept, err = known.StoreKey(t.Context(), "joan", registration(t, "polt_joan")); err != nil || kept.ActingAs != "grace" {
		t.Errorf("%+v, %v", kept, err)
	}
}

func TestSessionOfAPlatformThatPassesHoldsItsKey(t *testing.T) {
	session, _, err := credentials.Open(credentials.Source{Ephemeral: true})
	if err != nil {
		t.Fatal(err)
	}
	if kept, err := session.StoreKey(t.Context(), "ada", registration(t, "polt_ada")); err != nil || kept.File != "" {
		t.Errorf("%+v, %v", kept, err)
	}
	if got := session.Key(t.Context()).Reveal(); got != "polt_ada" {
		t.Errorf("the session acts with %s", got)
	}
	if kept, err := session.StoreKey(t.Context(), "grace", registration(t, "polt_grace")); err == nil || kept.ActingAs != "ada" {
		t.Errorf("a second key was taken, and is lost: %+v", kept)
	}
}

func TestWithoutAFileNoKeyIsSaidToBeStored(t *testing.T) {
	session, _, err := credentials.Open(credentials.Source{BaseURL: platform})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := session.StoreKey(t.Context(), "ada", registration(t, "polt_ada")); err == nil {
		t.Error("the key is in no file, and that is no error")
	}
	if got := session.Key(t.Context()).Reveal(); got != "polt_ada" {
		t.Errorf("the session acts with %s", got)
	}
}

// The time is virtual.
func TestFileThatAnotherHoldsIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t)
		if err := os.MkdirAll(filepath.Dir(s.Path()), 0o700); err != nil {
			t.Fatal(err)
		}
		lock := flock.New(s.Path() + ".lock")
		if err := lock.Lock(); err != nil {
			t.Fatal(err)
		}
		session, _, err := credentials.Open(credentials.Source{Store: s, BaseURL: platform})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := session.StoreKey(t.Context(), "ada", registration(t, "polt_ada")); err == nil || !strings.Contains(err.Error(), "locked") {
			t.Errorf("%v", err)
		}
		if err := lock.Unlock(); err != nil {
			t.Fatal(err)
		}
		add(t, s, platform, "ada", "polt_ada")
	})
}

func TestKeyThatCannotBeStoredIsUsedAllTheSame(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := credentials.NewStore(filepath.Join(file, "credentials.json"), credentials.Auto, nil) // below a file
	session, _, err := credentials.Open(credentials.Source{Store: s, BaseURL: platform})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := session.StoreKey(t.Context(), "ada", registration(t, "polt_ada")); err == nil {
		t.Error("no error")
	}
	if got := session.Key(t.Context()).Reveal(); got != "polt_ada" {
		t.Errorf("the session acts with %s", got)
	}
}

func TestDefaultPathIsInTheConfigurationDirectory(t *testing.T) {
	t.Setenv("HOME", "/home/ada")
	t.Setenv("XDG_CONFIG_HOME", "/home/ada/.config")
	path, err := credentials.DefaultPath()
	if err != nil || !strings.HasSuffix(filepath.ToSlash(path), "/polt-mcp/credentials.json") {
		t.Errorf("%s, %v", path, err)
	}
}

func TestFileIsJSONForPeople(t *testing.T) {
	s := newStore(t)
	add(t, s, platform, "ada", "polt_1")
	b, err := os.ReadFile(s.Path())
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(b) || !strings.Contains(string(b), "\n  ") {
		t.Errorf("%s", b)
	}
}
