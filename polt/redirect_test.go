package polt_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/openpolt/polt-mcp/polt"
)

func TestRedirectsAreNotFollowed(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a redirect was followed: %s %s", r.Method, r.RequestURI)
	}))
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		for location, want := range map[string]string{
			elsewhere.URL + "/api/tasks/42":  elsewhere.URL + "/api/tasks/42",
			"//polt.example/moved":           "http://polt.example/moved",
			"https://ada:pw@polt.example/x":  "https://ada:xxxxx@polt.example/x",
			"https://polt.example/\u202eabc": "https://polt.example/%E2%80%AEabc",
			"http://[::1":                    "nowhere",
			"":                               "nowhere",
		} {
			t.Run(fmt.Sprint(status, location), func(t *testing.T) {
				calls := 0
				client := newClient(t, polt.Options{BaseURL: serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					calls++
					if location != "" {
						w.Header()["Location"] = []string{location}
					}
					w.WriteHeader(status)
				}))})
				for _, one := range unanswered {
					e := wantCode(t, one.call(t.Context(), client), polt.CodeUpstreamError)
					if e.HTTPStatus != status || !strings.Contains(e.Message, "redirects to "+want+":") || !strings.Contains(e.Message, "set POLT_API_URL") {
						t.Errorf("%+v", *e)
					}
				}
				if calls != 2 {
					t.Errorf("%d calls", calls)
				}
			})
		}
	}
}

// A server that changes to another protocol must not hold the call.
func TestSwitchOfProtocols(t *testing.T) {
	for _, one := range unanswered {
		hold := make(chan struct{})
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			write(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
			<-hold
		}))
		client := newClient(t, polt.Options{BaseURL: server.URL})
		if e := wantCode(t, one.call(t.Context(), client), polt.CodeUpstreamError); e.HTTPStatus != 101 {
			t.Errorf("%+v", *e)
		}
		close(hold)
		server.Close()
	}
}
