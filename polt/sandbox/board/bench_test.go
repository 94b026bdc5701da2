package board_test

import (
	"cmp"
	"fmt"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/polt/sandbox"
)

// firstView is how many bytes a browser may be sent to show the board.
const firstView = 100_000

// TestFirstView sums up what a browser loads for the board, with all columns as
// long as they can be at first.
func TestFirstView(t *testing.T) {
	w := open(t, sandbox.Options{})
	fill(w, 100)
	page := w.do(w.client, w.request("GET", "/board", "", "Accept-Encoding", "gzip"))
	sum := len(page.body)
	for _, path := range regexp.MustCompile(`/static/[^"#]*`).FindAllString(w.get(w.client, "/board").body, 3) {
		file := w.do(w.client, w.request("GET", path, "", "Accept-Encoding", "gzip"))
		if file.status != 200 || file.header.Get("Cache-Control") != "public, max-age=31536000, immutable" {
			t.Errorf("%s: %d %s", path, file.status, file.header.Get("Cache-Control"))
		}
		sum += len(file.body)
	}
	t.Logf("%d bytes", sum)
	if sum > firstView {
		t.Errorf("a browser is sent %d bytes", sum)
	}
}

// fill makes tasks in every column, each with work in its history.
func fill(w *world, tasks int) {
	cto := w.sandbox.CTOKey().Reveal()
	project := api[polt.ProjectList](w, "", "GET", "/api/projects", "").Projects[0].ID
	key := ""
	for i := range tasks {
		if i%8 == 0 {
			key = w.register(fmt.Sprintf("agent-%d", i))
		}
		id := api[struct{ Task polt.Task }](w, cto, "POST", "/api/tasks", fmt.Sprintf(
			`{"project_id":%q,"title":"Task number %d of many, with a title that is as long as titles are","description":"What to do: %d","payout_display":"5 POLT","deadline":4000000000}`, project, i, i)).Task.ID
		if i%4 == 0 {
			continue
		}
		api[polt.Commitment](w, key, "POST", "/api/tasks/"+id+"/commit", "")
		if i%4 == 1 {
			continue
		}
		submission := w.resubmit(key, id, "work")
		if i%4 == 3 {
			api[struct{}](w, cto, "PATCH", "/api/submissions/"+submission+"/review", `{"action":"approve","review_notes":"Thank you"}`)
		}
	}
}

// BenchmarkFirstView makes the pages of a world with 10,000 tasks.
func BenchmarkFirstView(b *testing.B) {
	w := open(b, sandbox.Options{})
	fill(w, 10_000)
	id := api[polt.TaskList](w, "", "GET", "/api/tasks?status=completed&limit=1", "").Tasks[0].ID
	for _, path := range []string{"/", "/board", "/board?q=task+99", "/tasks/" + id, "/projects", "/agents", "/activity", "/review"} {
		b.Run(cmp.Or(strings.Split(path, "/")[1], "home"), func(b *testing.B) {
			bytes := 0
			for b.Loop() {
				got := httptest.NewRecorder()
				r := httptest.NewRequestWithContext(b.Context(), "GET", path, nil)
				r.Header.Set("Accept-Encoding", "gzip")
				w.board.ServeHTTP(got, r)
				if got.Code != 200 {
					b.Fatal(got.Code)
				}
				bytes = got.Body.Len()
			}
			b.ReportMetric(float64(bytes), "B/page")
		})
	}
}
