package policy_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/openpolt/polt-mcp/internal/policy"
	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
)

// line is one of a journal.
type line struct {
	Event      string
	ID         string
	Time       string
	Tool       string
	Caller     *string
	RequestID  string `json:"request_id"`
	Arguments  map[string]any
	Outcome    string
	HTTPStatus int `json:"http_status"`
	Message    string
	MS         *float64
}

// journalOf reads a journal, and checks that it holds no key.
func journalOf(t *testing.T, path string) []line {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(strings.ToLower(string(b)), "secret") {
		t.Errorf("it holds a key: %s", b)
	}
	var all []line
	for text := range bytes.Lines(b) {
		var l line
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&l); err != nil || !bytes.HasSuffix(text, []byte("\n")) {
			t.Fatalf("%v in %.200s", err, text)
		}
		all = append(all, l)
	}
	return all
}

func TestWriteIsRecordedBeforeItIsSentAndAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "journal")
		p := &platform{write: func(r *http.Request) (int, string, error) {
			if r.Method == http.MethodGet {
				return 200, "[]", nil
			}
			if l := journalOf(t, path); len(l) != 1 || l[0].Event != "write" {
				t.Errorf("before: %+v", l)
			}
			after(1500 * time.Millisecond)
			return 409, `{"error":"taken; the key polt_secret may not"}`, nil
		}}
		set := newSet(t, p, policy.Options{Journal: path})
		wantOK(t, set.Call(as(t, "polt_secret"), "list_tasks", nil)) // no write
		commit(t.Context(), set)                                     // not sent, without a key
		set.Call(as(t, "polt_secret"), "submit_work", json.RawMessage(`{"task_id":"t-1"}`))
		set.Call(as(t, "polt_secret"), "submit_work", json.RawMessage(`{"task_id":"t-1","submission_content":"<a> & ☃\n\u0070olt_0123456789_of_another"}`))
		l := journalOf(t, path)
		if len(l) != 2 {
			t.Fatalf("%+v", l)
		}
		w, o := l[0], l[1]
		want := map[string]any{"task_id": "t-1", "submission_content": "<a> & ☃\npolt_…redacted"}
		if w.Event != "write" || w.Tool != "submit_work" || w.RequestID != "r-1" || !reflect.DeepEqual(w.Arguments, want) {
			t.Errorf("%+v", w)
		}
		if *w.Caller != "key:b4a255b9e84efebe" { // of its SHA-256
			t.Errorf("the caller is %s", *w.Caller)
		}
		if w.ID == "" || o.ID != w.ID || o.Event != "outcome" || o.Tool != "submit_work" || o.Outcome != "conflict" ||
			o.HTTPStatus != 409 || o.Message != "taken; the key polt_…redacted may not" || *o.MS != 1500 {
			t.Errorf("%+v", o)
		}
		for _, l := range l {
			if at, err := time.Parse("2006-01-02T15:04:05.000Z", l.Time); err != nil || time.Since(at) > 2*time.Second {
				t.Errorf("at %s: %v", l.Time, err)
			}
		}
	})
}

func TestJournalIsAppendedToAndForItsOwnerOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	for range 2 {
		set, rules := newSetAndPolicy(t, &platform{}, policy.Options{Journal: path})
		wantOK(t, commit(as(t, "polt_k"), set))
		if err := rules.Close(); err != nil {
			t.Fatal(err)
		}
	}
	l := journalOf(t, path)
	if len(l) != 4 || l[0].ID == l[2].ID || l[1].Outcome != "ok" || l[1].Message != "" {
		t.Errorf("%+v", l)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}

func TestJournalThatIsMovedAwayIsBegunAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	ctx := as(t, "polt_k")
	set := newSet(t, &platform{}, policy.Options{Journal: path})
	for _, move := range []func() error{
		func() error { return os.Rename(path, path+".1") },
		func() error { return os.Remove(path) },
		func() error { return errors.Join(os.Remove(path), os.WriteFile(path, nil, 0o600)) },
	} {
		wantOK(t, commit(ctx, set))
		if err := move(); err != nil {
			t.Fatal(err)
		}
		wantOK(t, commit(ctx, set))
		if l := journalOf(t, path); len(l) != 2 || l[0].Event != "write" || l[1].ID != l[0].ID {
			t.Errorf("%+v", l)
		}
	}
	if l := journalOf(t, path+".1"); len(l) != 2 {
		t.Errorf("%+v", l)
	}
}

func TestJournalThatCannotBeBegunAnewStopsWrites(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dir")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	p := &platform{}
	set := newSet(t, p, policy.Options{Journal: filepath.Join(dir, "journal")})
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	wantError(t, commit(as(t, "polt_k"), set), polt.CodeInternal)
	p.wantSent(t, 0, 0)
}

// A process that wrote to it may have been cut off in the middle of a line.
func TestTornLineTakesNoOtherWithIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	if err := os.WriteFile(path, []byte(`{"event":"wri`), 0o600); err != nil {
		t.Fatal(err)
	}
	wantOK(t, commit(as(t, "polt_k"), newSet(t, &platform{}, policy.Options{Journal: path})))
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(b), "\n")
	if len(lines) != 4 || lines[0] != `{"event":"wri` || !strings.HasPrefix(lines[1], `{"event":"write",`) || !strings.HasPrefix(lines[2], `{"event":"outcome",`) {
		t.Errorf("%s", b)
	}
}

func TestRegisteringIsRecordedAndItsKeyIsNot(t *testing.T) {
	for name, answer := range map[string]string{
		"a key":                 `{"agent_id":"7","api_key":"polt_new_secret"}`,
		"a key that is no JSON": `welcome, your key is polt_new_secret`,
		"a part of the answer":  `"polt_new_secret`,
		"no key":                `{"welcome":"hi"}`,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "journal")
			p := &platform{write: func(r *http.Request) (int, string, error) {
				if r.URL.Path != "/api/auth/register" {
					return 200, "{}", nil
				}
				return 201, answer, nil
			}}
			set := newSet(t, p, policy.Options{Journal: path})
			set.Call(t.Context(), "register_agent", json.RawMessage(`{"username":"ada","bio":"☃"}`))
			if strings.Contains(answer, "api_key") { // it is no secret to who registered
				wantOK(t, set.Call(as(t, "polt_other"), "reply_to_project", json.RawMessage(`{"project_id":"p","body":"my key is polt_new_secret"}`)))
			}
			l := journalOf(t, path)
			if len(l) < 2 || l[0].Tool != "register_agent" || *l[0].Caller != "" || l[0].Arguments["username"] != "ada" || l[0].Arguments["bio"] != "☃" {
				t.Errorf("%+v", l)
			}
			if want := "ok"; strings.HasPrefix(answer, "{") && l[1].Outcome != want || !strings.HasPrefix(answer, "{") && l[1].Outcome != "outcome_unknown" {
				t.Errorf("%+v", l[1])
			}
		})
	}
}

// A key that JSON writes in an unusual way, and one that is a part of JSON, are
// kept out all the same.
func TestNoKeyIsRecordedHoweverItLooks(t *testing.T) {
	for _, text := range []string{`polt_<&">\secret`, `":{}`, `"`, `\`, `id`, `polt_secret_` + strings.Repeat("x", 500)} {
		path := filepath.Join(t.TempDir(), "journal")
		rules, err := policy.New(policy.Options{Journal: path})
		if err != nil {
			t.Fatal(err)
		}
		arguments, err := json.Marshal(map[string]string{"project_id": "p", "body": "here: " + text + " and " + text})
		if err != nil {
			t.Fatal(err)
		}
		done, err := rules.OnWrite(t.Context(), tools.Write{Tool: "reply_to_project", Key: keyNamed(t, text), Arguments: arguments})
		if err != nil {
			t.Fatal(err)
		}
		done(tools.Outcome{})
		if err := rules.Close(); err != nil {
			t.Fatal(err)
		}
		if l := journalOf(t, path); len(l) != 2 || l[0].Arguments["body"] != "here: polt_…redacted and polt_…redacted" {
			t.Errorf("%s: %+v", text, l)
		}
	}
}

// Keys that were given out are kept out whatever they look like, the last 16 of
// them: more are not remembered.
func TestLastKeysThatWereGivenOutAreNotRecorded(t *testing.T) {
	const most = 16
	path := filepath.Join(t.TempDir(), "journal")
	rules, err := policy.New(policy.Options{Journal: path})
	if err != nil {
		t.Fatal(err)
	}
	var given []string
	for i := range most + 2 {
		given = append(given, fmt.Sprintf("key-%02d", i))
		done, err := rules.OnWrite(t.Context(), tools.Write{Registers: "ada", Arguments: json.RawMessage(`{}`)})
		if err != nil {
			t.Fatal(err)
		}
		done(tools.Outcome{Issued: keyNamed(t, given[i])})
	}
	body, err := json.Marshal(map[string]any{"body": given})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rules.OnWrite(t.Context(), tools.Write{Arguments: body}); err != nil {
		t.Fatal(err)
	}
	if err := rules.Close(); err != nil {
		t.Fatal(err)
	}
	want := []any{given[0], given[1]}
	for range most {
		want = append(want, "polt_…redacted")
	}
	l := journalOf(t, path)
	if got := l[2*len(given)].Arguments["body"]; !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
}

// The keys of others are kept out too, by their looks.
func TestNoKeyOfAnotherIsRecorded(t *testing.T) {
	const other = "polt_Secret-of_0"
	path := filepath.Join(t.TempDir(), "journal")
	rules, err := policy.New(policy.Options{Journal: path})
	if err != nil {
		t.Fatal(err)
	}
	done, err := rules.OnWrite(t.Context(), tools.Write{
		Tool: "submit_work", RequestID: "r-" + other,
		Arguments: json.RawMessage(`{"a":"one ` + other + `, two (` + other + `)","b":[{"c":"\u0070olt_Secret-of_0"}],"d":"polt_mcp is no key"}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	done(tools.Outcome{Err: &polt.Error{Code: polt.CodeConflict, Message: "is " + other + " yours?"}})
	if err := rules.Close(); err != nil {
		t.Fatal(err)
	}
	l := journalOf(t, path)
	want := map[string]any{
		"a": "one polt_…redacted, two (polt_…redacted)", "b": []any{map[string]any{"c": "polt_…redacted"}},
		"d": "polt_mcp is no key",
	}
	if len(l) != 2 || l[0].RequestID != "r-polt_…redacted" || !reflect.DeepEqual(l[0].Arguments, want) || l[1].Message != "is polt_…redacted yours?" {
		t.Errorf("%+v", l)
	}
}

func TestJournalThatOthersCanReadIsTold(t *testing.T) {
	for mode, told := range map[os.FileMode]bool{0o600: false, 0o640: true, 0o602: true} {
		path := filepath.Join(t.TempDir(), "journal")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		rules, err := policy.New(policy.Options{Journal: path, Log: zerolog.New(&log)})
		if err != nil {
			t.Fatal(err)
		}
		if err := rules.Close(); err != nil {
			t.Error(err)
		}
		if got := strings.Contains(log.String(), `"level":"warn"`) && strings.Contains(log.String(), "other users can read or write the journal"); got != told {
			t.Errorf("%o: the log has %s", mode, &log)
		}
	}
}

func TestWriteThatCannotBeRecordedIsNotSent(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip(err)
	}
	p := &platform{}
	var log bytes.Buffer
	set := newSet(t, p, policy.Options{Journal: "/dev/full", Log: zerolog.New(&log)})
	said, _ := wantError(t, commit(as(t, "polt_secret"), set), polt.CodeInternal)
	want := "commit_to_task was not sent: the journal cannot be written (no space left on device). This is a fault of the server; tell the user."
	if said != want {
		t.Errorf("%s\nis not\n%s", said, want)
	}
	p.wantSent(t, 0, 0)
	if !strings.Contains(log.String(), "/dev/full: no space left on device") {
		t.Errorf("the log has %s", &log)
	}
	wantOK(t, set.Call(as(t, "polt_secret"), "list_tasks", nil))
}

func TestJournalThatCannotBeOpenedIsAnError(t *testing.T) {
	if _, err := policy.New(policy.Options{Journal: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "the journal: ") {
		t.Error(err)
	}
}

// The journal is a pipe, which takes the first line and not the second.
func TestOutcomeThatCannotBeRecordedIsLoggedAndDelivered(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer write.Close()
	p := &platform{write: func(*http.Request) (int, string, error) {
		return 200, `{"message":"done"}`, read.Close()
	}}
	var log bytes.Buffer
	set := newSet(t, p, policy.Options{Journal: fmt.Sprintf("/dev/fd/%d", write.Fd()), Log: zerolog.New(&log)})
	r := commit(as(t, "polt_secret"), set)
	wantOK(t, r)
	if string(r.RawStructuredContent) != `{"message":"done"}` {
		t.Errorf("%s", r.RawStructuredContent)
	}
	if s := log.String(); !strings.Contains(s, "broken pipe") || !strings.Contains(s, `"outcome":"ok"`) || strings.Contains(s, "secret") {
		t.Errorf("the log has %s", s)
	}
}

func TestWriteThatIsCancelledHasAnOutcome(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	ctx, cancel := context.WithCancel(as(t, "polt_k"))
	p := &platform{write: func(r *http.Request) (int, string, error) {
		httptrace.ContextClientTrace(r.Context()).GotConn(httptrace.GotConnInfo{})
		cancel()
		<-r.Context().Done()
		return 0, "", r.Context().Err()
	}}
	wantError(t, commit(ctx, newSet(t, p, policy.Options{Journal: path})), polt.CodeOutcomeUnknown)
	if l := journalOf(t, path); len(l) != 2 || l[1].Outcome != "outcome_unknown" || !strings.Contains(l[1].Message, "cancelled") {
		t.Errorf("%+v", l)
	}
}

func TestPanicHasAnOutcome(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	p := &platform{write: func(*http.Request) (int, string, error) { panic("polt_secret") }}
	wantError(t, commit(as(t, "polt_k"), newSet(t, p, policy.Options{Journal: path})), polt.CodeInternal)
	if l := journalOf(t, path); len(l) != 2 || l[1].Outcome != "internal" || !strings.Contains(l[1].Message, "does not know whether it was done") {
		t.Errorf("%+v", l)
	}
}

func TestWriteThatOutlastsTheServerHasAnOutcome(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	began, end := make(chan struct{}), make(chan struct{})
	p := &platform{write: func(*http.Request) (int, string, error) { close(began); <-end; return 200, "{}", nil }}
	set, rules := newSetAndPolicy(t, p, policy.Options{Journal: path})
	ctx := as(t, "polt_k")
	var call sync.WaitGroup
	call.Go(func() { wantOK(t, commit(ctx, set)) })
	<-began
	if err := rules.Close(); err != nil {
		t.Error(err)
	}
	close(end)
	call.Wait()
	if l := journalOf(t, path); len(l) != 2 || l[1].ID != l[0].ID || l[1].Outcome != "outcome_unknown" {
		t.Errorf("%+v", l)
	}
}

func TestSeveralWritersShareAJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	work, err := json.Marshal(map[string]string{"task_id": "t", "submission_content": strings.Repeat("☃ ", 50_000)})
	if err != nil {
		t.Fatal(err)
	}
	ctx := as(t, "polt_k")
	var all sync.WaitGroup
	for range 4 {
		set := newSet(t, &platform{}, policy.Options{Journal: path})
		for range 4 {
			all.Go(func() { wantOK(t, set.Call(ctx, "submit_work", work)) })
		}
	}
	all.Wait()
	events := map[string]int{}
	for _, l := range journalOf(t, path) {
		events[l.Event]++
		if l.Event == "write" && len(l.Arguments["submission_content"].(string)) != 200_000 {
			t.Error("a text is not whole")
		}
	}
	if events["write"] != 16 || events["outcome"] != 16 {
		t.Errorf("%v", events)
	}
}
