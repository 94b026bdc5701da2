package sandbox_test

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/polt/sandbox"
)

// TestEveryOperation fails for an operation of agents that has no handler, and
// for one that has the wrong idea of who may call it.
func TestEveryOperation(t *testing.T) {
	s := open(t, fixed())
	placeholder := regexp.MustCompile(`\{[a-z_]+\}`)
	for _, op := range polt.Operations() {
		path := placeholder.ReplaceAllString(op.Path(), "none")
		body := ""
		if !op.Public() || op.Method() == http.MethodPost {
			body = "{}"
		}
		a := send(t, s, request(t, "", op.Method(), path, body))
		if strings.Contains(string(a.body), "Route ") {
			t.Errorf("%s %s has no handler", op.Method(), op.Path())
		}
		if refused := a.status == http.StatusUnauthorized; refused == op.Public() {
			t.Errorf("%s %s without a key: %d %s", op.Method(), op.Path(), a.status, a.body)
		}
	}
}

// TestReserved calls each route that the documents reserve for the CTO.
func TestReserved(t *testing.T) {
	s := open(t, fixed())
	agent := registerAgent(t, s, "ada")
	text, err := os.ReadFile("../testdata/reserved.txt")
	if err != nil {
		t.Fatal(err)
	}
	routes := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(routes) != 11 {
		t.Errorf("%d routes are reserved", len(routes))
	}
	for _, route := range routes {
		method, path, _ := strings.Cut(route, " ")
		path = regexp.MustCompile(`:[a-z_]+`).ReplaceAllString(path, "none")
		for _, c := range []struct {
			who, key string
			statuses []int
		}{
			{"a stranger", "", []int{http.StatusUnauthorized}},
			{"another key", "polt_0", []int{http.StatusUnauthorized}},
			{"an agent", agent, []int{http.StatusForbidden}},
			{"the CTO", s.CTOKey().Reveal(), []int{http.StatusOK, http.StatusBadRequest, http.StatusNotFound}},
		} {
			a := send(t, s, request(t, c.key, method, path, "{}"))
			if !slices.Contains(c.statuses, a.status) || strings.Contains(string(a.body), "Route ") {
				t.Errorf("%s by %s: %d %s", route, c.who, a.status, a.body)
			}
		}
	}
}

func TestRouteNotFound(t *testing.T) {
	s := open(t, fixed())
	for _, c := range [][2]string{
		{"GET", "/"}, {"GET", "/api"}, {"GET", "/api/tasks/"}, {"GET", "/api//tasks"}, {"GET", "/api/../api/tasks"},
		{"GET", "/api/tasks/1/2"}, {"PUT", "/api/tasks"}, {"DELETE", "/api/projects/1"}, {"POST", "/api/tasks//commit"},
		{"GET", "/api/auth/verify"}, {"TRACE", "/api/tasks"}, {"GET", "/api/%2e%2e/x"},
	} {
		a := send(t, s, request(t, "", c[0], c[1], ""))
		want := fmt.Sprintf(`{"statusCode":404,"error":"Not Found","message":"Route %s:%s not found"}`, c[0], c[1])
		if a.status != http.StatusNotFound || string(a.body) != want {
			t.Errorf("%s %s: %d %s", c[0], c[1], a.status, a.body)
		}
	}
}

// TestBodies sends what Fastify refuses before the application is asked.
func TestBodies(t *testing.T) {
	s := open(t, fixed())
	key := registerAgent(t, s, "ada")
	const json = "application/json"
	large := `{"bio":"` + strings.Repeat("x", 1<<20) + `"}`
	largest := `{"bio":"` + strings.Repeat("x", 1<<20-10) + `"}`
	for _, c := range []struct {
		name, method, path, contentType, body string
		status                                int
		code                                  string
	}{
		{"none", "POST", "/api/auth/verify", "", "", 200, ""},
		{"none, said to be JSON", "POST", "/api/auth/verify", json, "", 400, "FST_ERR_CTP_EMPTY_JSON_BODY"},
		{"none, said to be JSON, in a commit", "POST", "/api/tasks/1/commit", json, "", 400, "FST_ERR_CTP_EMPTY_JSON_BODY"},
		{"none, said to be JSON, in a GET", "GET", "/api/tasks", json, "", 400, "FST_ERR_CTP_EMPTY_JSON_BODY"},
		{"one that is not needed", "POST", "/api/auth/verify", json, "{}", 200, ""},
		{"with a charset", "POST", "/api/auth/verify", json + "; charset=utf-8", "{}", 200, ""},
		{"none where one is needed", "PATCH", "/api/agents/me", "", "", 400, "FST_ERR_VALIDATION"},
		{"not JSON", "PATCH", "/api/agents/me", json, "bio=x", 400, "FST_ERR_CTP_INVALID_JSON_BODY"},
		{"cut off", "PATCH", "/api/agents/me", json, `{"bio":"x`, 400, "FST_ERR_CTP_INVALID_JSON_BODY"},
		{"two values", "PATCH", "/api/agents/me", json, `{"bio":"x"}{}`, 400, "FST_ERR_CTP_INVALID_JSON_BODY"},
		{"too deep", "PATCH", "/api/agents/me", json, strings.Repeat("[", 100_000), 400, "FST_ERR_CTP_INVALID_JSON_BODY"},
		{"a form", "PATCH", "/api/agents/me", "application/x-www-form-urlencoded", "bio=x", 415, "FST_ERR_CTP_INVALID_MEDIA_TYPE"},
		{"without a type", "PATCH", "/api/agents/me", "", "{}", 415, "FST_ERR_CTP_INVALID_MEDIA_TYPE"},
		{"with a type that is none", "PATCH", "/api/agents/me", "/;", "{}", 415, "FST_ERR_CTP_INVALID_MEDIA_TYPE"},
		{"the largest", "PATCH", "/api/agents/me", json, largest, 200, ""},
		{"too large", "PATCH", "/api/agents/me", json, large, 413, "FST_ERR_CTP_BODY_TOO_LARGE"},
	} {
		r := request(t, key, c.method, c.path, c.body)
		r.Header.Del("Content-Type")
		if c.contentType != "" {
			r.Header.Set("Content-Type", c.contentType)
		}
		a := send(t, s, r)
		if a.status != c.status || c.code != "" && !strings.Contains(string(a.body), fmt.Sprintf(`{"statusCode":%d,"code":%q,"error":"`, c.status, c.code)) {
			t.Errorf("a body %s: %d %.200s", c.name, a.status, a.body)
		}
	}
}

func TestAuthorization(t *testing.T) {
	s := open(t, fixed())
	key := registerAgent(t, s, "ada")
	for value, status := range map[string]int{
		"Bearer " + key: 200, "bearer " + key: 200, "Bearer  " + key: 401, "Bearer " + key + " ": 401, "Bearer": 401, "Bearer ": 401,
		"Basic " + key: 401, key: 401, "": 401, "Bearer " + strings.ToUpper(key): 401, "Bearer ' OR 1=1 --": 401,
	} {
		r := request(t, "", "POST", "/api/auth/verify", "")
		r.Header.Set("Authorization", value)
		if a := send(t, s, r); a.status != status {
			t.Errorf("Authorization %q: %d %s", value, a.status, a.body)
		}
	}
}

// TestKeysAreRandom fails if keys are fixed where all else is.
func TestKeysAreRandom(t *testing.T) {
	one, two := open(t, fixed()), open(t, fixed())
	if one.CTOKey() == two.CTOKey() || registerAgent(t, one, "ada") == registerAgent(t, two, "ada") {
		t.Error("two keys are the same")
	}
	given, err := polt.ParseKey("polt_cto")
	if err != nil {
		t.Fatal(err)
	}
	if s := open(t, sandbox.Options{Empty: true, CTOKey: given}); s.CTOKey() != given {
		t.Error("the CTO's key is not the one that was given")
	}
}
