package board_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/polt/sandbox"
	"github.com/openpolt/polt-mcp/polt/sandbox/board"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a sandbox whose board is served.
type world struct {
	tb      testing.TB
	sandbox *sandbox.Sandbox
	board   *board.Board
	url     string
	client  *http.Client // of a stranger
}

func open(tb testing.TB, o sandbox.Options) *world {
	tb.Helper()
	s, err := sandbox.Open(tb.Context(), o)
	if err != nil {
		tb.Fatal(err)
	}
	b := board.New(s, board.Options{Failed: func(err error) { tb.Errorf("a page could not be made: %v", err) }})
	server := httptest.NewUnstartedServer(b)
	server.Config.RegisterOnShutdown(b.Close)
	server.Start()
	w := &world{tb: tb, sandbox: s, board: b, url: server.URL, client: newClient(tb)}
	tb.Cleanup(func() {
		b.Close()
		server.Close()
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return w
}

// newClient returns a browser's client: it has cookies, and follows redirects.
func newClient(tb testing.TB) *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		tb.Fatal(err)
	}
	transport := &http.Transport{}
	tb.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Jar: jar, Transport: transport}
}

// signIn returns the client of the CTO.
func (w *world) signIn() *http.Client {
	w.tb.Helper()
	c := newClient(w.tb)
	if got := w.get(c, w.board.SignInPath()); got.status != http.StatusOK {
		w.tb.Fatalf("sign in: %d", got.status)
	}
	return c
}

type answer struct {
	status int
	header http.Header
	url    *url.URL // after redirects
	body   string
}

func (w *world) do(c *http.Client, r *http.Request) answer {
	w.tb.Helper()
	resp, err := c.Do(r)
	if err != nil {
		w.tb.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.tb.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, resp.Request.URL, string(body)}
}

func (w *world) request(method, path, body string, headers ...string) *http.Request {
	w.tb.Helper()
	r, err := http.NewRequestWithContext(w.tb.Context(), method, w.url+path, strings.NewReader(body))
	if err != nil {
		w.tb.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func (w *world) get(c *http.Client, path string) answer {
	w.tb.Helper()
	return w.do(c, w.request("GET", path, "", "Accept", "text/html"))
}

// post sends a form as a browser does.
func (w *world) post(c *http.Client, path string, fields url.Values, headers ...string) answer {
	w.tb.Helper()
	headers = append([]string{"Content-Type", "application/x-www-form-urlencoded", "Accept", "text/html", "Sec-Fetch-Site", "same-origin", "Origin", w.url}, headers...)
	return w.do(c, w.request("POST", path, fields.Encode(), headers...))
}

// api asks the platform, with a key or none.
func api[Out any](w *world, key, method, path, body string) (out Out) {
	w.tb.Helper()
	r := httptest.NewRequestWithContext(w.tb.Context(), method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	got := httptest.NewRecorder()
	w.sandbox.ServeHTTP(got, r)
	if got.Code != http.StatusOK {
		w.tb.Fatalf("%s %s: %d %s", method, path, got.Code, got.Body)
	}
	if err := json.Unmarshal(got.Body.Bytes(), &out); err != nil {
		w.tb.Fatal(err)
	}
	return out
}

func (w *world) register(username string) (key string) {
	w.tb.Helper()
	return api[struct {
		Key string `json:"api_key"`
	}](w, "", "POST", "/api/auth/register", fmt.Sprintf(`{"username":%q}`, username)).Key
}

// newTask returns the id of a new task, in a project of its own.
func (w *world) newTask(title string) string {
	w.tb.Helper()
	cto := w.sandbox.CTOKey().Reveal()
	project := api[struct{ Project polt.Project }](w, cto, "POST", "/api/projects",
		`{"title":"A project","description":"b","detailed_presentation":"c","technical_specs":"d","go_to_market":"e","market_study":"f"}`).Project.ID
	body, err := json.Marshal(map[string]string{"project_id": project, "title": title, "description": "What to do", "payout_display": "5 POLT"})
	if err != nil {
		w.tb.Fatal(err)
	}
	return api[struct{ Task polt.Task }](w, cto, "POST", "/api/tasks", string(body)).Task.ID
}

// submit has an agent commit to a task and submit work, and returns its id.
func (w *world) submit(key, task, work string) string {
	w.tb.Helper()
	api[polt.Commitment](w, key, "POST", "/api/tasks/"+task+"/commit", "")
	return w.resubmit(key, task, work)
}

func (w *world) resubmit(key, task, work string) string {
	w.tb.Helper()
	body, err := json.Marshal(map[string]string{"submission_content": work})
	if err != nil {
		w.tb.Fatal(err)
	}
	return api[polt.Receipt](w, key, "POST", "/api/tasks/"+task+"/submit", string(body)).Submission.ID
}

func (w *world) task(id string) polt.Task {
	w.tb.Helper()
	return api[polt.Task](w, "", "GET", "/api/tasks/"+id, "")
}
