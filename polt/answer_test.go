package polt_test

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/openpolt/polt-mcp/polt"
)

func TestAnswerKeepsTheBytes(t *testing.T) {
	for _, body := range []string{
		`{"id":"42","unknown":{"n":12345678901234567890.10,"html":"<b>&"},"id":"43"}`, " [ ]\r\n", `"text"`, "null", "-1.50e+3", "true", "false",
		"{\"title\":\"\u202eabc\\u0000\"}", `{"cut":`, "",
	} {
		client, mux := setup(t)
		mux.HandleFunc("POST /api/tasks/42/commit", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusCreated)
			write(w, body)
		})
		got, err := polt.CommitToTask.Call(t.Context(), client, polt.CommitToTaskInput{TaskID: "42"})
		if err != nil || string(got.Raw) != body || got.Status != http.StatusCreated {
			t.Errorf("%q became %q with status %d, error %v", body, got.Raw, got.Status, err)
		}
	}
}

func TestAnswerThatIsNotJSON(t *testing.T) {
	page := "<!doctype html>\n<p>\u202eHello " + testSecret + strings.Repeat("!", 200)
	client := fake(t, polt.Options{}, func(int, *http.Request) (*http.Response, error) { return answer(200, page), nil })
	for _, one := range unanswered {
		code := polt.CodeUpstreamError
		if one.code == polt.CodeOutcomeUnknown {
			code = polt.CodeOutcomeUnknown
		}
		e := wantCode(t, one.call(t.Context(), client), code)
		if want := "the answer is not JSON: <!doctype html> <p>Hello polt_…redacted!"; !strings.HasPrefix(e.Message, want) || len(e.Message) > 150 || e.Retryable {
			t.Errorf("%+v, want %q", *e, want)
		}
	}
}

func TestAnswerThatDoesNotDecodeTellsItsStatus(t *testing.T) {
	for _, status := range []int{http.StatusOK, http.StatusCreated, http.StatusAccepted} {
		client := fake(t, polt.Options{}, func(int, *http.Request) (*http.Response, error) { return answer(status, `{"id":42}`), nil })
		_, err := polt.GetTask.Do(t.Context(), client, polt.GetTaskInput{TaskID: "42"})
		if e := wantCode(t, err, polt.CodeUpstreamError); e.HTTPStatus != status {
			t.Errorf("a read: the status is %d, not %d", e.HTTPStatus, status)
		}
		client = fake(t, polt.Options{}, func(int, *http.Request) (*http.Response, error) { return answer(status, `{"task":42}`), nil })
		_, err = polt.CommitToTask.Do(t.Context(), client, polt.CommitToTaskInput{TaskID: "42"})
		if e := wantCode(t, err, polt.CodeOutcomeUnknown); e.HTTPStatus != status {
			t.Errorf("a write: the status is %d, not %d", e.HTTPStatus, status)
		}
	}
}

func decoded[Out any](t *testing.T, data string) Out {
	t.Helper()
	out, err := polt.Answer[Out]{Raw: []byte(data)}.Decode()
	if err != nil {
		t.Errorf("%s: %v", data, err)
	}
	return out
}

func TestDecodeIsLenient(t *testing.T) {
	got := decoded[polt.Task](t, ` {"id":"42","title":"T","deadline":null,"mood":"new","status":"frozen","submissions":[{"review_notes":"no","score":1}]} `)
	notes := "no"
	want := polt.Task{ID: "42", Title: "T", Status: "frozen", Submissions: []polt.Submission{{ReviewNotes: &notes}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	c := decoded[polt.Commitment](t, `{"message":"Successfully committed to task","task":{"id":"42","deadline":1767225600}}`)
	if c.Message == "" || c.Task.ID != "42" || *c.Task.Deadline != 1767225600 {
		t.Errorf("%+v", c)
	}
	if got := decoded[polt.Task](t, `{}`); !reflect.DeepEqual(got, polt.Task{}) {
		t.Errorf("%+v", got)
	}
}

func TestDecodeTellsWhatItCannot(t *testing.T) {
	for _, data := range []string{"", `{"id":`, `"text"`, `{"id":42}`, `{} {}`} {
		_, err := polt.Answer[polt.Task]{Raw: []byte(data)}.Decode()
		if err == nil || !strings.Contains(err.Error(), "the answer does not decode as polt.Task") {
			t.Errorf("%q: error is %v", data, err)
		}
	}
}

// The envelope of a list is not documented.
func TestListsInAnyEnvelope(t *testing.T) {
	envelopes := []string{`[%s]`, " \n[%s] ", `{"%s":[%s]}`, `{"data": [%s]}`, `{"items":[%s],"total":2,"next":null}`, `{"limit":20,"%s":[%s],"tags":["a"]}`,
		`{"ok":true,"data":{"%s":[%s],"tags":["a"]}}`}
	for _, envelope := range envelopes {
		list := func(name, items string) string {
			if strings.Count(envelope, "%s") == 1 {
				return fmt.Sprintf(envelope, items)
			}
			return fmt.Sprintf(envelope, name, items)
		}
		if got := decoded[polt.TaskList](t, list("tasks", `{"id":"1"},{"id":"2"}`)); len(got.Tasks) != 2 || got.Tasks[1].ID != "2" {
			t.Errorf("%s: %+v", envelope, got)
		}
		if got := decoded[polt.ProjectList](t, list("projects", `{"id":"1"},{"id":"2"}`)); len(got.Projects) != 2 || got.Projects[1].ID != "2" {
			t.Errorf("%s: %+v", envelope, got)
		}
		if got := decoded[polt.ContributionList](t, list("contributions", `{"task_id":"1"}`)); len(got.Contributions) != 1 || got.Contributions[0].TaskID != "1" {
			t.Errorf("%s: %+v", envelope, got)
		}
		if got := decoded[polt.Leaderboard](t, list("leaderboard", `{"rank":1}`)); len(got.Standings) != 1 || got.Standings[0].Rank != 1 {
			t.Errorf("%s: %+v", envelope, got)
		}
	}
	if got := decoded[polt.TaskList](t, `{"tasks":[],"page":2,"limit":20,"total":21,"tags":["a"]}`); got.Page != 2 || got.Limit != 20 || got.Total != 21 || len(got.Tasks) != 0 {
		t.Errorf("%+v", got)
	}
	for _, none := range []string{`[]`, `{"tasks":null}`, `null`} {
		if got := decoded[polt.TaskList](t, none); len(got.Tasks) != 0 {
			t.Errorf("%s: %+v", none, got)
		}
	}
	for _, bad := range []string{``, `[`, `{"tasks":`, `"tasks"`, `[1]`, `{"data":[1]}`, `{}`, `{"a":[],"b":[]}`, `{"tasks":[],"total":"7"}`} {
		if _, err := (polt.Answer[polt.TaskList]{Raw: []byte(bad)}).Decode(); err == nil {
			t.Errorf("%q decodes", bad)
		}
	}
}

func TestValues(t *testing.T) {
	for _, test := range []struct {
		of   interface{ Values() []string }
		want string
	}{
		{polt.TaskStatus(""), "available committed in_review completed"},
		{polt.Difficulty(""), "easy medium hard expert"},
		{polt.TaskSort(""), "new payout deadline"},
		{polt.ProjectStatus(""), "idea voting development testing live"},
		{polt.ProjectSort(""), "new progress"},
	} {
		if got := strings.Join(test.of.Values(), " "); got != test.want {
			t.Errorf("%T: %s, want %s", test.of, got, test.want)
		}
	}
}

func TestDoDecodesOrSaysWhatBecameOfTheCall(t *testing.T) {
	for body, c := range map[string]struct {
		read, write polt.Code // "" for none
	}{
		`{"title":"x","task":{"title":"x"}}`: {"", ""},
		``:                                   {polt.CodeUpstreamError, ""},
		" \n":                                {polt.CodeUpstreamError, ""},
		`{"title":"x`:                        {polt.CodeUpstreamError, polt.CodeOutcomeUnknown},
		`{"task":7}`:                         {"", polt.CodeOutcomeUnknown},
		`<html>no</html>`:                    {polt.CodeUpstreamError, polt.CodeOutcomeUnknown},
	} {
		client := fake(t, polt.Options{Key: testKey(t)}, func(int, *http.Request) (*http.Response, error) { return answer(200, body), nil })
		task, err := polt.GetTask.Do(t.Context(), client, polt.GetTaskInput{TaskID: "42"})
		if c.read != "" {
			wantCode(t, err, c.read)
		} else if err != nil || task.Title != "x" && body != `{"task":7}` {
			t.Errorf("%s: %+v %v", body, task, err)
		}
		commitment, err := polt.CommitToTask.Do(t.Context(), client, polt.CommitToTaskInput{TaskID: "42"})
		if c.write != "" {
			wantCode(t, err, c.write)
		} else if err != nil || (commitment.Task.Title != "x") != (len(body) < 5) {
			t.Errorf("%s: %+v %v", body, commitment, err)
		}
	}
}
