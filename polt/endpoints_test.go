package polt_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"slices"
	"testing"

	"github.com/openpolt/polt-mcp/polt"
)

// endpoint is an endpoint of any type.
type endpoint struct {
	polt.Operation
	// call fills an input and calls the endpoint with it.
	call func(ctx context.Context, c *polt.Client, fill func(in reflect.Value)) ([]byte, error)
}

func of[In, Out any](e polt.Endpoint[In, Out]) endpoint {
	return endpoint{e, func(ctx context.Context, c *polt.Client, fill func(reflect.Value)) ([]byte, error) {
		var in In
		fill(reflect.ValueOf(&in).Elem())
		answer, err := e.Call(ctx, c, in)
		return answer.Raw, err
	}}
}

var endpoints = []endpoint{
	of(polt.RegisterAgent), of(polt.VerifyKey),
	of(polt.ListTasks), of(polt.ListRecentTasks), of(polt.GetTask),
	of(polt.CommitToTask), of(polt.AbandonTask), of(polt.SubmitWork),
	of(polt.ListProjects), of(polt.GetProject), of(polt.ListProjectTasks),
	of(polt.VoteOnProject), of(polt.ReplyToProject),
	of(polt.GetAgent), of(polt.ListContributions), of(polt.ListCommittedTasks), of(polt.UpdateProfile),
	of(polt.GetLeaderboard),
}

// A documented endpoint is a row of testdata/endpoints.json, which is the
// table in the platform's documents, and what its calls look like on the wire.
type documented struct {
	Method, Path string
	Auth         bool
	ContentType  *string `json:"content_type"`
	Calls        []struct {
		Arguments json.RawMessage
		URI       string
		Body      string
	}
}

func (d documented) route() string { return route(d.Method, d.Path) }

var placeholders = regexp.MustCompile(`:\w+|\{\w+\}`)

// route names an endpoint whatever the names of its placeholders.
func route(method, path string) string {
	return method + " " + placeholders.ReplaceAllString(path, "*")
}

func documentedEndpoints(t testing.TB) []documented {
	t.Helper()
	data, err := os.ReadFile("testdata/endpoints.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []documented
	if err := strictly(data, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// strictly decodes data, in which nothing may be that v has no place for.
func strictly(data []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	return dec.Decode(v)
}

func TestOperationsAreTheDocumentedOnes(t *testing.T) {
	public := map[string]bool{}
	var want, declared, tested []string
	for _, d := range documentedEndpoints(t) {
		want = append(want, d.route())
		public[d.route()] = !d.Auth
	}
	for _, op := range polt.Operations() {
		r := route(op.Method(), op.Path())
		declared = append(declared, r)
		if op.Public() != public[r] {
			t.Errorf("%s: Public is %t, documented as %t", r, op.Public(), public[r])
		}
	}
	for _, e := range endpoints {
		tested = append(tested, route(e.Method(), e.Path()))
	}
	if len(want) != 18 {
		t.Errorf("%d endpoints in testdata, want 18", len(want))
	}
	slices.Sort(want)
	for name, got := range map[string][]string{"declared": declared, "tested": tested} {
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q\ndocumented: %q", name, got, want)
		}
	}
}

// arrived is a request as the platform sees it.
type arrived struct {
	method, uri, body, agent   string
	contentType, authorization []string
	length                     int64
}

func TestRequestsOnTheWire(t *testing.T) {
	var got []arrived
	client := newClient(t, polt.Options{
		UserAgent: "polt-mcp/1.2.3",
		BaseURL: serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			if accept := r.Header.Get("Accept"); accept != "application/json" {
				t.Errorf("Accept is %q", accept)
			}
			got = append(got, arrived{
				r.Method, r.RequestURI, string(body), r.UserAgent(),
				r.Header["Content-Type"], r.Header["Authorization"], r.ContentLength,
			})
			write(w, `{}`)
		})),
	})
	for _, d := range documentedEndpoints(t) {
		e := endpoints[slices.IndexFunc(endpoints, func(e endpoint) bool { return route(e.Method(), e.Path()) == d.route() })]
		for _, call := range d.Calls {
			t.Run(d.Method+" "+call.URI, func(t *testing.T) {
				got = nil
				_, err := e.call(t.Context(), client, func(in reflect.Value) {
					if err := strictly(call.Arguments, in.Addr().Interface()); err != nil {
						t.Fatal(err)
					}
				})
				if err != nil {
					t.Fatal(err)
				}
				want := arrived{
					method: d.Method, uri: testPrefix + call.URI, agent: "polt-mcp/1.2.3",
					body: call.Body, length: int64(len(call.Body)),
				}
				if d.ContentType != nil {
					want.contentType = []string{*d.ContentType}
				}
				if d.Auth {
					want.authorization = []string{"Bearer " + testSecret}
				}
				if !reflect.DeepEqual(got, []arrived{want}) {
					t.Errorf("sent %+v\nwant %+v", got, want)
				}
			})
		}
		if len(d.Calls) == 0 {
			t.Errorf("%s has no calls", d.route())
		}
	}
}

func TestWithoutKeyOnlyPublicEndpointsAreCalled(t *testing.T) {
	calls := 0
	withKey := newClient(t, polt.Options{BaseURL: serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		if h := r.Header["Authorization"]; h != nil {
			t.Errorf("%s was sent %q", r.RequestURI, h)
		}
		write(w, `{}`)
	}))})
	client := withKey.As(polt.Key{})
	for _, e := range endpoints {
		before := calls
		_, err := e.call(t.Context(), client, fillPlain)
		if e.Public() && (err != nil || calls != before+1) {
			t.Errorf("%s %s: %d calls, error %v", e.Method(), e.Path(), calls-before, err)
		}
		if !e.Public() {
			wantCode(t, err, polt.CodeUnauthenticated)
			if calls != before {
				t.Errorf("%s %s was sent without a key", e.Method(), e.Path())
			}
		}
	}
}

// fillPlain fills an input with arguments that are in order.
func fillPlain(in reflect.Value) {
	for i := range in.NumField() {
		switch f := in.Field(i); f.Kind() {
		case reflect.String:
			f.SetString("plain")
		case reflect.Int:
			f.SetInt(1)
		case reflect.Pointer:
			f.Set(reflect.New(f.Type().Elem()))
		}
	}
}

func TestZeroEndpointIsRefused(t *testing.T) {
	client, _ := setup(t)
	_, err := polt.Endpoint[struct{}, struct{}]{}.Call(t.Context(), client, struct{}{})
	wantCode(t, err, polt.CodeInternal)
}
