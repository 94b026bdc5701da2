package resources_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// busyPlatform has many tasks in review, of which some are an agent's.
type busyPlatform struct {
	inReview int
	own      []int // by their number, from 0
	pageless bool  // every page is the first
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
		"one page":         {busyPlatform{inReview: 99, own: []int{98}}, []string{"t-98"}, 1, ""},
		"a full page":      {busyPlatform{inReview: 100, own: []int{99}}, []string{"t-99"}, 2, ""},
		"three pages":      {busyPlatform{inReview: 250, own: []int{0, 130, 249}}, []string{"t-0", "t-130", "t-249"}, 3, ""},
		"too many":         {busyPlatform{inReview: 600, own: []int{499, 500}}, []string{"t-499"}, 5, "only 500 were looked at"},
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
