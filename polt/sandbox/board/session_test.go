package board_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/openpolt/polt-mcp/polt/sandbox"
)

func TestSignIn(t *testing.T) {
	w := open(t, sandbox.Options{Empty: true})
	link := w.board.SignInPath()
	got := w.get(w.client, link)
	cookie := got.header.Get("Set-Cookie")
	for _, want := range []string{"HttpOnly", "SameSite=Strict", "Path=/"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("the cookie is not %s: %s", want, cookie)
		}
	}
	if got.status != 200 || !strings.HasSuffix(got.header.Get("Refresh"), "url=/review") {
		t.Errorf("%d, Refresh %q", got.status, got.header.Get("Refresh"))
	}
	if got := w.get(w.client, "/projects/new"); got.status != 200 || !strings.Contains(got.body, "Create the project") {
		t.Errorf("signed in, the form is %d", got.status)
	}

	other := newClient(t)
	if got := w.get(other, link); got.status != 403 || got.header.Get("Set-Cookie") != "" {
		t.Errorf("the code works twice: %d", got.status)
	}
	if got := w.get(other, "/projects/new"); got.status != 401 {
		t.Errorf("a stranger gets the form: %d", got.status)
	}
	if got := w.post(other, "/signin", url.Values{"key": {"polt_wrong"}}); got.status != 403 || got.header.Get("Set-Cookie") != "" {
		t.Errorf("a wrong key: %d", got.status)
	}
	if got := w.post(other, "/signin", url.Values{"key": {w.sandbox.CTOKey().Reveal()}}); got.status != 200 {
		t.Errorf("the CTO's key: %d", got.status)
	}
	if got := w.get(other, "/projects/new"); got.status != 200 {
		t.Errorf("signed in by the key, the form is %d", got.status)
	}

	// Signed out, the cookie is worth nothing even where it was kept.
	u, _ := url.Parse(w.url)
	kept := other.Jar.Cookies(u)
	w.post(other, "/signout", nil)
	other.Jar.SetCookies(u, kept)
	if got := w.get(other, "/projects/new"); got.status != 401 {
		t.Errorf("signed out, the form is %d", got.status)
	}
}

// TestForgery sends what another site could have the CTO's browser send.
func TestForgery(t *testing.T) {
	w := open(t, sandbox.Options{Empty: true})
	c := w.signIn()
	task := w.newTask("A task")
	for _, headers := range [][]string{
		{"Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "same-site"}, // another port of this machine
		{"Sec-Fetch-Site", "", "Origin", "http://evil.example"},
		{"Sec-Fetch-Site", "", "Origin", "null"},
	} {
		if got := w.post(c, "/tasks/"+task+"/cancel", nil, headers...); got.status != 403 {
			t.Errorf("%q: %d", headers, got.status)
		}
	}
	if got := w.task(task).Status; got != "available" {
		t.Errorf("the task is %s", got)
	}
	if got := w.post(c, "/tasks/"+task+"/cancel", nil); got.status != 200 || w.task(task).Status != "cancelled" {
		t.Errorf("from its own page: %d, and the task is %s", got.status, w.task(task).Status)
	}
}

// TestStranger sends what only the CTO may do, without being signed in.
func TestStranger(t *testing.T) {
	w := open(t, sandbox.Options{Empty: true})
	key := w.register("ada")
	task := w.newTask("A task")
	submission := w.submit(key, task, "work")
	project := w.task(task).ProjectID
	before, _ := events(t, w)
	for path, fields := range map[string]url.Values{
		"/projects":                         {"title": {"x"}},
		"/projects/" + project:              {"title": {"x"}},
		"/projects/" + project + "/advance": nil,
		"/tasks":                            {"title": {"x"}},
		"/tasks/" + task:                    {"title": {"x"}},
		"/tasks/" + task + "/cancel":        nil,
		"/review/" + submission:             {"action": {"approve"}},
		"/agents/ada/ban":                   {"reason": {"x"}},
		"/agents/ada/unban":                 nil,
	} {
		if got := w.post(w.client, path, fields); got.status != http.StatusUnauthorized {
			t.Errorf("POST %s: %d", path, got.status)
		}
	}
	if after, all := events(t, w); after != before {
		t.Errorf("something has changed: %v", all[0])
	}
}

// events returns the last event, and all, the latest first.
func events(t *testing.T, w *world) (last int64, all []sandbox.Event) {
	t.Helper()
	err := w.sandbox.View(t.Context(), func(v sandbox.View) (err error) {
		if last, err = v.LastEvent(); err != nil {
			return err
		}
		all, err = v.Events(sandbox.EventFilter{}, 1000)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return last, all
}

// TestTheme follows the switch, which leads back to the page, and nowhere else.
func TestTheme(t *testing.T) {
	w := open(t, sandbox.Options{})
	for from, to := range map[string]string{
		"/board?q=probe": "/board?q=probe", "https://evil.example/": "/", "//evil.example/": "/", "///evil.example/": "/", `/\evil.example`: "/", "": "/",
	} {
		got := w.post(w.client, "/theme", url.Values{"theme": {"dark"}, "from": {from}})
		if got.url.String() != w.url+to || !strings.Contains(got.body, `data-theme="dark"`) {
			t.Errorf("from %q to %s", from, got.url)
		}
	}
}
