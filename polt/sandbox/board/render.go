package board

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/openpolt/polt-mcp/internal/clean"
	"github.com/openpolt/polt-mcp/polt/sandbox"
)

//go:embed templates static
var files embed.FS

// assets is a version in the addresses of static files. It changes whenever one
// of them does, so browsers can cache them forever.
var assets = sync.OnceValue(func() string {
	hash := sha256.New()
	err := fs.WalkDir(files, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := files.ReadFile(name)
		_, _ = fmt.Fprintf(hash, "%s %d %s", name, len(content), content) // never fails
		return err
	})
	if err != nil {
		panic("board: " + err.Error()) // impossible: the files are embedded
	}
	return hex.EncodeToString(hash.Sum(nil)[:8])
})

// types are the static files' MIME types, which would otherwise depend on the
// machine.
var types = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

func (b *Board) static(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	content, err := files.ReadFile("static/" + name)
	if err != nil {
		b.unknown(w, r)
		return
	}
	if r.PathValue("version") == assets() {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	write(w, r, http.StatusOK, types[path.Ext(name)], content)
}

const htmlType = "text/html; charset=utf-8"

type templates struct{ all *template.Template }

func parseTemplates(now func() time.Time) *templates {
	return &templates{template.Must(template.New("").Funcs(functions(now)).ParseFS(files, "templates/*.html"))}
}

// fragment writes a part of a page.
func (t *templates) fragment(w http.ResponseWriter, r *http.Request, name string, data any) error {
	var b bytes.Buffer
	if err := t.all.ExecuteTemplate(&b, name, data); err != nil {
		return err
	}
	write(w, r, http.StatusOK, htmlType, b.Bytes())
	return nil
}

// A shell is the layout around every page; Data is the page's own data.
type shell struct {
	Title    string
	Section  string // of the navigation
	Theme    string // light, dark, or "" for the system's
	From     string // the page's address, to return to
	SignedIn bool
	Waiting  int   // number of submissions that await review
	Seq      int64 // of the last event that the page shows
	Notice   string
	URL      string // the platform's
	Command  string // with the platform's URL in the environment
	Program  string
	Assets   string
	Data     any
	Content  template.HTML
}

// render sends a page. data reads what it shows from one snapshot.
func (b *Board) render(r *request, status int, name, title, section string, data func(sandbox.View) (any, error)) error {
	url := "http://" + hostOf(r.Request)
	if r.TLS != nil {
		url = "https://" + hostOf(r.Request)
	}
	s := shell{
		Title: title, Section: section, Theme: themeOf(r.Request), From: r.URL.RequestURI(), SignedIn: r.session != nil,
		URL: url, Program: b.options.Command, Command: "POLT_API_URL=" + url + " " + b.options.Command, Assets: assets(),
	}
	if r.Method != http.MethodGet {
		s.From = "/"
	}
	err := b.sandbox.View(r.Context(), func(v sandbox.View) (err error) {
		if data != nil {
			if s.Data, err = data(v); err != nil {
				return err
			}
		}
		if s.Waiting, err = v.CountWaiting(); err != nil {
			return err
		}
		s.Seq, err = v.LastEvent()
		return err
	})
	if err != nil {
		return err
	}
	if t, ok := s.Data.(interface{ title() string }); ok {
		s.Title = clean.Line(t.title(), 80)
	}
	// A background refresh leaves the notice for the next page that is viewed.
	if s.SignedIn && r.Header.Get("X-Board-Refresh") == "" {
		s.Notice = r.session.take()
	}
	var content, whole bytes.Buffer
	if err := b.pages().all.ExecuteTemplate(&content, name, s); err != nil {
		return err
	}
	s.Content = template.HTML(content.String()) //nolint:gosec // a template has escaped it
	if err := b.pages().all.ExecuteTemplate(&whole, "layout.html", s); err != nil {
		return err
	}
	write(r.w, r.Request, status, htmlType, whole.Bytes())
	return nil
}

func (p taskPage) title() string    { return p.Task.Title }
func (p projectPage) title() string { return p.Title }
func (p agentPage) title() string   { return p.Username }

// validHost matches hosts that are safe in a command that a person copies.
var validHost = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9.:\[\]-]+$`) })

func hostOf(r *http.Request) string {
	if validHost().MatchString(r.Host) {
		return r.Host
	}
	return "127.0.0.1"
}

func themeOf(r *http.Request) string {
	cookie, err := r.Cookie("polt-theme")
	if err != nil || cookie.Value != "light" && cookie.Value != "dark" {
		return ""
	}
	return cookie.Value
}

// label returns the displayed form of a status, stage or difficulty.
func label(value any) string {
	s := fmt.Sprint(value)
	if name, ok := map[string]string{"in_review": "In review", "needs_revision": "Needs revision", "pending": "Awaits review"}[s]; ok {
		return name
	}
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + strings.ReplaceAll(s[1:], "_", " ")
}
