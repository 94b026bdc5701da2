package polt_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"unicode"
	"unicode/utf8"

	"github.com/openpolt/polt-mcp/internal/clean"
	"github.com/openpolt/polt-mcp/polt"
)

var codes = []polt.Code{
	polt.CodeInvalidArgument, polt.CodeUnauthenticated, polt.CodeForbidden, polt.CodeNotFound, polt.CodeConflict,
	polt.CodeRateLimited, polt.CodeUpstreamError, polt.CodeUpstreamUnreachable, polt.CodeTimeout, polt.CodeOutcomeUnknown,
	polt.CodeInternal,
}

// checkMessage fails the test unless e is an error that can be shown.
func checkMessage(t testing.TB, e *polt.Error) {
	t.Helper()
	if !slices.Contains(codes, e.Code) || e.Message == "" || !strings.HasSuffix(e.Error(), e.Message) {
		t.Errorf("%+v", *e)
	}
	if n := utf8.RuneCountInString(e.Message); n > 500 {
		t.Errorf("the message has %d characters", n)
	}
	checkClean(t, e.Message)
}

func checkClean(t testing.TB, s string) {
	t.Helper()
	for _, r := range s {
		if r == utf8.RuneError || r != ' ' && !unicode.IsGraphic(r) || unicode.Is(unicode.Bidi_Control, r) ||
			unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector, unicode.Zl, unicode.Zp) {
			t.Errorf("%U is in %q", r, s)
		}
	}
}

// Whatever the platform answers, a call ends with its bytes or with an error
// that can be shown, and a write is sent once.
func FuzzAnswer(f *testing.F) {
	for _, status := range []int{101, 200, 204, 302, 400, 401, 404, 408, 429, 500, 502, 599, 999, -1} {
		for _, body := range []string{"", "{}", `{"error":"x"}`, `{"error":{"message":"` + testSecret + `"}}`, "<html>", "\xff\u202e", "[", `{"message":"\u0000"}`, testSecret} {
			f.Add(status, "", body)
		}
	}
	f.Add(429, "3", "")
	f.Add(404, "ERR_NGROK_3200", "<html>")
	f.Add(302, "https://a:b@x/\u202e", "")
	f.Fuzz(func(t *testing.T, status int, header, body string) {
		synctest.Test(t, func(t *testing.T) {
			for _, one := range unanswered {
				attempts := 0
				client := fake(t, polt.Options{}, func(n int, _ *http.Request) (*http.Response, error) {
					attempts = n
					return answer(status, body, "Retry-After", header, "Location", header, "Ngrok-Error-Code", header), nil
				})
				err := one.call(t.Context(), client)
				if err != nil {
					e := failure(t, err)
					checkMessage(t, e)
					asIs := clean.Line(body, len(body)) == body && !strings.Contains(body, `\`)
					if asIs && leaks(e.Message, testSecret) {
						t.Errorf("the message has the key: %s", e.Message)
					}
				}
				if (err == nil) && (status < 200 || status > 299) || attempts > 3 || attempts > 1 && one.code == polt.CodeOutcomeUnknown {
					t.Errorf("status %d, %d attempts: %v", status, attempts, err)
				}
			}
		})
	})
}
