package polt_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/openpolt/polt-mcp/polt"
)

func TestBaseURL(t *testing.T) {
	for base, want := range map[string]string{
		"":                               "https://polt.fun.ngrok.app",
		"https://polt.fun":               "https://polt.fun",
		"https://polt.fun/":              "https://polt.fun",
		"HTTP://localhost:3000//":        "http://localhost:3000",
		"http://LOCALHOST:80/V1":         "http://localhost/V1",
		"https://Polt.Fun:443":           "https://polt.fun",
		"https://polt.fun:":              "https://polt.fun",
		"https://polt.fun:80":            "https://polt.fun:80",
		"http://[FE80::1%25Eth0]:80":     "http://[fe80::1%25Eth0]",
		"http://[::1]:3000/v1/":          "http://[::1]:3000/v1",
		"https://polt.fun/a%20b/...":     "https://polt.fun/a%20b/...",
		"https://polt.fun/a/b/c":         "https://polt.fun/a/b/c",
		"https://xn--polt-8qa.example:1": "https://xn--polt-8qa.example:1",
	} {
		var sent string
		client := newClient(t, polt.Options{BaseURL: base, Transport: roundTrips(func(req *http.Request) (*http.Response, error) {
			sent = req.URL.String()
			if req.Host != req.URL.Host {
				t.Errorf("%s: sent to host %q", base, req.Host)
			}
			if agent := req.Header.Get("User-Agent"); agent != "polt-mcp" {
				t.Errorf("User-Agent is %q", agent)
			}
			return answer(200, "{}"), nil
		})})
		if err := getTask(t.Context(), client); err != nil {
			t.Error(err)
		}
		if got := polt.CanonicalBaseURL(base); base != "" && got != want {
			t.Errorf("%s: is %s in its canonical form", base, got)
		}
		if client.BaseURL() != want || sent != want+"/api/tasks/42" {
			t.Errorf("%s: is %s, and %s was sent", base, client.BaseURL(), sent)
		}
	}
}

func TestCanonicalFormOfOtherTextIsTheText(t *testing.T) {
	for _, s := range []string{"", "sandbox:/A/b.db", "ftp://Host:21", "http://a%zz"} {
		if got := polt.CanonicalBaseURL(s); got != s {
			t.Errorf("%q became %q", s, got)
		}
	}
}

func TestBaseURLThatCannotBeUsed(t *testing.T) {
	for base, want := range map[string]string{
		"polt.fun":                          "begin with https:// or http:// and a host",
		"localhost:3000":                    "begin with https://",
		"ftp://polt.fun":                    "begin with https://",
		"https://":                          "begin with https://",
		"https://:443":                      "begin with https://",
		"https:polt.fun":                    "begin with https://",
		"/api":                              "begin with https://",
		testSecret:                          "begin with https://",
		"https://" + testSecret + "@x.test": "no user, query or fragment",
		"https://x.test/?key=" + testSecret: "no user, query or fragment",
		"https://x.test?":                   "no user, query or fragment",
		"https://x.test/#" + testSecret:     "no user, query or fragment",
		"https://x.test/a%2Fb":              "a plain path",
		"https://x.test/../a":               "a plain path",
		"https://x.test/a/.":                "a plain path",
		"https://x.test/%2e%2e":             "a plain path",
		"https://x\x7f" + testSecret:        "cannot be parsed",
		"https://ada:" + testSecret + "@%%": "cannot be parsed",
		"http://x.test:port":                "cannot be parsed",
	} {
		client, err := polt.NewClient(polt.Options{BaseURL: base})
		if err == nil {
			t.Errorf("%q is accepted as %s", base, client.BaseURL())
			continue
		}
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), testSecret) {
			t.Errorf("%q: %v, want %q", base, err, want)
		}
	}
}

// Whatever the base URL, a request goes to its host and below its path.
func FuzzBaseURL(f *testing.F) {
	for _, s := range []string{"", "https://polt.fun", "http://x/a/b/", "http://x/%2e%2e/", "http://x//..", "http://u:p@x", "http://x?q", "http://x/;a=b", "http://x/a b", "h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, base string) {
		var sent *http.Request
		client, err := polt.NewClient(polt.Options{BaseURL: base, Transport: roundTrips(func(req *http.Request) (*http.Response, error) {
			sent = req
			return answer(200, "{}"), nil
		})})
		if err != nil {
			return
		}
		if err := getTask(t.Context(), client); err != nil {
			t.Fatal(err)
		}
		if got := sent.URL.String(); got != client.BaseURL()+"/api/tasks/42" || strings.ContainsAny(got, "?# \r\n") || sent.URL.User != nil ||
			strings.Contains(sent.URL.Path, "/../") || strings.HasSuffix(client.BaseURL(), "/") {
			t.Fatalf("%q: %s", base, got)
		}
	})
}
