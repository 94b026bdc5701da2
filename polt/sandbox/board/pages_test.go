package board_test

import (
	"bufio"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/polt/sandbox"
)

// allPages returns the paths of pages of all kinds.
func allPages(w *world) []string {
	k := api[polt.TaskList](w, "", "GET", "/api/tasks?limit=1", "").Tasks[0]
	return []string{
		"/", "/board", "/board?q=x&difficulty=hard&agent=ada", "/tasks/" + k.ID, "/projects", "/projects/" + k.ProjectID,
		"/agents", "/agents/kestrel", "/activity", "/activity?agent=kestrel", "/review", "/signin", "/nothing",
		"/projects/new", "/tasks/new", "/tasks/" + k.ID + "/edit", "/projects/" + k.ProjectID + "/edit",
	}
}

// TestPolicy fails where a page has something that its policy forbids, or
// anything of another host.
func TestPolicy(t *testing.T) {
	w := open(t, sandbox.Options{})
	for _, c := range []*http.Client{w.client, w.signIn()} {
		for _, path := range allPages(w) {
			got := w.get(c, path)
			if got.status >= 500 || path != "/nothing" && got.status == 404 {
				t.Errorf("%s: %d", path, got.status)
			}
			for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
				if policy := got.header.Get("Content-Security-Policy"); !strings.Contains(policy, want) || strings.Contains(policy, "unsafe") {
					t.Errorf("%s: the policy is %s", path, policy)
				}
			}
			page, err := html.Parse(strings.NewReader(got.body))
			if err != nil {
				t.Fatal(err)
			}
			for n := range page.Descendants() {
				inspect(t, path, n)
			}
		}
	}
}

func inspect(t *testing.T, path string, n *html.Node) {
	t.Helper()
	if n.Data == "style" || n.Data == "script" && (n.FirstChild != nil || len(n.Attr) == 0) {
		t.Errorf("%s has a %s in it", path, n.Data)
	}
	for _, a := range n.Attr {
		if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
			t.Errorf("%s has the attribute %s=%q", path, a.Key, a.Val)
		}
		if (a.Key == "href" || a.Key == "src" || a.Key == "action") && !strings.HasPrefix(a.Val, "/") && !strings.HasPrefix(a.Val, "#") && !strings.HasPrefix(a.Val, "?") {
			t.Errorf("%s leads to %q", path, a.Val)
		}
	}
}

// TestHostile has agents write what could do harm on every page that shows it.
func TestHostile(t *testing.T) {
	w := open(t, sandbox.Options{Empty: true})
	const script = `<script>alert(1)</script>`
	key := w.register("ada")
	task := w.newTask(script)
	api[polt.Agent](w, key, "PATCH", "/api/agents/me", `{"display_name":"<img src=x onerror=alert(1)>","bio":"\u202egnp.exe\u2066 javascript:alert(1)"}`)
	work := script + " https://evil.example/?a=\"onmouseover=alert(1) https://bank.example@evil.example/x javascript:alert(1)\n" + strings.Repeat("a line of work\n", 14000)
	id := w.submit(key, task, work)
	c := w.signIn()
	for _, path := range append(allPages(w)[:6], "/agents/ada", "/agents", "/activity", "/review") {
		if path == "/agents/kestrel" {
			continue
		}
		got := w.get(c, path)
		page, err := html.Parse(strings.NewReader(got.body))
		if err != nil {
			t.Fatal(err)
		}
		for n := range page.Descendants() {
			if n.Data == "script" && n.FirstChild != nil || n.Data == "img" {
				t.Errorf("%s has an element that an agent wrote: %v", path, n)
			}
			for _, a := range n.Attr {
				if strings.HasPrefix(a.Key, "on") || a.Key == "href" && strings.HasPrefix(a.Val, "javascript") {
					t.Errorf("%s has %s=%q", path, a.Key, a.Val)
				}
			}
		}
		if strings.ContainsAny(got.body, "\u202e\u2066") {
			t.Errorf("%s has characters in it that change the direction of others", path)
		}
		if len(got.body) > 100_000 {
			t.Errorf("%s has %d bytes", path, len(got.body))
		}
	}
	page := w.get(c, "/tasks/"+task).body
	for _, want := range []string{
		`Written by <bdi>ada</bdi>`, `https://bank.example@<b>evil.example</b>/x`, `href="/submissions/` + id + `"`, "Read it whole",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the task's page lacks %s", want)
		}
	}
	if bio := w.get(c, "/agents/ada").body; !strings.Contains(bio, ">U+202E</span>gnp.exe") {
		t.Error("the character that nobody sees is not shown by its number")
	}
	raw := w.get(c, "/submissions/"+id)
	if raw.body != work || raw.header.Get("Content-Type") != "text/plain; charset=utf-8" || raw.header.Get("X-Content-Type-Options") != "nosniff" ||
		!strings.HasPrefix(raw.header.Get("Content-Security-Policy"), "sandbox;") {
		t.Errorf("the submission is sent as %v", raw.header)
	}
}

func TestFilters(t *testing.T) {
	w := open(t, sandbox.Options{})
	cards := func(path string) (titles []string) {
		for _, m := range regexp.MustCompile(`<h3><a [^>]*>([^<]*)`).FindAllStringSubmatch(w.get(w.client, path).body, -1) {
			titles = append(titles, m[1])
		}
		return titles
	}
	for path, want := range map[string]string{
		"/board?q=PROBE+itself":                      "[Stop a slow probe from overlapping itself]",
		"/board?q=%25":                               "[Explain what uptime means on our pages]", // the sign itself
		"/board?agent=lumen":                         "[Refuse private addresses by default]",
		"/board?difficulty=easy&agent=quill":         "[Document the glossary format Write the quick start]",
		"/board?agent=nobody":                        "[]",
		"/board?difficulty=expert&q=passkeys&sort=x": "[Sign requests to the admin interface with passkeys]",
	} {
		if got := fmt.Sprint(cards(path)); got != want {
			t.Errorf("%s shows %s, want %s", path, got, want)
		}
	}
	all := len(cards("/board"))
	page := w.get(w.client, "/board").body
	more := regexp.MustCompile(`data-more="([^"]*)"`).FindStringSubmatch(page)
	if more == nil {
		t.Fatal("the column of available tasks has no more")
	}
	rest := cards(strings.ReplaceAll(more[1], "&amp;", "&"))
	if total := api[polt.TaskList](w, "", "GET", "/api/tasks", "").Total; all+len(rest) != total {
		t.Errorf("the board shows %d tasks and %d more, of %d", all, len(rest), total)
	}
}

// TestStream watches what an agent does, as a browser does.
func TestStream(t *testing.T) {
	w := open(t, sandbox.Options{Empty: true})
	task := w.newTask("A task")
	resp, err := w.client.Do(w.request("GET", "/events", "", "Accept", "text/event-stream"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	next := func() (id, data string) {
		for lines.Scan() {
			if v, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
				id = v
			}
			if v, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				return id, v
			}
		}
		t.Fatalf("the stream has ended: %v", lines.Err())
		return "", ""
	}
	key := w.register("ada")
	first, data := next()
	if !strings.Contains(data, `{"kind":"agent_registered","agent":"ada"}`) {
		t.Errorf("told %s", data)
	}
	api[polt.Commitment](w, key, "POST", "/api/tasks/"+task+"/commit", "")
	if _, data := next(); !strings.Contains(data, `"kind":"task_committed","task":"`+task+`"`) {
		t.Errorf("told %s", data)
	}

	// One that comes again is told what it has missed.
	again, err := w.client.Do(w.request("GET", "/events", "", "Last-Event-ID", first))
	if err != nil {
		t.Fatal(err)
	}
	defer again.Body.Close()
	lines = bufio.NewScanner(again.Body)
	if _, data := next(); strings.Contains(data, "agent_registered") || !strings.Contains(data, "task_committed") {
		t.Errorf("told again %s", data)
	}

	w.board.Close()
	for lines.Scan() {
	}
	if err := lines.Err(); err != nil {
		t.Errorf("the stream ends with %v", err)
	}
}

// TestPlatform fails if the board is in the way of the platform.
func TestPlatform(t *testing.T) {
	w := open(t, sandbox.Options{})
	for path, status := range map[string]int{"/api/tasks": 200, "/api": 404, "/api/": 404, "/api//tasks": 404, "//api/tasks": 404, "/elsewhere": 404} {
		got := w.do(w.client, w.request("GET", path, ""))
		if got.status != status || got.header.Get("Content-Type") != "application/json; charset=utf-8" {
			t.Errorf("GET %s: %d %s", path, got.status, got.body)
		}
	}
	if got := w.do(w.client, w.request("DELETE", "/board", "")); got.status != 404 {
		t.Errorf("DELETE /board: %d", got.status)
	}
	if got := w.get(w.client, "/"); got.status != 200 || !strings.Contains(got.body, "POLT_API_URL="+w.url+" polt-mcp call register_agent") {
		t.Errorf("GET / does not say what is here: %d", got.status)
	}
}

// TestEmpty fails if a page of an empty world does not say what to do.
func TestEmpty(t *testing.T) {
	w := open(t, sandbox.Options{Empty: true})
	for path, want := range map[string]string{
		"/": "call register_agent", "/board": "polt-mcp sandbox", "/projects": "polt-mcp sandbox", "/agents": "call register_agent",
		"/activity": "call register_agent", "/review": "call submit_work",
	} {
		if got := w.get(w.client, path); got.status != 200 || !strings.Contains(got.body, want) {
			t.Errorf("%s: %d, without %s", path, got.status, want)
		}
	}
}
