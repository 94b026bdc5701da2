// Package board serves a browser UI for a sandbox: a task board, projects,
// agents and events, and the CTO's actions for whoever is signed in.
//
//	b := board.New(s, board.Options{})
//	defer b.Close()
//	http.Serve(listener, b) // the sandbox's API is still served below /api/
//
// It reads the sandbox only through [sandbox.View], and changes it only through
// the platform's documented endpoints.
package board

import (
	"cmp"
	"errors"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/openpolt/polt-mcp/polt/sandbox"
)

// Options configure a [Board]. The zero value is ready to use.
type Options struct {
	// Command invokes this program, for the commands that pages show. If empty,
	// it is polt-mcp.
	Command string
	// API serves /api/. If nil, it is the sandbox; it may be one with faults.
	API http.Handler
	// Failed, if not nil, is called with each error that prevents a page.
	Failed func(error)
}

// A Board is an [http.Handler] that serves a sandbox and its board. Close it
// before the sandbox.
type Board struct {
	sandbox  *sandbox.Sandbox
	options  Options
	mux      *http.ServeMux
	sessions *sessions
	csrf     *http.CrossOriginProtection
	pages    func() *templates

	closeOnce sync.Once
	closed    chan struct{} // ends the streams
	watchOnce sync.Once
	watched   chan struct{}
}

// New returns the board of a sandbox.
func New(s *sandbox.Sandbox, o Options) *Board {
	o.Command = cmp.Or(o.Command, "polt-mcp")
	if o.API == nil {
		o.API = s
	}
	if o.Failed == nil {
		o.Failed = func(error) {}
	}
	b := &Board{
		sandbox: s, options: o, mux: http.NewServeMux(), sessions: newSessions(), csrf: http.NewCrossOriginProtection(),
		closed: make(chan struct{}), watched: make(chan struct{}),
	}
	// On the first page view: most sandboxes are never viewed.
	b.pages = sync.OnceValue(func() *templates { return parseTemplates(s.Now) })
	b.routes()
	return b
}

// Close ends open event streams, which would delay an HTTP server's shutdown.
func (b *Board) Close() { b.closeOnce.Do(func() { close(b.closed) }) }

// Watched returns a channel that is closed once a page is open in a browser.
func (b *Board) Watched() <-chan struct{} { return b.watched }

func (b *Board) routes() {
	for pattern, page := range map[string]page{
		"GET /{$}":                      b.home,
		"GET /board":                    b.board,
		"GET /tasks/{id}":               b.task,
		"GET /projects":                 b.projects,
		"GET /projects/{id}":            b.project,
		"GET /agents":                   b.agents,
		"GET /agents/{username}":        b.agent,
		"GET /activity":                 b.activity,
		"GET /review":                   b.review,
		"GET /projects/new":             b.newProject,
		"GET /projects/{id}/edit":       b.editProject,
		"GET /tasks/new":                b.newTask,
		"GET /tasks/{id}/edit":          b.editTask,
		"GET /signin":                   b.signInPage,
		"POST /signin":                  b.signIn,
		"POST /projects":                b.createProject,
		"POST /projects/{id}":           b.updateProject,
		"POST /tasks":                   b.createTask,
		"POST /tasks/{id}":              b.updateTask,
		"POST /tasks/{id}/cancel":       b.cancelTask,
		"POST /review/{id}":             b.decide,
		"POST /projects/{id}/advance":   b.advance,
		"POST /agents/{username}/ban":   b.ban,
		"POST /agents/{username}/unban": b.unban,
	} {
		b.mux.HandleFunc(pattern, b.serve(page))
	}
	b.mux.HandleFunc("GET /board/more", b.more)
	b.mux.HandleFunc("GET /submissions/{id}", b.submission)
	b.mux.HandleFunc("GET /events", b.stream)
	b.mux.HandleFunc("POST /signout", b.signOut)
	b.mux.HandleFunc("POST /theme", b.theme)
	b.mux.HandleFunc("GET /static/{version}/{file}", b.static)
	b.mux.HandleFunc("/", b.unknown)
}

// policy is the Content-Security-Policy of every page: nothing inline, and
// nothing from other origins.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// ServeHTTP serves the board's pages, and the platform's API below /api/.
func (b *Board) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// The API answers unclean paths too: ServeMux would redirect them, after which a
	// client may not send its body again.
	if p := path.Clean(r.URL.Path); p == "/api" || strings.HasPrefix(p, "/api/") {
		b.options.API.ServeHTTP(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-cache")
	if err := b.csrf.Check(r); err != nil {
		http.Error(w, "This request came from another site, so it was not carried out.", http.StatusForbidden)
		return
	}
	b.mux.ServeHTTP(w, r)
}

// unknown responds to an unknown path: with a page for people, or as the
// platform does for programs.
func (b *Board) unknown(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet || !strings.Contains(r.Header.Get("Accept"), "text/html") {
		b.sandbox.ServeHTTP(w, r)
		return
	}
	b.serve(func(*request) error { return errNoPage })(w, r)
}

var errNoPage = errors.New("no such page")

// A page handles a request for a page. Its error is shown as a page too.
type page func(*request) error

// A request is a request for a page, with its session.
type request struct {
	*http.Request
	w       http.ResponseWriter
	session *session // nil unless the CTO is signed in
	now     time.Time
}

// serve returns the handler of a page.
func (b *Board) serve(p page) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		req := &request{Request: r, w: w, session: b.sessions.of(r), now: b.sandbox.Now()}
		if err := p(req); err != nil {
			b.fail(req, err)
		}
	}
}

// maxForm is the maximum size of a form, in bytes: a little more than the
// platform accepts.
const maxForm = 2 << 20

// fail responds with an error page.
func (b *Board) fail(r *request, err error) {
	d := failure{Status: http.StatusInternalServerError, Message: "Something went wrong here. The request can be made again."}
	var refused *refusal
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &refused):
		d = failure{refused.status, refused.message}
	case errors.As(err, &tooLarge):
		d = failure{http.StatusRequestEntityTooLarge, "That is more text than the platform takes: it may have 1 MB."}
	case errors.Is(err, errNoPage), sandbox.IsNotFound(err):
		d = failure{http.StatusNotFound, "There is nothing here. It may have had another address, or have been in a sandbox that was kept in memory and is gone."}
	default:
		b.options.Failed(err)
	}
	if r.Header.Get("Accept") == "application/json" {
		http.Error(r.w, d.Message, d.Status)
		return
	}
	if err := b.render(r, d.Status, "error.html", http.StatusText(d.Status), "", func(sandbox.View) (any, error) { return d, nil }); err != nil {
		http.Error(r.w, d.Message, d.Status)
	}
}

type failure struct {
	Status  int
	Message string
}

// A refusal is an error that is shown to the user.
type refusal struct {
	status  int
	message string
}

func (e *refusal) Error() string { return e.message }
