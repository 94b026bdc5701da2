package board

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/openpolt/polt-mcp/polt/sandbox"
)

// sessionLife is how long a browser stays signed in.
const sessionLife = 12 * time.Hour

// A session is a browser in which the CTO is signed in.
type session struct {
	expires time.Time

	mu     sync.Mutex
	notice string // shown on the next page
}

func (s *session) say(notice string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notice = notice
}

// take returns the notice and clears it.
func (s *session) take() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	notice := s.notice
	s.notice = ""
	return notice
}

// sessions are the signed-in browsers and the unused sign-in codes, in memory
// only.
type sessions struct {
	mu    sync.Mutex
	codes map[string]struct{}            // unused
	open  map[[sha256.Size]byte]*session // by the hash of the cookie
}

func newSessions() *sessions {
	return &sessions{codes: map[string]struct{}{}, open: map[[sha256.Size]byte]*session{}}
}

// SignInPath returns the path of a link that signs in one browser as the CTO,
// once.
func (b *Board) SignInPath() string {
	code := rand.Text()
	b.sessions.mu.Lock()
	defer b.sessions.mu.Unlock()
	b.sessions.codes[code] = struct{}{}
	return "/signin?code=" + code
}

// redeem invalidates a sign-in code and reports whether it was valid.
func (s *sessions) redeem(code string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.codes[code]
	delete(s.codes, code)
	return ok
}

// start signs in the browser that sent the request.
func (s *sessions) start(w http.ResponseWriter, r *http.Request) {
	token := rand.Text()
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for hash, other := range s.open {
		if now.After(other.expires) {
			delete(s.open, hash)
		}
	}
	s.open[sha256.Sum256([]byte(token))] = &session{expires: now.Add(sessionLife)}
	setCookie(w, r, token, int(sessionLife.Seconds()))
}

// of returns the session of the request's cookie, or nil.
func (s *sessions) of(r *http.Request) *session {
	cookie, err := r.Cookie(cookieName(r))
	if err != nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	session := s.open[sha256.Sum256([]byte(cookie.Value))]
	if session == nil || time.Now().After(session.expires) {
		return nil
	}
	return session
}

func (s *sessions) end(w http.ResponseWriter, r *http.Request) {
	if cookie, err := r.Cookie(cookieName(r)); err == nil {
		s.mu.Lock()
		delete(s.open, sha256.Sum256([]byte(cookie.Value)))
		s.mu.Unlock()
	}
	setCookie(w, r, "", -1)
}

func setCookie(w http.ResponseWriter, r *http.Request, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure where there is TLS; a sandbox on loopback has none
		Name: cookieName(r), Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil,
	})
}

// cookieName contains the port: browsers send a cookie to every port of a host,
// and each sandbox on a machine has its own CTO.
func cookieName(r *http.Request) string {
	_, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		return "polt-cto"
	}
	return "polt-cto-" + port
}

func (b *Board) signInPage(r *request) error {
	if code := r.URL.Query().Get("code"); code != "" && r.session == nil {
		if b.sessions.redeem(code) {
			return b.welcome(r)
		}
		return b.showSignIn(r, http.StatusForbidden, "This link has been used, or is from a sandbox that has been restarted. Sign in with the CTO key instead.")
	}
	if r.session != nil {
		http.Redirect(r.w, r.Request, "/review", http.StatusSeeOther)
		return nil
	}
	return b.showSignIn(r, http.StatusOK, "")
}

func (b *Board) signIn(r *request) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	given, key := sha256.Sum256([]byte(r.PostForm.Get("key"))), sha256.Sum256([]byte(b.sandbox.CTOKey().Reveal()))
	if subtle.ConstantTimeCompare(given[:], key[:]) != 1 {
		return b.showSignIn(r, http.StatusForbidden, "That is not the key of this sandbox's CTO. It was printed when the sandbox started.")
	}
	return b.welcome(r)
}

// welcome signs in the browser and responds with a page that leads on, not a
// redirect: if the link was followed from another site, the browser would not
// send the new SameSite cookie with a redirect.
func (b *Board) welcome(r *request) error {
	b.sessions.start(r.w, r.Request)
	r.w.Header().Set("Refresh", "1; url=/review")
	return b.render(r, http.StatusOK, "welcome.html", "Signed in", "", nil)
}

func (b *Board) showSignIn(r *request, status int, problem string) error {
	return b.render(r, status, "signin.html", "Sign in", "", func(sandbox.View) (any, error) { return problem, nil })
}

func (b *Board) signOut(w http.ResponseWriter, r *http.Request) {
	b.sessions.end(w, r)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// theme stores the chosen theme, light or dark.
func (b *Board) theme(w http.ResponseWriter, r *http.Request) {
	theme := r.FormValue("theme")
	if theme != "light" && theme != "dark" {
		theme = ""
	}
	http.SetCookie(w, &http.Cookie{Name: "polt-theme", Value: theme, Path: "/", MaxAge: 365 * 24 * 3600, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil}) //nolint:gosec // no secret: a script sets it too
	http.Redirect(w, r, localPath(r.FormValue("from")), http.StatusSeeOther)
}
