package polt_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/openpolt/polt-mcp/polt"
	"pgregory.net/rapid"
)

// A pattern is one of the platform's 29 routes.
type pattern struct {
	route        string
	method       string
	path         *regexp.Regexp
	placeholders int
}

// platformRoutes returns the 18 routes for agents and the 11 for the CTO.
func platformRoutes(t testing.TB) []pattern {
	t.Helper()
	var all []pattern
	add := func(method, path string) {
		exp := placeholders.ReplaceAllLiteralString(regexp.QuoteMeta(path), `[^/]+`)
		all = append(all, pattern{
			route(method, path), method, regexp.MustCompile("(?i)^" + exp + "$"), len(placeholders.FindAllString(path, -1)),
		})
	}
	for _, d := range documentedEndpoints(t) {
		add(d.Method, d.Path)
	}
	reserved, err := os.ReadFile("testdata/reserved.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(reserved)) {
		method, path, _ := strings.Cut(strings.TrimSpace(line), " ")
		add(method, path)
	}
	if len(all) != 18+11 {
		t.Fatalf("%d routes, want 29", len(all))
	}
	return all
}

// plainPath is a path that every proxy and router reads alike: there is
// nothing to decode in it, and no segment that is empty or of one or two dots.
var plainPath = regexp.MustCompile(`^(/([A-Za-z0-9_-]|\.[A-Za-z0-9_-]|\.\.[A-Za-z0-9_.-])[A-Za-z0-9_.-]*)+$`)

// reached returns which of the routes a request line reaches, a literal being
// preferred to a placeholder as in every router.
func reached(routes []pattern, method, uri string) string {
	path, _, _ := strings.Cut(uri, "?")
	path, ok := strings.CutPrefix(path, testPrefix)
	if !ok || !plainPath.MatchString(path) {
		return "no plain path: " + uri
	}
	best := pattern{route: "none: " + method + " " + uri, placeholders: 9}
	for _, p := range routes {
		if p.method == method && p.path.MatchString(path) && p.placeholders < best.placeholders {
			best = p
		}
	}
	return best.route
}

// legal reports whether the arguments are such as must be sent, by the words
// of the contract and not of the code.
func legal(e endpoint, in reflect.Value) bool {
	ok := true
	for i := range in.NumField() {
		name, _, _ := strings.Cut(in.Type().Field(i).Tag.Get("json"), ",")
		if strings.Contains(e.Path(), "{"+name+"}") {
			ok = ok && legalName(name, in.Field(i).String())
		}
	}
	switch in := in.Interface().(type) {
	case polt.VoteOnProjectInput:
		ok = ok && (in.Value == 1 || in.Value == -1)
	case polt.UpdateProfileInput:
		ok = ok && (in.DisplayName != nil || in.Bio != nil)
	}
	return ok
}

var (
	legalID       = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)
	legalUsername = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,128}$`)
)

func legalName(name, value string) bool {
	switch name {
	case "task_id":
		return legalID.MatchString(value) && !strings.EqualFold(value, "recent")
	case "username":
		return legalUsername.MatchString(value) && value != "." && value != ".." && !strings.EqualFold(value, "me")
	}
	return legalID.MatchString(value)
}

var hostile = []string{
	"", ".", "..", "...", "a/b", "../x", "a/../b", "%2e%2e", "%2E%2e%2f", "..%2f", "x?y", "x#y", "a;b", "a\\b", "..\\",
	"recent", "RECENT", "me", "Me", "commit", "42/commit", "42/", "/42", "//evil.example", "@evil.example", "http://evil.example/",
	"a\x00", "a\r\nHost: evil.example", "a\tb", " a", "a ", "\u202e", "ａ", "é", "\u2025", "\xff", "{task_id}", "{username}", ":id",
	strings.Repeat("a", 128), strings.Repeat("a", 129), strings.Repeat("é", 64), "a%00b", "*", "~", "a.b", ".a", "..a", "a..",
}

func anyText() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom(hostile),
		rapid.StringMatching(`[A-Za-z0-9_-]{1,128}`),
		rapid.StringMatching(`[A-Za-z0-9_.%/?#;\\ -]{1,8}`),
		rapid.String(),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 140), func(b []byte) string { return string(b) }),
		rapid.Map(rapid.SliceOfN(rapid.SampledFrom(hostile), 1, 3), func(s []string) string { return strings.Join(s, "") }),
	)
}

// A platform answers everything, and counts what reached which route.
type platform struct {
	routes  []pattern
	reached []string
}

func (p *platform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.reached = append(p.reached, reached(p.routes, r.Method, r.RequestURI))
	write(w, `{}`)
}

// RoundTrip has the request written and read as it is on a connection.
func (p *platform) RoundTrip(req *http.Request) (*http.Response, error) {
	httptrace.ContextClientTrace(req.Context()).GotConn(httptrace.GotConnInfo{})
	var wire bytes.Buffer
	if err := req.Write(&wire); err != nil {
		return nil, err
	}
	r, err := http.ReadRequest(bufio.NewReader(&wire))
	if err != nil {
		return nil, err
	}
	p.reached = append(p.reached, reached(p.routes, r.Method, r.RequestURI))
	if r.Host != "polt.test" {
		return nil, fmt.Errorf("sent to %s", r.Host)
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return nil, err
	}
	if wire.Len() > 0 {
		return nil, fmt.Errorf("bytes after the request: %q", wire.Bytes())
	}
	return answer(http.StatusOK, `{}`), nil
}

// check calls an endpoint once, and fails the test unless the request reached
// the endpoint's own route, or was refused because it had to be.
func (p *platform) check(t rapid.TB, client *polt.Client, e endpoint, fill func(reflect.Value)) (sent bool) {
	t.Helper()
	p.reached = nil
	var arguments reflect.Value
	_, err := e.call(context.Background(), client, func(in reflect.Value) { fill(in); arguments = in })
	if !legal(e, arguments) {
		if f := failure(t, err); f.Code != polt.CodeInvalidArgument || len(p.reached) > 0 {
			t.Fatalf("%+v: %v, and reached %q", arguments, err, p.reached)
		}
		return false
	}
	if own := route(e.Method(), e.Path()); err != nil || len(p.reached) != 1 || p.reached[0] != own {
		t.Fatalf("%+v: reached %q, want %q alone; error: %v", arguments, p.reached, own, err)
	}
	return true
}

// fillWith fills an input from a source of texts and one of numbers.
func fillWith(text func() string, number func() int) func(reflect.Value) {
	return func(in reflect.Value) {
		for i := range in.NumField() {
			switch f := in.Field(i); f.Kind() {
			case reflect.String:
				f.SetString(text())
			case reflect.Int:
				f.SetInt(int64(number()))
			case reflect.Pointer:
				if number()%2 != 0 {
					s := text()
					f.Set(reflect.ValueOf(&s))
				}
			default:
				panic("no test fills a " + f.Type().String())
			}
		}
	}
}

func TestNoArgumentLeavesItsPlace(t *testing.T) {
	p := &platform{routes: platformRoutes(t)}
	client := newClient(t, polt.Options{BaseURL: serve(t, p)})
	for _, e := range endpoints {
		t.Run(route(e.Method(), e.Path()), func(t *testing.T) {
			sent, refused := 0, 0
			rapid.Check(t, func(t *rapid.T) {
				text := func() string { return anyText().Draw(t, "text") }
				number := func() int { return rapid.OneOf(rapid.IntRange(-1, 2), rapid.Int()).Draw(t, "number") }
				if p.check(t, client, e, fillWith(text, number)) {
					sent++
				} else {
					refused++
				}
			})
			if sent == 0 || refused == 0 && strings.Contains(e.Path(), "{") {
				t.Errorf("%d sent and %d refused: the arguments are too uniform to show anything", sent, refused)
			}
		})
	}
}

func TestHostileArgumentsStayInTheirPlaces(t *testing.T) {
	p := &platform{routes: platformRoutes(t)}
	client := newClient(t, polt.Options{BaseURL: "http://polt.test" + testPrefix, Transport: p})
	for _, e := range endpoints {
		for _, s := range hostile {
			p.check(t, client, e, fillWith(func() string { return s }, func() int { return 1 }))
		}
	}
}

func FuzzArguments(f *testing.F) {
	// TestHostileArgumentsStayInTheirPlaces has each of them for each endpoint.
	for i, s := range hostile {
		f.Add(i, s, "plain", 1)
	}
	p := &platform{routes: platformRoutes(f)}
	client := newClient(f, polt.Options{BaseURL: "http://polt.test" + testPrefix, Transport: p})
	f.Fuzz(func(t *testing.T, which int, first, second string, number int) {
		e := endpoints[uint(which)%uint(len(endpoints))]
		text := func() string {
			s := first
			first, second = second, first
			return s
		}
		p.check(t, client, e, fillWith(text, func() int { return number }))
	})
}
