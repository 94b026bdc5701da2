package tools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"sync"

	"github.com/openpolt/polt-mcp/internal/answers"
	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools/internal/shape"
)

// myStatus is the answer of get_my_status. Unknown parts are omitted and listed
// in the notice.
type myStatus struct {
	Agent    struct{}   `json:"agent" jsonschema:"you"`
	Held     []struct{} `json:"held" jsonschema:"committed tasks"`
	InReview []struct{} `json:"in_review" jsonschema:"yours"`
	Finished struct{}   `json:"finished" jsonschema:"approved work, earned by currency"`
	Next     string     `json:"next" jsonschema:"what to do"`
}

func getMyStatus() *definition {
	return own[struct{}, myStatus](Tool{
		Name:        "get_my_status",
		Title:       "Get my status",
		Description: "Where you stand, in one call: who you are, tasks held with deadlines and review notes, work in review, earnings, next step. Use it first, and after any loss of context.",
		Summary:     shape.Lists,
		Notes:       2000,
	}, func(ctx context.Context, s *Set, _ prepared, client *polt.Client) ([]byte, addition, error) {
		return s.myStatus(ctx, client)
	})
}

// maxHeld is how many tasks an agent can be committed to, not counting those
// returned for revision.
const maxHeld = 3

// maxHeldRead is how many held tasks are read individually.
const maxHeldRead = 10

// situation collects what is known of an agent.
type situation struct {
	client   *polt.Client
	username string

	mu       sync.Mutex
	missing  []string // unknown parts
	failed   error    // first transient error of any part
	held     []json.RawMessage
	revise   []string // ids of held tasks that need a revision
	inReview []json.RawMessage
	finished json.RawMessage
	hasHeld  bool
}

// myStatus verifies the key and then reads the rest concurrently.
func (s *Set) myStatus(ctx context.Context, client *polt.Client) ([]byte, addition, error) {
	who, err := polt.VerifyKey.Call(ctx, client, polt.VerifyKeyInput{})
	if err != nil {
		return nil, addition{}, err
	}
	st := &situation{client: client, username: answers.Owner(who.Raw)}
	if st.username == "" {
		st.missing = append(st.missing, "whose the key is: the platform does not tell, so neither is the rest known")
	} else {
		var reads sync.WaitGroup
		reads.Go(func() { st.readHeld(ctx) })
		reads.Go(func() { st.readInReview(ctx) })
		reads.Go(func() { st.readFinished(ctx) })
		reads.Wait()
	}
	if st.failed != nil {
		return nil, addition{}, st.failed
	}
	raw, err := json.Marshal(s.statusMembers(ctx, st, who.Raw))
	notice := ""
	if len(st.missing) > 0 {
		slices.Sort(st.missing) // reads end in any order
		notice = "not known: " + strings.Join(st.missing, "; ")
	}
	return raw, addition{notice: notice, members: []json.RawMessage{clock(s.options.Now())}}, err
}

// statusMembers are the members of the answer, in output order.
type statusMembers struct {
	Agent struct {
		Username     string          `json:"username,omitempty"`
		Verification json.RawMessage `json:"verification,omitempty"` // if it contains no username
		KeyFrom      string          `json:"key_from,omitempty"`
	} `json:"agent"`
	Next       string          `json:"next"`
	Held       json.RawMessage `json:"held,omitempty"`
	FreePlaces *int            `json:"free_places,omitempty"`
	InReview   json.RawMessage `json:"in_review,omitempty"`
	Finished   json.RawMessage `json:"finished,omitempty"`
}

func (s *Set) statusMembers(ctx context.Context, st *situation, who []byte) (m statusMembers) {
	m.Agent.Username, m.Agent.KeyFrom = st.username, s.options.KeySource(ctx)
	if st.username == "" {
		m.Agent.Verification = who
	}
	m.Next = s.nextStep(st)
	if st.hasHeld {
		m.Held, m.FreePlaces = rawList(st.held), new(max(maxHeld-len(st.held), 0))
	}
	if st.inReview != nil {
		m.InReview = rawList(st.inReview)
	}
	m.Finished = st.finished
	return m
}

// nextStep says what to do next, in line with the guide.
func (s *Set) nextStep(st *situation) string {
	names := (&answer{off: s.off}).names
	switch {
	case st.username == "":
		return "Ask the user who you are"
	case len(st.revise) > 0:
		return "Revise " + strings.Join(st.revise, ", ") + ": answer each review note" + names("submit_work", ", then submit_work again", "")
	case len(st.held) > 0:
		return "Finish what you hold, the soonest deadline first" + names("submit_work", ", then submit_work", "") + names("abandon_task", "; abandon_task soon if you cannot", "")
	case len(st.inReview) > 0:
		return names("wait_for_review", "wait_for_review, or find other work", "Find other work") + names("list_tasks", " with list_tasks", "")
	}
	return names("list_tasks", "Find work: list_tasks with status available", "Find work")
}

// part records the error of a part: permanent or transient.
func (st *situation) part(name string, err error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if e := asError(err); e.Code == polt.CodeNotFound || e.Code == polt.CodeInvalidArgument {
		st.missing = append(st.missing, name)
	} else if st.failed == nil {
		st.failed = err
	}
}

// readHeld reads the agent's committed tasks, each with its review notes.
func (st *situation) readHeld(ctx context.Context) {
	list, err := polt.ListCommittedTasks.Call(ctx, st.client, polt.ListCommittedTasksInput{Username: st.username})
	var tasks []json.RawMessage
	if err == nil {
		tasks, err = itemsOf(list.Raw)
	}
	if err != nil {
		st.part("which tasks you hold", err)
		return
	}
	details := make([]json.RawMessage, len(tasks))
	var reads sync.WaitGroup
	for i, task := range tasks[:min(len(tasks), maxHeldRead)] {
		reads.Go(func() {
			answer, err := polt.GetTask.Call(ctx, st.client, polt.GetTaskInput{TaskID: answers.ID(task)})
			if err != nil {
				st.part("the reviews of "+answers.ID(task), err)
				return
			}
			details[i] = answer.Raw
		})
	}
	reads.Wait()
	st.mu.Lock()
	defer st.mu.Unlock()
	st.hasHeld, st.held = true, make([]json.RawMessage, len(tasks))
	for i, task := range tasks {
		notes, needsRevision := revisionOf(details[i], st.username)
		st.held[i] = briefTask(task, notes, needsRevision)
		if needsRevision {
			st.revise = append(st.revise, answers.ID(task))
		}
	}
}

// readInReview reads the tasks in review and keeps the agent's own.
func (st *situation) readInReview(ctx context.Context) {
	own := []json.RawMessage{}
	looked, whole, err := eachTask(ctx, st.client, polt.ListTasksInput{Status: polt.TaskInReview}, func(task json.RawMessage) {
		if answers.IsCommittedTo(task, st.username) {
			own = append(own, briefTask(task, "", false))
		}
	})
	if err != nil {
		st.part("what is in review", err)
		return
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	st.inReview = own
	if !whole {
		st.missing = append(st.missing, fmt.Sprintf("whether more of yours is in review, beyond the %d that were looked at", looked))
	}
}

// readFinished reads the approved work and sums up the earnings.
func (st *situation) readFinished(ctx context.Context) {
	list, err := polt.ListContributions.Call(ctx, st.client, polt.ListContributionsInput{Username: st.username})
	var work []json.RawMessage
	if err == nil {
		work, err = itemsOf(list.Raw)
	}
	if err != nil {
		st.part("finished work", err)
		return
	}
	sums := map[string]*big.Rat{}
	unknown := 0
	for _, one := range work {
		var payout struct {
			Display string `json:"payout_display"`
		}
		_ = json.Unmarshal(one, &payout) // if invalid, it is unknown
		amount, currency, ok := strings.Cut(strings.TrimSpace(payout.Display), " ")
		n, isNumber := new(big.Rat).SetString(strings.ReplaceAll(amount, ",", ""))
		if !ok || !isNumber || len(amount) > 40 {
			unknown++
			continue
		}
		if sums[currency] == nil {
			sums[currency] = new(big.Rat)
		}
		sums[currency].Add(sums[currency], n)
	}
	earned := []string{}
	for _, currency := range slices.Sorted(maps.Keys(sums)) {
		earned = append(earned, decimal(sums[currency])+" "+currency)
	}
	finished, err := json.Marshal(struct {
		Tasks  int      `json:"tasks"`
		Earned []string `json:"earned"`
	}{len(work), earned})
	st.mu.Lock()
	defer st.mu.Unlock()
	if err == nil {
		st.finished = finished
	}
	if unknown > 0 {
		st.missing = append(st.missing, "what "+plural(unknown, "finished task")+" paid")
	}
}

// decimal formats a sum of decimal numbers exactly.
func decimal(n *big.Rat) string {
	digits, exact := n.FloatPrec()
	if !exact {
		digits = 9
	}
	return n.FloatString(digits)
}

// briefTask returns the members of a task that say what is due when.
func briefTask(task json.RawMessage, notes string, needsRevision bool) json.RawMessage {
	brief := membersOf(task, "id", "task_id", "title", "project_title", "payout_display", "deadline")
	var more []json.RawMessage
	if needsRevision {
		more = append(more, json.RawMessage(`"needs_revision":true`))
	}
	if notes != "" {
		more = append(more, shape.Member("review_notes", notes))
	}
	if len(more) == 0 {
		return brief
	}
	return shape.Append(brief, more...)
}

// membersOf returns an object with the named members of a task that are not
// null.
func membersOf(task json.RawMessage, names ...string) json.RawMessage {
	var members map[string]json.RawMessage
	if json.Unmarshal(task, &members) != nil {
		return task
	}
	var all []json.RawMessage
	for _, name := range names {
		if value := members[name]; len(value) > 0 && string(value) != "null" {
			all = append(all, slices.Concat(json.RawMessage(`"`+name+`":`), value))
		}
	}
	return shape.Append(json.RawMessage("{}"), all...)
}

// revisionOf returns the review notes of a task's last submission, if it is the
// agent's and needs a revision.
func revisionOf(task json.RawMessage, username string) (notes string, needsRevision bool) {
	var history struct {
		Submissions []struct {
			Agent  json.RawMessage
			Status polt.SubmissionStatus
			Notes  string `json:"review_notes"`
		}
	}
	if json.Unmarshal(task, &history) != nil || len(history.Submissions) == 0 {
		return "", false
	}
	last := history.Submissions[len(history.Submissions)-1]
	if by := answers.Username(last.Agent); by != "" && !strings.EqualFold(by, username) || last.Status != polt.SubmissionNeedsRevision {
		return "", false
	}
	return last.Notes, true
}

// revisionsIn returns the ids of the listed tasks whose last submission needs a
// revision. known is false if the list does not say so for every task.
func revisionsIn(list []byte) (ids []string, known bool) {
	tasks, err := itemsOf(list)
	if err != nil {
		return nil, false
	}
	for _, task := range tasks {
		var members struct {
			Status      string
			Last        *string           `json:"last_submission_status"`
			Submissions []json.RawMessage `json:"submissions"`
		}
		if json.Unmarshal(task, &members) != nil {
			return nil, false
		}
		last := ""
		switch {
		case members.Last != nil:
			last = *members.Last
		case len(members.Submissions) > 0:
			var s struct{ Status string }
			_ = json.Unmarshal(members.Submissions[len(members.Submissions)-1], &s) // if invalid, it is unknown
			last = s.Status
		case members.Submissions == nil && members.Status != string(polt.SubmissionNeedsRevision):
			return nil, false
		}
		if last == string(polt.SubmissionNeedsRevision) || members.Status == string(polt.SubmissionNeedsRevision) {
			ids = append(ids, answers.ID(task))
		}
	}
	return ids, true
}

// asError returns the *polt.Error in err, or wraps err in one.
func asError(err error) *polt.Error {
	if e, ok := errors.AsType[*polt.Error](err); ok {
		return e
	}
	return &polt.Error{Code: polt.CodeInternal, Message: "this server failed", Err: err}
}
