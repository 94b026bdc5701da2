package resources_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
)

// busyPlatform has many tasks in review, of which some are an agent's.
type busyPlatform struct {
	inReview int
	own      []int // by their number, from 0
	pageless bool  // every page is the first
	pageSize int   // at the most; 0 is as is asked for
	onePage  bool  // any other is not there
	lists    int   // how often they were listed
}

func (p *busyPlatform) answer(r *http.Request) (int, string) {
	switch r.URL.Path {
	case "/api/auth/verify":
		return 200, `{"username":"ada"}`
	case "/api/agents/ada/committed-tasks":
		return 200, `[]`
	case "/api/tasks":
		p.lists++
		query := r.URL.Query()
		page, _ := strconv.Atoi(query.Get("page"))
		limit, _ := strconv.Atoi(query.Get("limit"))
		limit = min(limit, cmp.Or(p.pageSize, limit))
		if p.onePage && page > 1 {
			return 404, `{}`
		}
		from := max(page-1, 0) * limit
		if p.pageless {
			from = 0
		}
		var tasks []string
		for i := from; i < min(from+limit, p.inReview); i++ {
			by := "bob"
			if slices.Contains(p.own, i) {
				by = "ada"
			}
			tasks = append(tasks, fmt.Sprintf(`{"id":"t-%d","committed_by":%q}`, i, by))
		}
		return 200, `{"tasks":[` + strings.Join(tasks, ",") + `]}`
	}
	return 404, `{}`
}

func TestMeFindsWhatAwaitsReviewAmongMany(t *testing.T) {
	for name, c := range map[string]struct {
		platform busyPlatform
		own      []string
		lists    int
		notice   string
	}{
		"none":             {busyPlatform{}, []string{}, 1, ""},
		"few":              {busyPlatform{inReview: 19, own: []int{18}}, []string{"t-18"}, 1, ""},
		"one page":         {busyPlatform{inReview: 99, own: []int{98}}, []string{"t-98"}, 2, ""},
		"small pages":      {busyPlatform{inReview: 50, own: []int{0, 49}, pageSize: 20}, []string{"t-0", "t-49"}, 3, ""},
		"a full page":      {busyPlatform{inReview: 100, own: []int{99}}, []string{"t-99"}, 2, ""},
		"three pages":      {busyPlatform{inReview: 250, own: []int{0, 130, 249}}, []string{"t-0", "t-130", "t-249"}, 3, ""},
		"too many":         {busyPlatform{inReview: 600, own: []int{499, 500}}, []string{"t-499"}, 5, "only 500 were looked at"},
		"a page alone":     {busyPlatform{inReview: 100, own: []int{3}, onePage: true}, []string{"t-3"}, 2, "only 100 were looked at"},
		"pages of no kind": {busyPlatform{inReview: 250, own: []int{3}, pageless: true}, []string{"t-3"}, 2, "only 100 were looked at"},
	} {
		t.Run(name, func(t *testing.T) {
			contents, err := newResources(t, c.platform.answer).Read(as(t, "polt_key"), "polt://me")
			if err != nil {
				t.Fatal(err)
			}
			var me struct {
				AwaitingReview []struct{ ID string } `json:"awaiting_review"`
				Notice         string                `json:"_notice"`
			}
			if err := json.Unmarshal([]byte(contents.Text), &me); err != nil {
				t.Fatal(err)
			}
			own := []string{}
			for _, task := range me.AwaitingReview {
				own = append(own, task.ID)
			}
			if !slices.Equal(own, c.own) || c.platform.lists != c.lists || !strings.Contains(me.Notice, c.notice) || (me.Notice == "") != (c.notice == "") {
				t.Errorf("%q after %d lists, %q", own, c.platform.lists, me.Notice)
			}
		})
	}
}

// partial is a platform of which parts fail.
type partial struct {
	owner     string // that the key belongs to
	committed int    // the status of the list of the agent's tasks
	inReview  int    // the status of the list of tasks in review
	by        string // whose the task in review is
}

func (p partial) answer(r *http.Request) (int, string) {
	switch {
	case r.URL.Path == "/api/auth/verify":
		return 200, fmt.Sprintf(`{"username":%q}`, p.owner)
	case r.URL.Path == "/api/tasks":
		return p.inReview, fmt.Sprintf(`{"tasks":[{"id":"t-1","committed_by":%q}]}`, cmp.Or(p.by, "bob"))
	case strings.HasSuffix(r.URL.Path, "/committed-tasks"):
		return p.committed, `{"tasks":[{"id":"t-2"}]}`
	}
	return 500, `{}`
}

func TestMeLeavesOutWhatThePlatformDoesNotHave(t *testing.T) {
	const (
		agent     = `{"agent":{"username":"ada"}`
		committed = `,"committed":{"tasks":[{"id":"t-2"}]}`
		none      = `,"awaiting_review":[]`
		whose     = "which tasks you are committed to is not known, as the platform finds no agent of the key's name: list_committed_tasks with the username that you registered shows them"
		review    = "which tasks await review is not known: get_task shows it of a task"
	)
	notice := func(notices ...string) string { return `,"_notice":"` + strings.Join(notices, "; ") + `"}` }
	for name, c := range map[string]struct {
		platform partial
		want     string
	}{
		"nothing":                           {partial{"ada", 200, 200, ""}, agent + committed + none + "}"},
		"no list of tasks":                  {partial{"ada", 200, 404, ""}, agent + committed + notice(review)},
		"no list of that kind":              {partial{"ada", 200, 400, ""}, agent + committed + notice(review)},
		"no such agent":                     {partial{"ada", 404, 200, ""}, agent + notice(whose, review)},
		"no such agent, who has tasks":      {partial{"ada", 404, 200, "ada"}, agent + `,"awaiting_review":[{"id":"t-1","committed_by":"ada"}]` + notice(whose)},
		"an agent who cannot be asked for":  {partial{"ada", 400, 200, ""}, agent + notice(whose, review)},
		"a name that is no username":        {partial{"Ada Lovelace", 200, 200, ""}, `{"agent":{"username":"Ada Lovelace"}` + notice(whose, review)},
		"neither":                           {partial{"ada", 404, 404, ""}, agent + notice(whose, review)},
		"a name that is that of who worked": {partial{"Ada Lovelace", 200, 200, "Ada Lovelace"}, `{"agent":{"username":"Ada Lovelace"},"awaiting_review":[{"id":"t-1","committed_by":"Ada Lovelace"}]` + notice(whose)},
	} {
		contents, err := newResources(t, c.platform.answer).Read(as(t, "polt_key"), "polt://me")
		if err != nil || contents.Text != c.want {
			t.Errorf("%s: %s %v", name, contents.Text, err)
		}
	}
}

// TestMeFailsWhereAFailureMayPass is about what must not look like a change.
func TestMeFailsWhereAFailureMayPass(t *testing.T) {
	for status, code := range map[int]polt.Code{
		429: polt.CodeRateLimited, 500: polt.CodeUpstreamError, 503: polt.CodeUpstreamError, 407: polt.CodeUpstreamUnreachable, 408: polt.CodeTimeout, 403: polt.CodeForbidden,
	} {
		for _, p := range []partial{{"ada", status, 200, ""}, {"ada", 200, status, ""}, {"ada", status, 404, ""}, {"ada", 404, status, ""}} {
			synctest.Test(t, func(t *testing.T) { // where it takes no time to try again
				contents, err := newResources(t, p.answer).Read(as(t, "polt_key"), "polt://me")
				if e, ok := errors.AsType[*tools.Error](err); !ok || e.Code() != code {
					t.Errorf("%+v: %s %v", p, contents.Text, err)
				}
			})
		}
	}
}
