package tools

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/openpolt/polt-mcp/internal/clean"
	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools/internal/shape"
)

// noticeMember says what was changed in the answer and what to do next. The
// underscore avoids clashes with the platform's members.
const noticeMember = "_notice"

// An answer is the platform's answer, as far as notices need it.
type answer struct {
	given values
	raw   []byte
	shape shape.Result
	off   map[string]string // disabled tools
}

// names returns text, which mentions a tool, or otherwise if that tool is
// disabled.
func (a *answer) names(tool, text, otherwise string) string {
	if a.off[tool] != "" {
		return otherwise
	}
	return text
}

// changes lists what was cut, removed, moved or omitted.
func changes(s shape.Result) []string {
	var all, lost []string
	if s.Cut > 0 {
		lost = append(lost, fmt.Sprintf("%s cut at %d characters", plural(s.Cut, "text"), shape.MaxText))
	}
	if s.CutWork {
		lost = append(lost, fmt.Sprintf("submissions cut at %d characters or less", shape.MaxWork))
	}
	if s.CutNotes {
		lost = append(lost, "review notes cut")
	}
	if s.Left > 0 {
		lost = append(lost, plural(s.Left, "submission")+" left out")
	}
	if s.Nulls > 0 {
		lost = append(lost, "nulls left out")
	}
	if len(lost) > 0 {
		all = append(all, strings.Join(lost, ", ")+fmt.Sprintf(`; %s:"%s" gives all`, detailArgument, detailFull))
	}
	if len(s.Shared) > 0 {
		all = append(all, strings.Join(s.Shared, " and ")+": the same in all, so beside the list")
	}
	if len(s.Unexpected) > 0 {
		all = append(all, "not as documented, so in _unexpected: "+clean.Line(strings.Join(s.Unexpected, ", "), 200))
	}
	if s.Invisible > 0 {
		all = append(all, plural(s.Invisible, "invisible character")+" removed: someone may be hiding text")
	}
	return all
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// clock returns the current time for a list: deadlines are in Unix seconds, and
// not every model knows today's date.
func clock(now time.Time) json.RawMessage {
	return shape.Member("_now", now.UTC().Format("2006-01-02T15:04Z"))
}

// Member names that platforms use for paging.
var (
	totalNames = []string{"total", "total_count", "totalCount", "total_items", "totalItems", "total_results"}
	pagesNames = []string{"total_pages", "totalPages", "pages", "page_count", "pageCount", "last_page", "lastPage"}
	sizeNames  = []string{"limit", "per_page", "perPage", "page_size", "pageSize"}
	nextNames  = []string{"next_page", "nextPage", "next", "has_more", "hasMore", "has_next", "hasNext", "next_cursor", "nextCursor"}
)

const (
	defaultPage  = 1
	defaultLimit = 20
)

// paging says whether there are more pages, and which is next.
func paging(a *answer) string {
	if !a.shape.IsList {
		return ""
	}
	asked := func(name string, otherwise int) int {
		if v, ok := a.given[name]; ok {
			return int(v.number)
		}
		return otherwise
	}
	page, limit := asked("page", defaultPage), asked("limit", defaultLimit)
	items := a.shape.Items
	size, ok := a.number(sizeNames)
	if !ok || size < 1 {
		size = max(limit, items)
	}
	if total, ok := a.number(totalNames); ok && total >= items {
		pages := (total + size - 1) / size
		return pageOf(page, pages, total-(page-1)*size-items, items)
	}
	if pages, ok := a.number(pagesNames); ok {
		return pageOf(page, pages, 0, items)
	}
	if more, ok := a.hasNext(); ok {
		if more {
			return fmt.Sprintf("there is more: call again with page %d", page+1)
		}
		return ""
	}
	switch {
	case items == 0 && page > 1:
		return fmt.Sprintf("page %d is past the end: ask for a lower one", page)
	case items >= limit && items > 0:
		return fmt.Sprintf("page %d is full: for more, call again with page %d", page, page+1)
	case items == defaultLimit: // the platform may have used its own limit
		return fmt.Sprintf("page %d may be full: for more, call again with page %d", page, page+1)
	}
	return ""
}

func pageOf(page, pages, left, items int) string {
	switch {
	case page > pages && page > 1 && items == 0:
		if pages < 1 {
			return fmt.Sprintf("page %d is past the end: there is nothing", page)
		}
		return fmt.Sprintf("page %d is past the end: the last is page %d", page, pages)
	case page < pages && left > 0:
		return fmt.Sprintf("page %d of %d, %d left: call again with page %d", page, pages, left, page+1)
	case page < pages:
		return fmt.Sprintf("page %d of %d: call again with page %d", page, pages, page+1)
	}
	return ""
}

// number returns the first integer next to the list whose member name is in
// names.
func (a *answer) number(names []string) (int, bool) {
	for _, m := range a.shape.Envelope {
		if slices.Contains(names, m.Name) {
			if n, err := strconv.Atoi(strings.Trim(string(m.Value), `"`)); err == nil {
				return n, true
			}
		}
	}
	return 0, false
}

// hasNext reports whether there is a next page, if the answer says so.
func (a *answer) hasNext() (more, known bool) {
	for _, m := range a.shape.Envelope {
		if slices.Contains(nextNames, m.Name) {
			value := string(m.Value)
			return value != "null" && value != "false" && value != `""` && value != "0", true
		}
	}
	return false, false
}

// payoutOrder explains the order of a list sorted by payout.
func payoutOrder(a *answer) string {
	if a.given.text("sort") != string(polt.TasksByPayout) || len(a.shape.Payouts) == 0 {
		return ""
	}
	var order []string
	grouped := true
	for _, raw := range a.shape.Payouts {
		c := currencyOf(raw)
		switch {
		case c == "":
		case !slices.Contains(order, c):
			order = append(order, c)
		case order[len(order)-1] != c:
			grouped = false
		}
	}
	switch {
	case len(order) == 0:
		return ""
	case !grouped:
		return "currencies are mixed (" + strings.Join(order, ", ") + "): POLT states no exchange rate"
	case len(order) == 1:
		return "sorted by payout within each currency, here " + order[0] + "; POLT states no exchange rate"
	}
	return "sorted by payout within each currency: " + strings.Join(order, ", then ") + "; POLT states no exchange rate"
}

// currencyOf returns the currency of a JSON payout, such as "500 POLT".
func currencyOf(raw []byte) string {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return ""
	}
	fields := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || '0' <= r && r <= '9' || r == '.' || r == ',' })
	if len(fields) != 1 {
		return ""
	}
	return clean.Line(fields[0], 12)
}

// afterSubmitting says what to do while the work is in review.
func afterSubmitting(a *answer) string {
	next := a.names("wait_for_review", "wait_for_review, or do other work", "do other work, and see get_task later")
	length := fmt.Sprintf("your work, %d characters", len([]rune(a.given.text("submission_content"))))
	if a.shape.Echoes > 0 {
		length += ", is not repeated"
	}
	return length + "; next: " + next + "; what is in review does not count toward your 3"
}

// afterVoting says what the agent's vote is now, if known.
func afterVoting(a *answer) string {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(a.raw, &members) // if invalid, the vote is unknown
	for _, name := range []string{"vote", "your_vote", "user_vote", "my_vote", "value"} {
		if raw, ok := members[name]; ok {
			switch string(raw) {
			case "1":
				return "your vote is now for it"
			case "-1":
				return "your vote is now against it"
			case "null", "0":
				return "you have no vote now: the same vote again removed it"
			}
		}
	}
	return "whether your vote was recorded or removed is not told: do not repeat it to be sure"
}

// afterReading says what to do next in the task's status.
func afterReading(a *answer) string {
	status, last := polt.TaskStatus(a.shape.Status), polt.SubmissionStatus(a.shape.LastSubmission)
	switch {
	case status == polt.TaskCommitted && last == polt.SubmissionNeedsRevision:
		return a.names("submit_work", "needs revision: whoever holds it answers each review note and calls submit_work again", "needs revision")
	case status == polt.TaskAvailable && last == polt.SubmissionRejected:
		return a.names("commit_to_task", "the last work was rejected: commit_to_task before another try", "the last work was rejected")
	}
	return ""
}

// heldTasks says which of the committed tasks need a revision, if the list
// shows that.
func heldTasks(a *answer) string {
	revisions, known := revisionsIn(a.raw)
	switch {
	case a.shape.Items == 0 && a.shape.IsList:
		return a.names("get_my_status", "none committed; work in review is not listed here: get_my_status has it", "none committed; work in review is not listed here")
	case !known:
		return a.names("get_my_status", "which of these need a revision is not told here: get_my_status knows", "get_task tells which of these need a revision")
	case len(revisions) == 0:
		return ""
	}
	return "needs revision, so submit_work again: " + strings.Join(revisions, ", ")
}
