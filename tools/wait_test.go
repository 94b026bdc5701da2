package tools_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openpolt/polt-mcp/tools"
)

const testInterval = 15 * time.Second

func wait(t *testing.T, set *tools.Set, arguments string) string {
	t.Helper()
	return textOf(set.Call(t.Context(), "wait_for_review", json.RawMessage(arguments)))
}

func TestWaitEndsWithTheReview(t *testing.T) {
	for name, c := range map[string]struct {
		before, after string // of the task, after a minute
		arguments     string
		takes         [2]time.Duration
		want          []string
	}{
		"approved":              {"in_review", "completed", `{"task_id":"t-1","timeout_s":600}`, [2]time.Duration{time.Minute, 3 * time.Minute}, []string{`"status":"completed"`, `"description"`}},
		"not in review":         {"committed", "completed", `{"task_id":"t-1"}`, [2]time.Duration{0, 0}, []string{`"status":"committed"`}},
		"no review so far":      {"in_review", "completed", `{"task_id":"t-1","timeout_s":"50"}`, [2]time.Duration{50 * time.Second, 50 * time.Second}, []string{`{"id":"t-1","title":"A task","status":"in_review","_notice":"still in review after 50 s; call again, or do other work; get_task shows the whole task"}`}},
		"all of it":             {"in_review", "completed", `{"task_id":"t-1","detail":"full"}`, [2]time.Duration{50 * time.Second, 50 * time.Second}, []string{`"description"`, "still in review after 50 s"}},
		"any change":            {"committed", "available", `{"task_id":"t-1","timeout_s":600,"any_change":true}`, [2]time.Duration{time.Minute, 3 * time.Minute}, []string{`"status":"available"`}},
		"no change at all":      {"committed", "committed", `{"task_id":"t-1","any_change":true}`, [2]time.Duration{50 * time.Second, 50 * time.Second}, []string{`"status":"committed"`, "no change after 50 s"}},
		"longer than it may be": {"in_review", "completed", `{"task_id":"t-1","timeout_s":601}`, [2]time.Duration{0, 0}, []string{"over the maximum of 600"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &taskPlatform{}
				p.set(c.before)
				set := newAgent(t, p, testInterval).set
				time.AfterFunc(time.Minute, func() { p.set(c.after) })
				start := time.Now()
				text := wait(t, set, c.arguments)
				if took := time.Since(start); took < c.takes[0] || took > c.takes[1] {
					t.Errorf("it took %s, not %s", took, c.takes)
				}
				for _, want := range c.want {
					if !strings.Contains(text, want) {
						t.Errorf("it does not say %q: %s", want, text)
					}
				}
			})
		})
	}
}

// TestManyWaitForTheCostOfOne counts the requests of many calls for one task.
// The platform takes its time, so that all of them ask before the first response.
func TestManyWaitForTheCostOfOne(t *testing.T) {
	for name, c := range map[string]struct{ status, arguments, says string }{
		"a review": {"in_review", `{"task_id":"t-1","timeout_s":60}`, "still in review"},
		// These do not trust what the watch has read before, and read it themselves.
		"any change": {"in_review", `{"task_id":"t-1","timeout_s":60,"any_change":true}`, "no change"},
		"no review":  {"committed", `{"task_id":"t-1","timeout_s":60}`, `"status":"committed"`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &taskPlatform{}
				p.set(c.status)
				set := newAgent(t, slow{p}, testInterval).set
				var waits sync.WaitGroup
				for range 1000 {
					waits.Go(func() {
						if text := wait(t, set, c.arguments); !strings.Contains(text, c.says) {
							t.Error(text)
						}
					})
				}
				waits.Wait()
				// To begin with, by the watch and by the calls, and then once in each interval.
				if n := p.requests.Load(); n > 6 {
					t.Errorf("%d requests in a minute", n)
				}
			})
		})
	}
}

// slow is a platform that responds after a second.
type slow struct{ http.RoundTripper }

func (s slow) RoundTrip(r *http.Request) (*http.Response, error) {
	<-time.After(time.Second)
	return s.RoundTripper.RoundTrip(r)
}

func TestWaitEndsWithItsCallAndItsServer(t *testing.T) {
	for name, end := range map[string]struct {
		call, server bool
		want         string
	}{
		"cancelled":     {true, false, `"code":"timeout"`},
		"shutting down": {false, true, "still in review, and this server is shutting down"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &taskPlatform{}
				p.set("in_review")
				ending := make(chan struct{})
				a := newAgent(t, p, testInterval, func(o *tools.Options) {
					o.Ending = func(context.Context) <-chan struct{} { return ending }
				})
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				start := time.Now()
				time.AfterFunc(3*time.Second, func() {
					if end.call {
						cancel()
					}
					if end.server {
						close(ending)
					}
				})
				text := textOf(a.set.Call(ctx, "wait_for_review", json.RawMessage(`{"task_id":"t-1"}`)))
				if took := time.Since(start); took != 3*time.Second || !strings.Contains(text, end.want) {
					t.Errorf("after %s: %s", took, text)
				}
			})
		})
	}
}

// TestWaitDoesNotTrustWhatWasReadBefore has a subscription know an older state
// than the task is in.
func TestWaitDoesNotTrustWhatWasReadBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &taskPlatform{}
		p.set("committed")
		set := newAgent(t, p, testInterval).set
		done := make(chan string, 1)
		go func() { done <- wait(t, set, `{"task_id":"t-1","any_change":true,"timeout_s":600}`) }()
		synctest.Wait() // until that has read it
		p.set("in_review")
		start := time.Now()
		text := wait(t, set, `{"task_id":"t-1","timeout_s":50}`)
		if took := time.Since(start); took != 50*time.Second || !strings.Contains(text, "still in review") {
			t.Errorf("after %s: %s", took, text)
		}
		if text := <-done; !strings.Contains(text, "in_review") {
			t.Error(text)
		}
	})
}

func TestWaitFindsTheStatusInAnyEnvelope(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for answer, want := range map[string]string{
			`{"task":{"id":"t-1","status":"in_review"}}`: "still in review after 50 s",
			`{"task":{"id":"t-1","status":"completed"}}`: `"completed"}}`,
			`{"id":"t-1"}`: "has no status",
		} {
			set := newSet(t, instant(answer), func(o *tools.Options) {
				o.Watch = func(context.Context, string, func([]byte)) ([]byte, func(), error) {
					return []byte(answer), func() {}, nil
				}
			})
			if text := wait(t, set, `{"task_id":"t-1","timeout_s":50}`); !strings.Contains(text, want) {
				t.Errorf("%s: %s", answer, text)
			}
		}
	})
}

func TestMyStatusShowsReviewsWhole(t *testing.T) {
	notes := strings.Repeat("Say why. ", 200)
	text := textOf(newSet(t, fakePaths{
		"/api/auth/verify":                `{"username":"ada"}`,
		"/api/agents/ada/committed-tasks": `[{"id":"t-1"}]`,
		"/api/tasks":                      `[{"id":"t-2","committed_by":"Ada"}]`,
		"/api/tasks/t-1":                  `{"id":"t-1","submissions":[{"agent":"Ada","status":"needs_revision","review_notes":"` + notes + `"}]}`,
		"/api/agents/ada/contributions":   `[]`,
	}, nil).Call(t.Context(), "get_my_status", nil))
	if !strings.Contains(text, notes) || !strings.Contains(text, `"in_review":[{"id":"t-2"}]`) {
		t.Error(text)
	}
}

func TestMyStatusLeavesOutWhatIsNotKnown(t *testing.T) {
	const list = `{"tasks":[{"id":"t-1","title":"A","deadline":1789893600,"status":"committed"}]}`
	task := `{"id":"t-1","status":"committed","submissions":[{"agent":"ada","status":"needs_revision","review_notes":"Say why."}]}`
	whole := fakePaths{
		"/api/auth/verify":                `{"username":"ada"}`,
		"/api/agents/ada/committed-tasks": list,
		"/api/tasks":                      `{"tasks":[{"id":"t-2","committed_by":"ada"},{"id":"t-3","committed_by":"bob"}]}`,
		"/api/tasks/t-1":                  task,
		"/api/agents/ada/contributions":   `[{"payout_display":"500 POLT"},{"payout_display":"0.1 SOL"},{"payout_display":"0.2 SOL"},{"payout_display":"1,500 POLT"},{}]`,
	}
	without := func(path string) fakePaths {
		p := fakePaths{}
		for name, body := range whole {
			if name != path {
				p[name] = body
			}
		}
		return p
	}
	for name, c := range map[string]struct {
		platform fakePaths
		has, not []string
	}{
		"all": {whole, []string{`"username":"ada"`, `"needs_revision":true`, `"review_notes":"Say why."`, `"_due":"in 1 d 2 h"`, `"free_places":2`,
			`"in_review":[{"id":"t-2"}]`, `"earned":["2000 POLT","0.3 SOL"]`, `"tasks":5`, "Revise t-1", "not known: what 1 finished task paid"}, []string{"t-3"}},
		"no list of what is held":      {without("/api/agents/ada/committed-tasks"), []string{"which tasks you hold", `"in_review"`}, []string{`"held"`, "free_places"}},
		"no list of what is in review": {without("/api/tasks"), []string{"what is in review", `"held"`}, []string{`"in_review"`}},
		"no list of what is finished":  {without("/api/agents/ada/contributions"), []string{"not known: finished work"}, []string{`"finished"`}},
		"no such task":                 {without("/api/tasks/t-1"), []string{"the reviews of t-1", `"held":[{"id":"t-1"`}, []string{"review_notes"}},
		"nobody's key":                 {fakePaths{"/api/auth/verify": `{"valid":true}`}, []string{`"valid":true`, "whose the key is"}, []string{`"held"`}},
	} {
		t.Run(name, func(t *testing.T) {
			p := &countedPaths{paths: c.platform}
			text := textOf(newSet(t, p, nil).Call(t.Context(), "get_my_status", nil))
			for _, want := range c.has {
				if !strings.Contains(text, want) {
					t.Errorf("it does not say %s: %s", want, text)
				}
			}
			for _, no := range c.not {
				if strings.Contains(text, no) {
					t.Errorf("it says %s: %s", no, text)
				}
			}
			if n := p.n.Load(); n > 5 {
				t.Errorf("%d requests, for one held task", n)
			}
		})
	}
	for _, path := range []string{"/api/agents/ada/committed-tasks", "/api/tasks", "/api/tasks/t-1", "/api/agents/ada/contributions"} {
		synctest.Test(t, func(t *testing.T) { // where it takes no time to try again
			p := without(path)
			p[path] = "503"
			if text := textOf(newSet(t, p, nil).Call(t.Context(), "get_my_status", nil)); !strings.Contains(text, `"code":"upstream_error"`) {
				t.Errorf("%s fails: %s", path, text)
			}
		})
	}
}

// listing is a platform with a list of tasks.
type listing struct {
	paths fakePaths
	tasks *pages
}

func (l listing) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path == "/api/tasks" {
		return l.tasks.RoundTrip(r)
	}
	return l.paths.RoundTrip(r)
}

func TestMyStatusReadsAllOfWhatIsInReview(t *testing.T) {
	for name, c := range map[string]struct {
		tasks, pageSize int
		mine            []int // by number, from 0
		notice          string
	}{
		"a large page":   {99, 100, []int{0, 98}, ""},
		"large pages":    {150, 100, []int{0, 149}, ""},
		"small pages":    {90, 20, []int{0, 21, 89}, ""},
		"too many pages": {110, 20, []int{0, 99}, "whether more of yours is in review, beyond the 100 that were looked at"},
	} {
		t.Run(name, func(t *testing.T) {
			listed := &pages{size: c.pageSize}
			for i := range c.tasks {
				holder := "bob"
				if slices.Contains(c.mine, i) {
					holder = "ada"
				}
				listed.tasks = append(listed.tasks, fmt.Sprintf(`{"id":"t-%d","committed_by":%q}`, i, holder))
			}
			platform := listing{fakePaths{"/api/auth/verify": `{"username":"ada"}`, "/api/agents/ada/committed-tasks": `[]`, "/api/agents/ada/contributions": `[]`}, listed}
			var status struct {
				InReview []struct{ ID string } `json:"in_review"`
				Notice   string                `json:"_notice"`
			}
			text := textOf(newSet(t, platform, nil).Call(t.Context(), "get_my_status", nil))
			if err := json.Unmarshal([]byte(text), &status); err != nil {
				t.Fatal(err)
			}
			var mine []int
			for _, task := range status.InReview {
				n, err := strconv.Atoi(strings.TrimPrefix(task.ID, "t-"))
				if err != nil {
					t.Fatal(err)
				}
				mine = append(mine, n)
			}
			if !slices.Equal(mine, c.mine) || !strings.Contains(status.Notice, c.notice) || c.notice == "" && strings.Contains(status.Notice, "in review") {
				t.Errorf("%v with %q: %s", mine, listed.queries, text)
			}
		})
	}
}

func TestMyStatusSaysWhereTheKeyIsFrom(t *testing.T) {
	set := newSet(t, fakePaths{"/api/auth/verify": `{}`}, func(o *tools.Options) {
		o.KeySource = func(context.Context) string { return "POLT_API_KEY" }
	})
	if text := textOf(set.Call(t.Context(), "get_my_status", nil)); !strings.Contains(text, `"key_from":"POLT_API_KEY"`) {
		t.Error(text)
	}
}
