package resources_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
	"github.com/openpolt/polt-mcp/tools/resources"
)

// echo answers each request with the key that it was made with.
func echo(r *http.Request) (int, string) {
	return 200, `{"key":"` + strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer polt_") + `"}`
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
	r := newResources(t, echo)
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
	_, err := r.State(as(t, "polt_0123"), "polt://tasks/%70olt_0123")
	if err == nil || strings.Contains(err.Error(), "polt_0123") || !strings.Contains(err.Error(), "holds the API key in use") {
		t.Errorf("the key in use as what is watched: %v", err)
	}
}

func TestMeIsReadAsWhoAskedForIt(t *testing.T) {
	r := newResources(t, echo)
	ada := state(t, r, as(t, "polt_ada"), "polt://me")
	text, err := ada.Read(as(t, "polt_bob"))
	if err != nil || !strings.Contains(string(text), `"key":"ada"`) {
		t.Errorf("%s %v", text, err)
	}
}

func TestErrorOfWhatIsWatchedNamesIt(t *testing.T) {
	r := newResources(t, func(*http.Request) (int, string) { return 404, `{}` })
	for _, uri := range []string{"polt://tasks/t-1", "polt://tasks/t%2D1", "polt://me"} {
		_, err := state(t, r, as(t, "polt_ada"), uri).Read(t.Context())
		e, ok := errors.AsType[*tools.Error](err)
		if !ok || e.Code() != polt.CodeNotFound {
			t.Fatalf("%s: %v", uri, err)
		}
		data, err := json.Marshal(e.JSONRPC(false).Data)
		if err != nil || !strings.Contains(string(data), `"uri":"`+uri+`"`) {
			t.Errorf("%s: %s %v", uri, data, err)
		}
	}
}
