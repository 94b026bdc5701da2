package resources_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
	"github.com/openpolt/polt-mcp/tools/resources"
)

// keyOf is where a context of these tests has its caller's key.
type keyOf struct{}

func as(t *testing.T, key string) context.Context {
	t.Helper()
	k, err := polt.ParseKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return context.WithValue(t.Context(), keyOf{}, k)
}

// echo answers each request with the key that it was made with.
type echo struct{}

func (echo) RoundTrip(r *http.Request) (*http.Response, error) {
	body := `{"key":"` + strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer polt_") + `"}`
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func newResources(t *testing.T) *resources.Resources {
	t.Helper()
	client, err := polt.NewClient(polt.Options{Transport: echo{}})
	if err != nil {
		t.Fatal(err)
	}
	set, err := tools.New(tools.Options{Client: client, Key: func(ctx context.Context) polt.Key {
		k, _ := ctx.Value(keyOf{}).(polt.Key)
		return k
	}})
	if err != nil {
		t.Fatal(err)
	}
	return resources.New(set)
}

func state(t *testing.T, r *resources.Resources, ctx context.Context, uri string) resources.State {
	t.Helper()
	s, err := r.State(ctx, uri)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWhatIsTheSameThingToWatch(t *testing.T) {
	r := newResources(t)
	ada, bob := as(t, "polt_ada"), as(t, "polt_bob")
	for _, c := range []struct {
		what       string
		a, b       context.Context
		uriA, uriB string
		same       bool
	}{
		{"a task is the same for all", ada, bob, "polt://tasks/t", "polt://tasks/t", true},
		{"however its id is written", ada, bob, "polt://tasks/t%2D1", "polt://tasks/t-1", true},
		{"another task is not", ada, ada, "polt://tasks/t", "polt://tasks/u", false},
		{"nor is a project of that id", ada, ada, "polt://tasks/t", "polt://projects/t", false},
		{"me is the same for one agent", ada, ada, "polt://me", "polt://me", true},
		{"and not for two", ada, bob, "polt://me", "polt://me", false},
	} {
		if same := state(t, r, c.a, c.uriA).ID == state(t, r, c.b, c.uriB).ID; same != c.same {
			t.Errorf("%s: %v", c.what, same)
		}
	}
	if _, err := r.State(ada, "polt://nothing"); err == nil {
		t.Error("what there is not can be watched")
	}
}

func TestMeIsReadAsWhoAskedForIt(t *testing.T) {
	r := newResources(t)
	ada := state(t, r, as(t, "polt_ada"), "polt://me")
	text, err := ada.Read(as(t, "polt_bob"))
	if err != nil || !strings.Contains(string(text), `"key":"ada"`) {
		t.Errorf("%s %v", text, err)
	}
}
