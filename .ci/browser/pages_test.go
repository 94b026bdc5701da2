package browser

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestPages looks at every page, light and dark, on a screen and on a phone:
// none may have what keeps somebody from using it, and of each there is a
// picture.
func TestPages(t *testing.T) {
	axe, err := os.ReadFile("../e2e/node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Fatalf("axe-core is missing: run npm ci in .ci/e2e: %v", err)
	}
	w := startWorld(t)
	b := openTab(t, w.url)
	b.allow = func(fault string) bool {
		return strings.Contains(fault, "404 (Not Found)") && strings.HasSuffix(fault, "/nothing")
	}
	b.looks(1280, 800, "light")
	pages := w.pages(b)
	for _, signedIn := range []bool{false, true} {
		if signedIn {
			b.open(w.signIn)
			b.until(`location.pathname === "/review"`)
		}
		for _, p := range pages {
			if p.signedIn != signedIn {
				continue
			}
			b.open(w.url + p.path)
			for width, height := range map[int64]int64{1280: 800, 360: 740} {
				for _, theme := range []string{"light", "dark"} {
					b.looks(width, height, theme)
					name := fmt.Sprintf("%s-%s-%d", p.name, theme, width)
					b.screenshot(name)
					for _, v := range b.violations(string(axe)) {
						t.Errorf("%s: %s", name, v)
					}
					if eval[bool](b, `document.documentElement.scrollWidth > innerWidth`) {
						t.Errorf("%s is wider than the window", name)
					}
				}
			}
		}
	}
}

// violations returns what axe finds on the page, but for what is minor.
func (b *tab) violations(axe string) []string {
	b.t.Helper()
	b.do(chromedp.Evaluate(axe+";0", nil))
	return b.decode(eval[string](b, runAxe))
}

// runAxe has axe look at the page.
const runAxe = `axe.run(document, {resultTypes: ["violations"]}).then((r) => JSON.stringify(r.violations.filter((v) => v.impact !== "minor")
	.map((v) => v.impact + ": " + v.help + ": " + v.nodes.map((n) => n.html.slice(0, 160) + " (" + n.failureSummary.split("\n")[1] + ")").slice(0, 3).join(", "))))`

func (b *tab) decode(report string) (found []string) {
	b.t.Helper()
	if err := json.Unmarshal([]byte(report), &found); err != nil {
		b.t.Fatalf("%v: %s", err, report)
	}
	return found
}

type place struct {
	name, path string
	signedIn   bool
}

// pages returns the pages that there are.
func (w *world) pages(b *tab) []place {
	b.open(w.url + "/projects")
	project := eval[string](b, `document.querySelectorAll(".projects h2 a")[3].getAttribute("href")`)
	b.open(w.url + "/board?q=incident+history")
	task := eval[string](b, `document.querySelector("[data-status=completed] h3 a").getAttribute("href")`)
	return []place{
		{"home", "/", false}, {"signin", "/signin", false}, {"missing", "/nothing", false}, {"review-stranger", "/review", false},
		{"board", "/board", true}, {"board-none", "/board?q=nothing-like-it", true}, {"task", task, true}, {"projects", "/projects", true},
		{"project", project, true}, {"agents", "/agents", true}, {"agent", "/agents/kestrel", true}, {"activity", "/activity", true},
		{"review", "/review", true}, {"project-new", "/projects/new", true}, {"task-new", "/tasks/new", true},
	}
}
