package agents_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

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
func client(t *testing.T, status int, answer string) (*polt.Client, *agents.Cache) {
	t.Helper()
	platform := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = fmt.Fprint(w, answer)
	}))
	t.Cleanup(platform.Close)
	names := &agents.Cache{}
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
	if key := parseKey(t, "polt_issued"); names.Name(key) != "ada" || !names.Accepts(key) {
		t.Errorf("it is of %q, and accepted: %v", names.Name(key), names.Accepts(key))
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

// platform answers as its fields say.
type platform struct {
	status int
	body   string
}

func (p *platform) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: p.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(p.body)), Request: r}, nil
}

// learning returns a client of a platform, and what is learned from its traffic.
func learning(t *testing.T, p *platform) (*polt.Client, *agents.Cache) {
	t.Helper()
	cache := &agents.Cache{}
	c, err := polt.NewClient(polt.Options{Transport: p, WrapTransport: cache.Transport})
	if err != nil {
		t.Fatal(err)
	}
	return c, cache
}

func verify(t *testing.T, c *polt.Client, key polt.Key) {
	t.Helper()
	_, _ = polt.VerifyKey.Call(t.Context(), c.As(key), polt.VerifyKeyInput{})
}

func write(t *testing.T, c *polt.Client, key polt.Key) {
	t.Helper()
	_, _ = polt.CommitToTask.Call(t.Context(), c.As(key), polt.CommitToTaskInput{TaskID: "t"})
}

func read(t *testing.T, c *polt.Client, key polt.Key) {
	t.Helper()
	_, _ = polt.ListTasks.Call(t.Context(), c.As(key), polt.ListTasksInput{})
}

func TestKeyIsAcceptedByWhatThePlatformAnswers(t *testing.T) {
	key := parseKey(t, "polt_of_ada")
	for name, test := range map[string]struct {
		call          func(*testing.T, *polt.Client, polt.Key)
		answers       platform
		before, after bool // accepted
	}{
		"a write":                        {write, platform{200, `{}`}, false, true},
		"a write in another way":         {write, platform{201, `{}`}, false, true},
		"a verification":                 {verify, platform{200, `{"valid":true}`}, false, true},
		"one that says nothing":          {verify, platform{200, ``}, false, true},
		"one that is not JSON":           {verify, platform{200, `{"valid":`}, false, false},
		"one that is not JSON, of old":   {verify, platform{200, `{"valid":`}, true, true},
		"one of a key that is not valid": {verify, platform{200, `{"valid":false}`}, true, false},
		"a rejected verification":        {verify, platform{401, `{}`}, true, false},
		"a rejected write":               {write, platform{401, `{}`}, true, false},
		"a write that fails":             {write, platform{409, `{}`}, true, true},
		"one that is forbidden":          {write, platform{403, `{}`}, true, true},
		"a failure of the platform":      {verify, platform{500, `{}`}, true, true},
		"a read, which has no key":       {read, platform{200, `{}`}, false, false},
		"a read that is rejected":        {read, platform{401, `{}`}, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			p := &platform{200, `{"agent":{"username":"ada"}}`}
			c, cache := learning(t, p)
			if test.before {
				verify(t, c, key)
			}
			*p = test.answers
			test.call(t, c, key)
			if got := cache.Accepts(key); got != test.after {
				t.Errorf("accepted: %v", got)
			}
			if want := map[bool]string{true: "ada"}[test.before]; cache.Name(key) != want {
				t.Errorf("its agent is %q", cache.Name(key))
			}
			if cache.Accepts(polt.Key{}) {
				t.Error("no key is accepted")
			}
		})
	}
}

// The time is virtual.
func TestKeyStaysAcceptedForAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, cache := learning(t, &platform{200, `{"agent":{"username":"ada"}}`})
		key := parseKey(t, "polt_of_ada")
		for _, use := range []func(*testing.T, *polt.Client, polt.Key){verify, write} { // each begins the hour anew
			use(t, c, key)
			<-time.After(time.Hour - time.Second)
			if !cache.Accepts(key) {
				t.Error("it is not accepted before the hour is over")
			}
		}
		<-time.After(2 * time.Second)
		if cache.Accepts(key) || cache.Name(key) != "ada" {
			t.Errorf("after an hour: accepted %v, of %q", cache.Accepts(key), cache.Name(key))
		}
	})
}

func TestMadeUpKeysTakeNoRoom(t *testing.T) {
	p := &platform{200, `{}`}
	c, cache := learning(t, p)
	known := parseKey(t, "polt_known")
	write(t, c, known)
	p.status = http.StatusUnauthorized
	for i := range 10_001 {
		write(t, c, parseKey(t, fmt.Sprint("polt_made_up_", i)))
	}
	if !cache.Accepts(known) {
		t.Error("they pushed out one that is known")
	}
}

func TestKeyThatWasNotUsedForLongestMakesRoom(t *testing.T) {
	c, cache := learning(t, &platform{200, `{}`})
	key := func(i int) polt.Key { return parseKey(t, fmt.Sprint("polt_", i)) }
	for i := range 10_000 {
		write(t, c, key(i))
	}
	write(t, c, key(0))
	write(t, c, key(10_000))
	for i, want := range map[int]bool{0: true, 1: false, 2: true, 9_999: true, 10_000: true} {
		if got := cache.Accepts(key(i)); got != want {
			t.Errorf("key %d is accepted: %v", i, got)
		}
	}
}
