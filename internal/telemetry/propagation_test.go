package telemetry_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// TestPassedOn is for a server that does not trace: what came goes on, and
// nothing that is invalid does.
func TestPassedOn(t *testing.T) {
	const state = "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"
	for name, test := range map[string]struct{ parent, state, wantParent, wantState string }{
		"sampled":                 {parent, "", parent, ""},
		"not sampled":             {unsample, "", unsample, ""},
		"with a state":            {parent, state, parent, state},
		"a random trace id":       {parent[:53] + "03", "", parent[:53] + "03", ""},
		"none":                    {"", "", "", ""},
		"state alone":             {"", state, "", ""},
		"upper case":              {strings.ToUpper(parent), "", "", ""},
		"a later version":         {"01" + parent[2:] + "-more", "", parent, ""},
		"no version":              {"ff" + parent[2:], "", "", ""},
		"more after it":           {parent + "-00", "", "", ""},
		"too short":               {parent[:54], "", "", ""},
		"no hex":                  {parent[:20] + "g" + parent[21:], "", "", ""},
		"no hex in flags":         {parent[:53] + "0x", "", "", ""},
		"other separators":        {strings.ReplaceAll(parent, "-", "_"), "", "", ""},
		"a separator is a digit":  {parent[:35] + "0" + parent[36:], "", "", ""},
		"zero trace":              {"00-" + strings.Repeat("0", 32) + parent[35:], "", "", ""},
		"zero span":               {parent[:36] + strings.Repeat("0", 16) + "-01", "", "", ""},
		"a header in it":          {parent[:53] + "\r\n", "", "", ""},
		"state with a header":     {parent, "a=b\r\nX-Evil: 1", parent, ""},
		"state without a value":   {parent, "a=", parent, ""},
		"state that is no list":   {parent, "rojo", parent, ""},
		"state with a bad key":    {parent, "Rojo=1", parent, ""},
		"state without a key":     {parent, "=1", parent, ""},
		"state of a tenant":       {parent, "1a_-*/@b=1,,x=2", parent, "1a_-*/@b=1,x=2"},
		"state that is too long":  {parent, "a=" + strings.Repeat("b", 257), parent, ""},
		"state of too many":       {parent, strings.Repeat("a=b,", 32) + "a=b", parent, ""},
		"state with a long key":   {parent, strings.Repeat("a", 257) + "=b", parent, ""},
		"state over 512":          {parent, strings.Repeat("a=bcdefghijklmnopqrs,", 25), parent, ""},
		"state with another text": {parent, "a=é", parent, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			meta, err := json.Marshal(map[string]string{"traceparent": test.parent, "tracestate": test.state, "baggage": "user=ada"})
			if err != nil {
				t.Fatal(err)
			}
			w.call("get_leaderboard", string(meta), `{}`)
			h := w.request().Header
			if got := h.Get("traceparent"); got != test.wantParent {
				t.Errorf("traceparent %q", got)
			}
			if got := h.Get("tracestate"); got != test.wantState {
				t.Errorf("tracestate %q", got)
			}
			if h.Get("baggage") != "" || h.Get("X-Evil") != "" {
				t.Errorf("sent %v", h)
			}
		})
	}
}

// TestPassedOnFromHeaders goes over HTTP, where _meta goes before the headers.
func TestPassedOnFromHeaders(t *testing.T) {
	other := strings.Replace(parent, "4bf9", "aaaa", 1)
	for name, test := range map[string]struct {
		meta       string
		headers    http.Header
		want       string
		wantStates string
	}{
		"header":             {`{}`, http.Header{"Traceparent": {parent}, "Tracestate": {"a=1", "b=2"}}, parent, "a=1,b=2"},
		"both":               {`{"traceparent":"` + parent + `"}`, http.Header{"Traceparent": {other}, "Tracestate": {"a=1"}}, parent, ""},
		"a meta that is bad": {`{"traceparent":7,"tracestate":"a=1"}`, http.Header{"Traceparent": {other}}, other, ""},
		"two":                {`{}`, http.Header{"Traceparent": {parent, other}}, "", ""},
		"bad":                {`{}`, http.Header{"Traceparent": {"00"}}, "", ""},
		"a state that's bad": {`{}`, http.Header{"Traceparent": {parent}, "Tracestate": {"é"}}, parent, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.send("tools/call", `{"name":"get_leaderboard","_meta":`+test.meta+`}`, test.headers)
			got := w.request().Header
			if got.Get("traceparent") != test.want || got.Get("tracestate") != test.wantStates {
				t.Errorf("sent %v", got)
			}
		})
	}
}
