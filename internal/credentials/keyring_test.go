package credentials_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gofrs/flock"
	"github.com/zalando/go-keyring"

	"github.com/openpolt/polt-mcp/internal/credentials"
)

// ring is a keyring in memory, which fails where err says so.
type ring struct {
	secrets map[string]string
	absent  bool
	err     error
}

func (r *ring) Available() bool { return !r.absent }

func (r *ring) Get(account string) (string, error) {
	secret, ok := r.secrets[account]
	if !ok && r.err == nil {
		return "", errors.New("not there")
	}
	return secret, r.err
}

func (r *ring) Set(account, secret string) error {
	if r.err == nil {
		r.secrets[account] = secret
	}
	return r.err
}

func (r *ring) Delete(account string) error {
	if r.err == nil {
		delete(r.secrets, account)
	}
	return r.err
}

func place(t *testing.T, path string, place credentials.Place, r *ring, username, key string) credentials.Place {
	t.Helper()
	got, err := credentials.NewStore(path, place, r).Add(platform, username, registration(t, key))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestKeysAreInTheKeyringWhereThereIsOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "credentials.json")
	r := &ring{secrets: map[string]string{}}
	for _, c := range []struct {
		chosen credentials.Place
		absent bool
		err    error
		want   credentials.Place
	}{
		{credentials.Auto, false, nil, credentials.InKeyring},
		{credentials.InKeyring, false, nil, credentials.InKeyring},
		{credentials.InFile, false, nil, credentials.InFile},
		{credentials.Auto, true, nil, credentials.InFile},
		{credentials.Auto, false, errors.New("locked"), credentials.InFile},
	} {
		r.absent, r.err = c.absent, c.err
		name, key := "agent-"+string(c.want), "polt_"+string(c.chosen)
		if c.err != nil || c.absent {
			name = "another"
		}
		if got := place(t, path, c.chosen, r, name, key); got != c.want {
			t.Errorf("%+v: it is in the %s", c, got)
		}
		r.absent, r.err = false, nil
		store := credentials.NewStore(path, credentials.Auto, r)
		if got := find(t, store, platform, name); got != name+" "+key {
			t.Errorf("%+v: found %s", c, got)
		}
		b, err := os.ReadFile(path)
		if err != nil || strings.Contains(string(b), `"`+key) != (c.want == credentials.InFile) {
			t.Errorf("%+v: the file is %s, %v", c, b, err)
		}
	}
	r.err = errors.New("locked")
	store := credentials.NewStore(path, credentials.InKeyring, r)
	if _, err := store.Add(platform, "joan", registration(t, "polt_joan")); err == nil || !strings.Contains(err.Error(), "locked") {
		t.Errorf("the keyring was asked for, and is locked: %v", err)
	}
	if _, warnings, err := credentials.Open(credentials.Source{Store: store, BaseURL: platform}); err != nil || len(warnings) != 1 ||
		!strings.Contains(warnings[0], "agent-keyring") || !strings.Contains(warnings[0], path) || !strings.Contains(warnings[0], "locked") {
		t.Errorf("a session warns %q, %v", warnings, err)
	}
	// To write over keys that cannot be read would lose them.
	if _, err := credentials.NewStore(path, credentials.InFile, r).Add(platform, "agent-keyring", registration(t, "polt_new")); err == nil {
		t.Error("keys were written over")
	}
}

func TestKeysMoveWithTheirFormerOnes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "credentials.json")
	r := &ring{secrets: map[string]string{}}
	for _, c := range []struct {
		place credentials.Place
		key   string
	}{{credentials.InFile, "polt_1"}, {credentials.InKeyring, "polt_2"}, {credentials.InFile, "polt_3"}} {
		place(t, path, c.place, r, "ada", c.key)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all := string(b)
		for _, secret := range r.secrets {
			if strings.Contains(all, `"polt_`) {
				t.Errorf("a key is in both: %s", all)
			}
			all += secret
		}
		for i := '1'; i <= rune(c.key[5]); i++ {
			if !strings.Contains(all, "polt_"+string(i)) {
				t.Errorf("polt_%c is lost", i)
			}
		}
	}
	if len(r.secrets) != 0 {
		t.Error("a key is left in the keyring")
	}
}

func TestAgentsAreChosenAndForgotten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "credentials.json")
	r := &ring{secrets: map[string]string{}}
	place(t, path, credentials.InFile, r, "ada", "polt_ada")
	place(t, path, credentials.InKeyring, r, "grace", "polt_grace")
	s := credentials.NewStore(path, credentials.Auto, r)
	if err := s.Use(platform, "nobody"); !errors.Is(err, credentials.ErrUnknown) {
		t.Error(err)
	}
	if err := s.Use(platform, "grace"); err != nil {
		t.Fatal(err)
	}
	if got := find(t, s, platform, ""); got != "grace polt_grace" {
		t.Error(got)
	}
	accounts, err := s.Accounts(platform)
	want := []credentials.Account{
		{Username: "ada", AgentID: "id-of-polt_ada", Place: credentials.InFile},
		{Username: "grace", AgentID: "id-of-polt_grace", Active: true, Place: credentials.InKeyring},
	}
	if err != nil || len(accounts) != 2 || accounts[0] != want[0] || accounts[1] != want[1] {
		t.Errorf("%+v, %v", accounts, err)
	}
	if err := s.Remove(platform, "grace"); err != nil {
		t.Fatal(err)
	}
	if len(r.secrets) != 0 {
		t.Error("the key is still in the keyring")
	}
	if got := find(t, s, platform, ""); got != " " {
		t.Errorf("nobody was chosen, and the session acts as %s", got)
	}
	if err := s.Remove(platform, "grace"); !errors.Is(err, credentials.ErrUnknown) {
		t.Error(err)
	}
	place(t, path, credentials.InFile, r, "joan", "polt_joan")
	if got := find(t, s, platform, ""); got != "joan polt_joan" {
		t.Errorf("who logs in where nobody is active is: %s", got)
	}
}

// slowRing is a keyring that waits for the user to unlock it.
type slowRing struct {
	ring
	asked, unlocked chan struct{}
}

func (r *slowRing) Set(account, secret string) error {
	r.asked <- struct{}{}
	<-r.unlocked
	return r.ring.Set(account, secret)
}

func TestKeyringThatWaitsForTheUserKeepsNobodyFromTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "credentials.json")
	r := &slowRing{ring{secrets: map[string]string{}}, make(chan struct{}, 10), make(chan struct{})}
	type outcome struct {
		place credentials.Place
		err   error
	}
	added := make(chan outcome)
	slow := credentials.NewStore(path, credentials.InKeyring, r)
	go func() {
		place, err := slow.Add(platform, "ada", registration(t, "polt_ada"))
		added <- outcome{place, err}
	}()
	<-r.asked
	file := credentials.NewStore(path, credentials.InFile, nil)
	add(t, file, platform, "grace", "polt_grace")
	add(t, file, platform, "ada", "polt_ada_too") // the same agent, whose keys must not replace each other
	if err := file.Use(platform, "grace"); err != nil {
		t.Error(err)
	}
	if err := file.Remove(platform, "grace"); err != nil {
		t.Error(err)
	}
	close(r.unlocked)
	if o := <-added; o.err != nil || o.place != credentials.InKeyring {
		t.Fatalf("%s, %v", o.place, o.err)
	}
	if got := find(t, slow, platform, "ada"); got != "ada polt_ada" {
		t.Error(got)
	}
	for _, secret := range r.secrets {
		if secret != "polt_ada\npolt_ada_too" {
			t.Errorf("the keyring has %q", secret)
		}
	}
	if b, err := os.ReadFile(path); err != nil || strings.Contains(string(b), `"polt_`) {
		t.Errorf("%s %v", b, err)
	}
}

// The time is virtual.
func TestKeyringThatAnotherHoldsIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "credentials.json")
		r := &ring{secrets: map[string]string{}}
		place(t, path, credentials.InKeyring, r, "grace", "polt_grace")
		lock := flock.New(path + ".keyring.lock")
		if err := lock.Lock(); err != nil {
			t.Fatal(err)
		}
		if got := place(t, path, credentials.Auto, r, "ada", "polt_ada"); got != credentials.InFile {
			t.Errorf("it is in the %s", got)
		}
		for place, username := range map[credentials.Place]string{credentials.InKeyring: "joan", credentials.Auto: "grace"} {
			if _, err := credentials.NewStore(path, place, r).Add(platform, username, registration(t, "polt_new")); err == nil || !strings.Contains(err.Error(), "another polt-mcp is waiting for it") {
				t.Errorf("%s, in the %s: %v", username, place, err)
			}
		}
		if err := lock.Unlock(); err != nil {
			t.Fatal(err)
		}
		if got := place(t, path, credentials.Auto, r, "ada", "polt_ada"); got != credentials.InKeyring {
			t.Errorf("afterwards it is in the %s", got)
		}
		if got := find(t, credentials.NewStore(path, credentials.Auto, r), platform, "grace"); got != "grace polt_grace" {
			t.Error(got)
		}
	})
}

// undeletable is a keyring that deletes nothing.
type undeletable struct{ ring }

func (*undeletable) Delete(string) error { return errors.New("it is locked") }

func TestKeyThatStaysInTheKeyringTooIsStored(t *testing.T) {
	path := filepath.Join(t.TempDir(), "credentials.json")
	r := &undeletable{ring{secrets: map[string]string{}}}
	for _, each := range []credentials.Place{credentials.InKeyring, credentials.InFile} {
		s := credentials.NewStore(path, each, r)
		if got, err := s.Add(platform, "ada", registration(t, "polt_ada")); err != nil || got != each {
			t.Errorf("%s: %s, %v", each, got, err)
		}
		if got := find(t, s, platform, "ada"); got != "ada polt_ada" {
			t.Error(got)
		}
	}
	place(t, path, credentials.InKeyring, &r.ring, "ada", "polt_ada")
	s := credentials.NewStore(path, credentials.Auto, r)
	if err := s.Remove(platform, "ada"); err == nil || !strings.Contains(err.Error(), "may still be in the keyring") {
		t.Errorf("it was to be removed: %v", err)
	}
	if got := find(t, s, platform, "ada"); got != " " {
		t.Error(got)
	}
}

func TestSecretThatIsNotInTheSystemKeyringCanBeDeleted(t *testing.T) {
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere") // for there to be a keyring
	keyring.MockInit()
	if err := credentials.SystemKeyring().Delete("nobody"); err != nil {
		t.Error(err)
	}
}
