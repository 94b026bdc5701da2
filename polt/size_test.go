package polt_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/openpolt/polt-mcp/polt"
)

const (
	maxAnswer = 8 << 20
	tooMuch   = 1 << 30 // what a platform tries to send, and no buffer takes
)

// flood answers with bytes of chunk, up to tooMuch, and tells on done how many
// it could send.
func flood(status int, header http.Header, chunk []byte, done chan<- int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for name, values := range header {
			w.Header()[name] = values
		}
		w.WriteHeader(status)
		sent := 0
		for sent < tooMuch && r.Context().Err() == nil {
			n, err := w.Write(chunk)
			sent += n
			if err != nil {
				break
			}
		}
		done <- sent
	}
}

func zipped(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	if _, err := zip.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestAnswersOverTheLimitAreNotReadWhole(t *testing.T) {
	plain := bytes.Repeat([]byte("1"), 64<<10)
	bomb := bytes.Repeat(zipped(t, make([]byte, 1<<20)), 16) // of 16 MiB
	for name, test := range map[string]struct {
		header http.Header
		chunk  []byte
		read   int // how much may have been taken
	}{
		"with a length":    {http.Header{"Content-Length": {strconv.Itoa(tooMuch)}}, plain, 0},
		"without a length": {nil, plain, maxAnswer + 1},
		"a gzip bomb":      {http.Header{"Content-Encoding": {"gzip"}}, bomb, maxAnswer + 1},
	} {
		t.Run(name, func(t *testing.T) {
			for _, one := range unanswered {
				done := make(chan int, 3)
				var attempts []polt.Attempt
				client := newClient(t, polt.Options{
					BaseURL: serve(t, flood(200, test.header, test.chunk, done)), OnAttempt: collect(&attempts),
				})
				err := one.call(t.Context(), client)
				code := polt.CodeUpstreamError
				if one.code == polt.CodeOutcomeUnknown {
					code = polt.CodeOutcomeUnknown
				}
				e := wantCode(t, err, code)
				if !strings.Contains(e.Message, "the answer is over 8 MiB") || e.Retryable {
					t.Errorf("%+v", *e)
				}
				if len(attempts) != 1 || attempts[0].Bytes != test.read || attempts[0].Err == nil {
					t.Errorf("attempts: %+v, want one of %d bytes", attempts, test.read)
				}
				if sent := <-done; sent >= tooMuch {
					t.Errorf("the platform could send all of %d bytes", sent)
				}
			}
		})
	}
}

func TestAnswerAtTheLimitIsKept(t *testing.T) {
	body := `"` + strings.Repeat("a", maxAnswer-2) + `"`
	client, mux := setup(t)
	mux.HandleFunc("GET /api/tasks/42", func(w http.ResponseWriter, _ *http.Request) { write(w, body) })
	mux.HandleFunc("GET /api/tasks/43", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(zipped(t, []byte(body)))
	})
	for _, id := range []string{"42", "43"} {
		got, err := polt.GetTask.Call(t.Context(), client, polt.GetTaskInput{TaskID: id})
		if err != nil || string(got.Raw) != body {
			t.Errorf("task %s: %d bytes, error %v", id, len(got.Raw), err)
		}
	}
}

// An error stays the error it is, however long its body, and where the body
// breaks off or is not what its headers say.
func TestErrorsWithBodiesThatDoNotEndWell(t *testing.T) {
	for name, test := range map[string]struct {
		header http.Header
		body   string
		want   string
	}{
		"endless":       {nil, "", "the platform answered HTTP 409 Conflict: 111"},
		"of a length":   {http.Header{"Content-Length": {strconv.Itoa(tooMuch)}}, "", "the platform answered HTTP 409 Conflict: 111"},
		"cut off":       {http.Header{"Content-Length": {"100"}}, `{"error":"already committed"}`, "already committed"},
		"in false gzip": {http.Header{"Content-Encoding": {"gzip"}}, `{"error":"x"}`, "without a body"},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			client := newClient(t, polt.Options{BaseURL: serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				calls++
				if test.body == "" {
					flood(409, test.header, bytes.Repeat([]byte("1"), 64<<10), make(chan int, 1))(w, r)
					return
				}
				for name, values := range test.header {
					w.Header()[name] = values
				}
				w.WriteHeader(409)
				write(w, test.body)
			}))})
			for _, one := range unanswered {
				if e := wantCode(t, one.call(t.Context(), client), polt.CodeConflict); !strings.Contains(e.Message, test.want) {
					t.Errorf("%+v, want %q", *e, test.want)
				}
			}
			if calls != 2 {
				t.Errorf("%d calls", calls)
			}
		})
	}
}

func TestAnswerThatIsCutOff(t *testing.T) {
	calls := 0
	client := newClient(t, polt.Options{BaseURL: serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if calls++; calls == 3 {
			write(w, `{"id":"42"}`)
			return
		}
		w.Header().Set("Content-Length", "100")
		write(w, `{"id":`)
	}))})
	e := wantCode(t, commit(t.Context(), client), polt.CodeOutcomeUnknown)
	if want := "no complete response arrived: " + io.ErrUnexpectedEOF.Error(); !strings.Contains(e.Message, want) || e.HTTPStatus != 200 {
		t.Errorf("%+v, want %q", *e, want)
	}
	if err := getTask(t.Context(), client); err != nil || calls != 3 {
		t.Errorf("%d calls, error %v", calls, err)
	}
}
