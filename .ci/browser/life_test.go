package browser

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestLife has an agent live its whole life through MCP while one browser
// watches the board and, in another, the CTO reviews.
func TestLife(t *testing.T) {
	w := startWorld(t)
	watcher, cto := openTab(t, w.url), openTab(t, w.url)
	watcher.looks(1280, 800, "light")
	cto.looks(1280, 800, "light")
	cto.open(w.signIn)
	cto.until(`location.pathname === "/review"`)
	watcher.open(w.url + "/board?q=prometheus")
	watcher.until(`!document.querySelector("#live").hidden`)
	loaded := eval[float64](watcher, `performance.timeOrigin`)

	agent := w.startHost(`{}`)
	agent.call(nil, "register_agent", map[string]any{"username": "ada", "display_name": "Ada"})
	var list struct{ Tasks []task }
	agent.call(&list, "list_tasks", map[string]any{"status": "available"})
	id := ""
	for _, k := range list.Tasks {
		if k.Title == "Metrics for Prometheus" {
			id = k.ID
		}
	}
	column := func(status string) string {
		return fmt.Sprintf(`document.querySelector('[data-status="%s"] [data-key="%s"]')`, status, id)
	}
	watcher.until(column("available"))
	agent.call(nil, "commit_to_task", map[string]any{"task_id": id})
	watcher.until(column("committed") + `.textContent.includes("ada")`)
	watcher.until(column("committed") + `.classList.contains("fresh")`)
	watcher.until("!" + column("available"))
	watcher.until(`document.querySelector('[data-live="n-committed"]').textContent === "1"`)

	agent.call(nil, "submit_work", map[string]any{"task_id": id, "submission_content": "Counters for deliveries, see https://example.org/metrics."})
	watcher.until(column("in_review"))

	// The CTO's queue has it by itself. Asked for a revision without notes, it
	// wants them.
	cto.until(`[...document.querySelectorAll("#queue b")].some((b) => b.textContent === "Metrics for Prometheus")`)
	cto.press("j")
	cto.until(`document.querySelector("#subject-title").textContent.includes("explains lost webhooks")`)
	cto.press("j")
	cto.until(`document.querySelector("#subject-title").textContent === "Metrics for Prometheus"`)
	cto.reads("Written by ada")
	cto.press("v")
	cto.until(`document.activeElement.id === "notes" && document.querySelector("#notes-problem").textContent === "Say what should change."`)
	cto.do(chromedp.SendKeys("#notes", "Please add a histogram.", chromedp.ByQuery))
	cto.screenshot("life-review")
	cto.click(`#decision [value="revise"]`)
	cto.reads("Revision requested: Metrics for Prometheus")
	watcher.until(column("committed"))

	var k task
	agent.call(&k, "get_task", map[string]any{"task_id": id})
	if n := len(k.Submissions); n != 1 || k.Submissions[0].ReviewNotes != "Please add a histogram." {
		t.Fatalf("the agent is told %+v", k.Submissions)
	}
	agent.call(nil, "submit_work", map[string]any{"task_id": id, "submission_content": "With a histogram now."})
	watcher.until(column("in_review"))

	cto.open(w.url + "/tasks/" + id)
	cto.click(`a[href^="/review?submission="]`)
	cto.until(`document.querySelector("#subject-title")?.textContent === "Metrics for Prometheus"`)
	cto.reads("Please add a histogram.")
	cto.click(`#decision [value="approve"]`)
	cto.reads("Approved: Metrics for Prometheus")
	watcher.until(column("completed"))
	watcher.screenshot("life-board")
	if now := eval[float64](watcher, `performance.timeOrigin`); now != loaded {
		t.Error("the board has been loaded anew")
	}

	watcher.open(w.url + "/tasks/" + id)
	for _, line := range []string{"ada committed", "for a revision", "With a histogram now.", "approved the work of"} {
		watcher.until(`document.querySelector(".timeline").textContent.includes("` + line + `")`)
	}
	watcher.screenshot("life-task")
	watcher.open(w.url + "/agents")
	watcher.until(`[...document.querySelectorAll(".ranks li")].some((li) => li.textContent.includes("ada") && li.textContent.includes("0.35 SOL"))`)
}

// TestNewUser does what somebody does who tries it for the first time: a
// project, a task, an agent on the command line, and the approval of its work.
func TestNewUser(t *testing.T) {
	w := startWorld(t)
	b := openTab(t, w.url)
	b.allow = func(fault string) bool { return strings.Contains(fault, "422") } // the form that is refused
	b.looks(1280, 800, "light")
	b.open(w.signIn)
	b.until(`location.pathname === "/review"`)
	b.click(`.nav a[href="/projects"]`)
	b.click(`a[href="/projects/new"]`)
	for _, name := range []string{"title", "description", "detailed_presentation", "technical_specs", "go_to_market", "market_study"} {
		b.do(chromedp.SendKeys(`[name="`+name+`"]`, "My first "+name, chromedp.ByQuery))
	}
	b.click(`.form .primary`)
	b.reads("Project created.")
	b.click(`a.primary[href^="/tasks/new"]`)
	b.do(chromedp.SendKeys(`[name="title"]`, "Say hello", chromedp.ByQuery), chromedp.SendKeys(`[name="description"]`, "In three languages.", chromedp.ByQuery),
		chromedp.SendKeys(`[name="payout_display"]`, "a lot", chromedp.ByQuery))
	b.click(`.form .primary`)
	b.reads("must be an amount and a currency")
	b.do(chromedp.SetValue(`[name="payout_display"]`, "25 POLT", chromedp.ByQuery))
	b.click(`.form .primary`)
	b.reads("Task created.")

	// The page has the command, and a button that copies it.
	b.click(`[data-live="next"] [data-copy]`)
	b.reads("Copied.")
	copied := eval[string](b, `navigator.clipboard.readText()`)
	_, arguments, ok := strings.Cut(copied, " polt-mcp call ")
	if !ok || !strings.HasPrefix(copied, "POLT_API_URL="+w.url+" ") {
		t.Fatalf("copied %q", copied)
	}
	w.call(nil, "register_agent", "username=newcomer")
	words := strings.Fields(arguments)
	w.call(nil, words[0], words[1:]...)
	b.reads("Hand it in")
	w.call(nil, "submit_work", words[1], "submission_content=Hello, hola, bonjour")
	b.click(`a[href^="/review?submission="]`)
	b.reads("Hello, hola, bonjour")
	b.press("a")
	b.reads("Approved: Say hello")
	b.press("u")
	b.until(`document.querySelector("#subject-title").textContent === "Say hello" && !document.querySelector(".toast")`)
	var k task
	w.call(&k, "get_task", words[1])
	if k.Status != "in_review" {
		t.Errorf("it was sent, and was taken back: the task is %s", k.Status)
	}
	b.press("a")
	b.reads("Approved: Say hello")
	// Whoever leaves has decided.
	b.open(w.url + "/tasks/" + k.ID)
	b.until(`document.querySelector('[data-live="facts"]').textContent.includes("Completed")`)
	b.reads("The CTO approved the work of")
}

// TestReadersPlace has things change under the reader's pointer.
func TestReadersPlace(t *testing.T) {
	w := startWorld(t)
	b := openTab(t, w.url)
	b.looks(1280, 800, "light")
	b.open(w.url + "/board")
	b.until(`!document.querySelector("#live").hidden`)
	agent := w.startHost(`{}`)
	agent.call(nil, "register_agent", map[string]any{"username": "ada"})
	first := `document.querySelector('[data-status="available"] .card')`
	key := eval[string](b, first+`.dataset.key`)
	third := eval[string](b, `document.querySelectorAll('[data-status="available"] .card')[2].dataset.key`)
	b.do(chromedp.MouseEvent("mouseMoved", 150, 400))
	at := eval[float64](b, `document.querySelector('[data-key="`+third+`"]').getBoundingClientRect().top`)
	agent.call(nil, "commit_to_task", map[string]any{"task_id": key})

	// The other column has it; this one waits, and says so.
	b.until(`document.querySelector('[data-status="committed"] [data-key="` + key + `"]')`)
	b.until(`document.querySelector(".held")?.textContent === "1 change" || document.querySelector(".held")?.textContent.endsWith("changes")`)
	if now := eval[float64](b, `document.querySelector('[data-key="`+third+`"]').getBoundingClientRect().top`); now != at {
		t.Errorf("a card under the pointer has moved from %v to %v", at, now)
	}
	b.screenshot("held")
	b.do(chromedp.MouseEvent("mouseMoved", 500, 780))
	b.until(`!document.querySelector(".held") && !document.querySelector('[data-status="available"] [data-key="` + key + `"]')`)

	// What is typed is kept while the page changes.
	b.open(w.signIn)
	b.until(`location.pathname === "/review"`)
	b.do(chromedp.SendKeys("#notes", "Half a sentence", chromedp.ByQuery))
	agent.call(nil, "submit_work", map[string]any{"task_id": key, "submission_content": "work"})
	b.until(`document.querySelectorAll("#queue > li").length === 3`)
	if notes := eval[string](b, `document.querySelector("#notes").value`); notes != "Half a sentence" {
		t.Errorf("the notes are %q", notes)
	}

	// A column goes on as it is scrolled.
	b.open(w.url + "/board")
	b.do(chromedp.Evaluate(`document.querySelector('[data-status="available"]').scrollTo(0, 1e6)`, nil))
	b.until(`document.querySelectorAll('[data-status="available"] .card').length === 23 && !document.querySelector(".more")`)
}

// TestHostile has an agent write what could do harm, and looks at it.
func TestHostile(t *testing.T) {
	w := startWorld(t)
	b := openTab(t, w.url)
	b.looks(1280, 800, "dark")
	b.open(w.signIn)
	b.until(`location.pathname === "/review"`)
	const script = `<script>alert(1)</script>`
	b.open(w.url + "/tasks/new")
	b.do(chromedp.SendKeys(`[name="title"]`, script, chromedp.ByQuery), chromedp.SendKeys(`[name="description"]`, `<img src=x onerror=alert(2)>`, chromedp.ByQuery),
		chromedp.SendKeys(`[name="payout_display"]`, "1 POLT", chromedp.ByQuery))
	b.click(`.form .primary`)
	b.reads("Task created.")
	id := strings.TrimPrefix(eval[string](b, `location.pathname`), "/tasks/")

	agent := w.startHost(`{}`)
	agent.call(nil, "register_agent", map[string]any{"username": "mallory", "display_name": "\u202ekcatta\u2066", "bio": "\u202e\u2067\u2066 moc.elpmaxe \u2069 \u200b\u200b\u200b\u200b\u200b"})
	agent.call(nil, "commit_to_task", map[string]any{"task_id": id})
	work := script + "\n</blockquote></main>\"'><svg onload=alert(3)> javascript:alert(4) https://bank.example@evil.example/\n" + strings.Repeat("200 kB of this. ", 12500)
	agent.call(nil, "submit_work", map[string]any{"task_id": id, "submission_content": work})
	for _, path := range []string{"/", "/board?q=script", "/tasks/" + id, "/projects", "/agents", "/agents/mallory", "/activity"} {
		b.open(w.url + path)
		b.until(`!document.querySelector("#live").hidden`)
		if n := eval[int](b, `document.querySelectorAll("main script, main img, main svg[onload], main iframe").length + document.querySelectorAll("script").length`); n != 1 {
			t.Errorf("%s has elements that an agent wrote", path)
		}
		if wide := eval[bool](b, `document.documentElement.scrollWidth > innerWidth`); wide {
			t.Errorf("%s is wider than the window", path)
		}
	}
	b.open(w.url + "/review")
	b.press("j")
	b.press("j")
	b.until(`document.querySelector("#subject-title")?.textContent === "` + script + `"`)
	b.reads("Read it whole")
	b.screenshot("hostile-review")
	// A link is shown as what it is, and is not followed by itself.
	if host := eval[string](b, `document.querySelector("#subject .theirs a b").textContent`); host != "evil.example" {
		t.Errorf("the host that stands out is %q", host)
	}
	b.open(w.url + "/agents/mallory")
	b.reads("U+202E")
	b.screenshot("hostile-agent")
}
