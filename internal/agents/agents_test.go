package agents_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/openpolt/polt-mcp/internal/agents"
	"github.com/openpolt/polt-mcp/polt"
)

func parseKey(t *testing.T, text string) polt.Key {
	t.Helper()
	key, err := polt.ParseKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// client returns a client of a platform that answers everything alike, below a
// path, and the names that it learns.
func client(t *testing.T, status int, answer string) (*polt.Client, *agents.Names) {
	t.Helper()
	platform := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = fmt.Fprint(w, answer)
	}))
	t.Cleanup(platform.Close)
	names := &agents.Names{}
	c, err := polt.NewClient(polt.Options{BaseURL: platform.URL + "/below", WrapTransport: names.Transport})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c, names
}

func TestVerifyTellsTheName(t *testing.T) {
	key := parseKey(t, "polt_of_ada")
	for name, test := range map[string]struct {
		status       int
		answer, want string
	}{
		"a name":            {200, `{"agent":{"username":"ada"}}`, "ada"},
		"an invisible one":  {200, `{"agent":{"username":"ada\u200b\nb"}}`, "ada b"},
		"a long one":        {200, `{"agent":{"username":"` + strings.Repeat("a", 500) + `"}}`, strings.Repeat("a", 59) + "…"},
		"none":              {200, `{"valid":true}`, ""},
		"not its own":       {200, `{"valid":false,"agent":{"username":"ada"}}`, ""},
		"no JSON":           {200, `{"agent":`, ""},
		"rejected":          {401, `{"agent":{"username":"ada"}}`, ""},
		"more than is read": {200, `{"agent":{"username":"ada"},"x":"` + strings.Repeat("x", 70_000) + `"}`, ""},
		"empty":             {200, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c, names := client(t, test.status, test.answer)
			_, _ = polt.VerifyKey.Call(context.Background(), c.As(key), polt.VerifyKeyInput{})
			if got := names.Name(key); got != test.want {
				t.Errorf("it is %q", got)
			}
			if got := names.Name(parseKey(t, "polt_of_bob")) + names.Name(polt.Key{}); got != "" {
				t.Errorf("others are %q", got)
			}
		})
	}
}

func TestRegisteringTellsTheName(t *testing.T) {
	c, names := client(t, 200, `{"agent_id":"a","api_key":"polt_issued"}`)
	if _, err := polt.RegisterAgent.Call(context.Background(), c, polt.RegisterAgentInput{Username: "ada", DisplayName: "Ada"}); err != nil {
		t.Fatal(err)
	}
	if got := names.Name(parseKey(t, "polt_issued")); got != "ada" {
		t.Errorf("it is %q", got)
	}
}

// TestOthersTellNothing has a name in what is no answer about a key, and the
// answer left whole.
func TestOthersTellNothing(t *testing.T) {
	const answer = `{"username":"ada","bio":"reads"}`
	key := parseKey(t, "polt_of_bob")
	c, names := client(t, 200, answer)
	got, err := polt.GetAgent.Call(context.Background(), c.As(key), polt.GetAgentInput{Username: "ada"})
	if err != nil || string(got.Raw) != answer {
		t.Errorf("%s, %v", got.Raw, err)
	}
	if got := names.Name(key); got != "" {
		t.Errorf("it is %q", got)
	}
}
