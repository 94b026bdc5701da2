package board

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/polt/sandbox"
)

const (
	// columnPage is how many cards a column shows at first, and how many more
	// are loaded each time.
	columnPage = 20
	// maxColumn is how many cards of a column one page can show.
	maxColumn = 200
	// choices limits the projects and agents that a filter offers.
	choices = 100
)

// columnOrder is the order of the board's columns.
var columnOrder = []polt.TaskStatus{polt.TaskAvailable, polt.TaskCommitted, polt.TaskInReview, polt.TaskCompleted}

type boardPage struct {
	Filter   filter
	Columns  []column
	Projects []sandbox.ProjectName
	Agents   []string
	Total    int
}

// A column is the tasks of one status.
type column struct {
	Status polt.TaskStatus
	Total  int
	Tasks  []polt.Task
	Shown  int    // number of cards, including those shown before
	More   string // address of the next cards; "" if none
	Page   string // address of a board that shows those as well
}

// A filter selects the tasks to show; it is part of the board's address.
type filter struct{ sandbox.TaskFilter }

func filterOf(q url.Values) filter {
	f := sandbox.TaskFilter{ProjectID: q.Get("project"), Agent: q.Get("agent"), Words: strings.TrimSpace(q.Get("q"))}
	if d := q.Get("difficulty"); slices.Contains(polt.Easy.Values(), d) {
		f.Difficulty = polt.Difficulty(d)
	}
	return filter{f}
}

// Any reports whether the filter is not empty.
func (f filter) Any() bool { return f.TaskFilter != sandbox.TaskFilter{} }

// query returns the filter as query parameters.
func (f filter) query() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{"project": f.ProjectID, "difficulty": string(f.Difficulty), "agent": f.Agent, "q": f.Words} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}

func (b *Board) board(r *request) error {
	q := r.URL.Query()
	f := filterOf(q)
	return b.render(r, http.StatusOK, "board.html", "Board", "board", func(v sandbox.View) (any, error) {
		d := boardPage{Filter: f}
		counts, err := v.CountTasks(f.TaskFilter)
		if err != nil {
			return d, err
		}
		for _, status := range columnOrder {
			shown, err := strconv.Atoi(q.Get("shown." + string(status)))
			if err != nil || shown < columnPage {
				shown = columnPage
			}
			c := column{Status: status, Total: counts[status]}
			if c.Tasks, err = v.Tasks(f.TaskFilter, status, min(shown, maxColumn), 0); err != nil {
				return d, err
			}
			c.follow(f, len(c.Tasks))
			d.Total += c.Total
			d.Columns = append(d.Columns, c)
		}
		if d.Projects, err = v.ProjectNames(choices); err != nil {
			return d, err
		}
		d.Agents, err = v.Usernames(choices)
		return d, err
	})
}

// follow sets the addresses of the next cards.
func (c *column) follow(f filter, shown int) {
	c.Shown = shown
	if shown >= c.Total || len(c.Tasks) == 0 {
		return
	}
	q := f.query()
	q.Set("shown."+string(c.Status), strconv.Itoa(shown+columnPage))
	c.Page = "/board?" + q.Encode()
	q = f.query()
	q.Set("status", string(c.Status))
	q.Set("from", strconv.Itoa(shown))
	c.More = "/board/more?" + q.Encode()
}

// more sends a column's next cards.
func (b *Board) more(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	f := filterOf(q)
	from, err := strconv.Atoi(q.Get("from"))
	if err != nil || from < 0 || !slices.Contains(columnOrder, polt.TaskStatus(q.Get("status"))) {
		http.Error(w, "give the status of a column, and from which card on", http.StatusBadRequest)
		return
	}
	c := column{Status: polt.TaskStatus(q.Get("status"))}
	err = b.sandbox.View(r.Context(), func(v sandbox.View) error {
		counts, err := v.CountTasks(f.TaskFilter)
		if err != nil {
			return err
		}
		c.Total = counts[c.Status]
		c.Tasks, err = v.Tasks(f.TaskFilter, c.Status, columnPage, from)
		return err
	})
	if err == nil {
		c.follow(f, from+len(c.Tasks))
		err = b.pages().fragment(w, r, "cards", c)
	}
	if err != nil {
		b.options.Failed(err)
		http.Error(w, "the cards cannot be read", http.StatusInternalServerError)
	}
}
