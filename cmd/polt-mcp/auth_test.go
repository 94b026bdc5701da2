package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// alike is a platform that answers everything alike.
type alike struct {
	status int
	body   string
}

func (p alike) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: p.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(p.body)), Request: r}, nil
}

// runAuth runs a subcommand of auth.
func runAuth(p alike, stdin string, args ...string) (out string, err error) {
	var b bytes.Buffer
	ctx := context.WithValue(context.Background(), networkKey{}, network{platform: p})
	err = run(ctx, append([]string{"auth"}, args...), func(string) string { return "" }, strings.NewReader(stdin), &b, io.Discard)
	return b.String(), err
}

func TestAuthSaysWhyItStoresNothing(t *testing.T) {
	for name, c := range map[string]struct {
		platform  alike
		stdin     string
		args      []string
		says, not string
	}{
		"a lost response":        {alike{200, "<html>"}, "", []string{"register", "ada", "--display-name", "Ada", "--bio", "b"}, "POLT did not say whether it registered ada", "rejected"},
		"a rejected key":         {alike{401, "{}"}, "polt_of_ada\n", []string{"login"}, "nothing was stored: POLT rejected the key", "doctor"},
		"a platform that fails":  {alike{403, "{}"}, "polt_of_ada\n", []string{"login"}, "polt-mcp doctor tells more", "rejected"},
		"a key that is no more":  {alike{200, `{"valid":false}`}, "polt_of_ada\n", []string{"login", "ada"}, "nothing was stored: POLT rejected the key", ""},
		"a key of nobody's":      {alike{200, `{}`}, "polt_of_ada\n", []string{"login"}, "whose key is it?", ""},
		"another's key":          {alike{200, `{"username":"bob"}`}, "polt_of_bob\n", []string{"login", "ada"}, "the key is bob's, not ada's", ""},
		"no key":                 {alike{200, `{}`}, "\n", []string{"login"}, "nothing was stored", ""},
		"a sandbox that is gone": {alike{200, `{}`}, "polt_of_ada\n", []string{"login", "--sandbox"}, "give --db FILE", ""},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "c.json")
			out, err := runAuth(c.platform, c.stdin, append(c.args, "--store", "file", "--credentials", file)...)
			if err == nil || !strings.Contains(err.Error(), c.says) || c.not != "" && strings.Contains(err.Error(), c.not) {
				t.Errorf("%v: %s", err, out)
			}
			if _, err := runAuth(alike{200, `{}`}, "", "token", "--credentials", file); err == nil {
				t.Error("a key was stored")
			}
		})
	}
}

func TestAuthWithoutAPlaceForKeys(t *testing.T) {
	t.Setenv("HOME", "")
	t.Setenv("XDG_CONFIG_HOME", "")
	t.Setenv("AppData", "")
	if _, err := runAuth(alike{200, `{}`}, "polt_of_ada\n", "login", "ada"); err == nil || !strings.Contains(err.Error(), "give --credentials FILE") {
		t.Error(err)
	}
}

func TestAuthLoginActsAsTheAgent(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.json")
	for _, name := range []string{"ada", "grace"} { // POLT does not say whose a key is
		out, err := runAuth(alike{200, `{}`}, "polt_of_"+name+"\n", "login", name, "--store", "file", "--credentials", file)
		if err != nil || !strings.Contains(out, "The key of "+name+" is valid") || !strings.Contains(out, "polt-mcp acts as "+name) {
			t.Errorf("%v: %s", err, out)
		}
		if out, err := runAuth(alike{200, `{}`}, "", "token", "--credentials", file); err != nil || out != "polt_of_"+name+"\n" {
			t.Errorf("%v: %s", err, out)
		}
	}
}
