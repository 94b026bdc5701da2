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

// platform answers a request with a status and a body.
type platform func(*http.Request) (int, string)

func (p platform) RoundTrip(r *http.Request) (*http.Response, error) {
	status, body := p(r)
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func newResources(t *testing.T, p platform) *resources.Resources {
	t.Helper()
	client, err := polt.NewClient(polt.Options{Transport: p})
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
