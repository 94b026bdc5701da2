package web_test

import (
	"bytes"
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/rs/zerolog"

	"github.com/openpolt/polt-mcp/internal/web"
)

// addressOf returns the address that a server which trusts proxies takes a
// request to come from.
func addressOf(t *testing.T, proxies []string, from string, header http.Header) string {
	t.Helper()
	address := ""
	o := options(map[string]handler{"where": func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		address = web.CallerAddress(ctx)
		return text(""), nil
	}})
	var err error
	if o.Proxies, err = web.ParseProxies(proxies); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1/mcp", bytes.NewReader([]byte(call("1", "where"))))
	maps.Copy(r.Header, header)
	r.Header.Set("Content-Type", "application/json")
	r.RemoteAddr = from
	w := httptest.NewRecorder()
	web.New(o).Handler().ServeHTTP(w, r)
	if w.Code != http.StatusOK || address == "" {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return address
}

func TestAddressBehindProxies(t *testing.T) {
	trusted := []string{"10.0.0.0/8", "192.0.2.7", "2001:db8:1::/48"}
	xff := func(lines ...string) http.Header { return http.Header{"X-Forwarded-For": lines} }
	fwd := func(lines ...string) http.Header { return http.Header{"Forwarded": lines} }
	both := func(x, f string) http.Header { return http.Header{"X-Forwarded-For": {x}, "Forwarded": {f}} }
	for name, c := range map[string]struct {
		from   string
		header http.Header
		want   string
	}{
		"no proxy":                       {"198.51.100.1:4711", nil, "198.51.100.1"},
		"who is not trusted":             {"198.51.100.1:4711", xff("203.0.113.5"), "198.51.100.1"},
		"who is not trusted, Forwarded":  {"198.51.100.1:4711", fwd("for=203.0.113.5"), "198.51.100.1"},
		"a neighbour of a proxy":         {"192.0.2.8:4711", xff("203.0.113.5"), "192.0.2.8"},
		"a proxy by its address":         {"192.0.2.7:4711", xff("203.0.113.5"), "203.0.113.5"},
		"a proxy that says nothing":      {"10.0.0.1:4711", nil, "10.0.0.1"},
		"a proxy, as IPv6 has IPv4":      {"[::ffff:10.0.0.1]:4711", xff("203.0.113.5"), "203.0.113.5"},
		"a proxy of IPv6":                {"[2001:db8:1::1%eth0]:4711", xff("203.0.113.5"), "203.0.113.5"},
		"one proxy, and what a client":   {"10.0.0.1:4711", xff("203.0.113.66, 203.0.113.5"), "203.0.113.5"},
		"two proxies":                    {"10.0.0.1:4711", xff("203.0.113.66, 203.0.113.5, 10.0.0.2"), "203.0.113.5"},
		"in two lines":                   {"10.0.0.1:4711", xff("203.0.113.66", "203.0.113.5,10.0.0.2"), "203.0.113.5"},
		"proxies alone":                  {"10.0.0.1:4711", xff("10.0.0.3, 10.0.0.2"), "10.0.0.3"},
		"with a port":                    {"10.0.0.1:4711", xff("203.0.113.5:80"), "203.0.113.5"},
		"IPv6":                           {"10.0.0.1:4711", xff("2001:db8:2::5"), "2001:db8:2::5"},
		"IPv6 with a port":               {"10.0.0.1:4711", xff("[2001:db8:2::5]:80"), "2001:db8:2::5"},
		"IPv6 in brackets, with a zone":  {"10.0.0.1:4711", xff("[fe80::5%eth0]"), "fe80::5"},
		"IPv4 as IPv6 has it":            {"10.0.0.1:4711", xff("::ffff:203.0.113.5"), "203.0.113.5"},
		"no address":                     {"10.0.0.1:4711", xff("203.0.113.66, unknown"), "10.0.0.1"},
		"an empty entry":                 {"10.0.0.1:4711", xff("203.0.113.66,"), "10.0.0.1"},
		"an empty header":                {"10.0.0.1:4711", xff(""), "10.0.0.1"},
		"no address at all":              {"10.0.0.1:4711", xff("203.0.113.66, 0.0.0.0"), "10.0.0.1"},
		"a name before a proxy":          {"10.0.0.1:4711", xff("203.0.113.66, localhost, 10.0.0.2"), "10.0.0.2"},
		"Forwarded":                      {"10.0.0.1:4711", fwd("for=203.0.113.66, for=203.0.113.5;proto=https;by=10.0.0.1"), "203.0.113.5"},
		"Forwarded in two lines":         {"10.0.0.1:4711", fwd("for=203.0.113.66", "FOR=203.0.113.5, For=10.0.0.2"), "203.0.113.5"},
		"Forwarded, quoted":              {"10.0.0.1:4711", fwd(`by="10.0.0.1:80" ; for="203.0.113.5:80"`), "203.0.113.5"},
		"Forwarded, with escapes":        {"10.0.0.1:4711", fwd(`for="203.0.113\.5"`), "203.0.113.5"},
		"Forwarded, IPv6":                {"10.0.0.1:4711", fwd(`for="[2001:db8:2::5]"`), "2001:db8:2::5"},
		"Forwarded, IPv6 with a port":    {"10.0.0.1:4711", fwd(`for="[2001:db8:2::5]:80"`), "2001:db8:2::5"},
		"Forwarded, a hidden port":       {"10.0.0.1:4711", fwd(`for="203.0.113.5:_x"`), "203.0.113.5"},
		"Forwarded, IPv6 without quotes": {"10.0.0.1:4711", fwd(`for=[2001:db8:2::5]:80`), "2001:db8:2::5"},
		"Forwarded, a hidden name":       {"10.0.0.1:4711", fwd("for=203.0.113.66, for=_hidden"), "10.0.0.1"},
		"Forwarded, a hidden proxy":      {"10.0.0.1:4711", fwd("for=203.0.113.66, for=_hidden, for=10.0.0.2"), "10.0.0.2"},
		"Forwarded, unknown":             {"10.0.0.1:4711", fwd("for=203.0.113.66, for=unknown"), "10.0.0.1"},
		"Forwarded without for":          {"10.0.0.1:4711", fwd("for=203.0.113.66, proto=https"), "10.0.0.1"},
		"Forwarded, empty elements":      {"10.0.0.1:4711", fwd("for=203.0.113.66,,for=203.0.113.5, ,"), "203.0.113.5"},
		"Forwarded, a quoted list":       {"10.0.0.1:4711", fwd(`for=203.0.113.5;host="x,for=203.0.113.66;y="`), "203.0.113.5"},
		"Forwarded, a quoted quote":      {"10.0.0.1:4711", fwd(`for=203.0.113.5;host="\",for=203.0.113.66;y="`), "203.0.113.5"},
		"Forwarded, an open quote":       {"10.0.0.1:4711", fwd(`for="203.0.113.66, for=203.0.113.5`), "10.0.0.1"},
		"Forwarded, an open quote above": {"10.0.0.1:4711", fwd(`for="203.0.113.66`, "for=203.0.113.5"), "203.0.113.5"},
		"Forwarded, for twice":           {"10.0.0.1:4711", fwd("for=203.0.113.66;for=203.0.113.5"), "10.0.0.1"},
		"Forwarded, no pair":             {"10.0.0.1:4711", fwd("203.0.113.66"), "10.0.0.1"},
		"Forwarded, no value":            {"10.0.0.1:4711", fwd("for="), "10.0.0.1"},
		"both, which agree":              {"10.0.0.1:4711", both("203.0.113.5", "for=203.0.113.5"), "203.0.113.5"},
		"both, which do not":             {"10.0.0.1:4711", both("203.0.113.5", "for=203.0.113.66"), "10.0.0.1"},
		"both, the other way round":      {"10.0.0.1:4711", both("203.0.113.66", "for=203.0.113.5"), "10.0.0.1"},
		"both, of which one says little": {"10.0.0.1:4711", both("203.0.113.5", "for=unknown"), "10.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := addressOf(t, trusted, c.from, c.header); got != c.want {
				t.Errorf("%s with %v is taken for %s, not %s", c.from, c.header, got, c.want)
			}
		})
	}
}

func TestWithoutTrustNobodyIsBelieved(t *testing.T) {
	for _, name := range []string{"X-Forwarded-For", "Forwarded", "X-Real-Ip"} {
		if got := addressOf(t, nil, "127.0.0.1:4711", http.Header{name: {"for=203.0.113.66"}, "X-Forwarded-For": {"203.0.113.66"}}); got != "127.0.0.1" {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestProxiesThatMakeNoSenseAreAnError(t *testing.T) {
	for network, want := range map[string]string{
		"":                "not a network",
		"localhost":       "not a network",
		"10.0.0.1:80":     "not a network",
		"10.0.0.0/33":     "not a network",
		"0.0.0.0/0":       "trusts every address",
		"::/0":            "trusts every address",
		"::ffff:10.0.0.0": "write it as IPv4",
	} {
		if _, err := web.ParseProxies([]string{network}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", network, err)
		}
	}
}

// Behind a proxy, callers without a key have a limit each; without trust in the
// proxy, one together.
func TestLimitsTellCallersBehindAProxyApart(t *testing.T) {
	for name, c := range map[string]struct {
		proxies []string
		second  int
	}{"trusted": {[]string{"127.0.0.0/8"}, 200}, "not trusted": {nil, 429}} {
		t.Run(name, func(t *testing.T) {
			o := options(map[string]handler{"who": who})
			o.Limits = web.Limits{CallerRate: 0.01} // one at once
			var err error
			if o.Proxies, err = web.ParseProxies(c.proxies); err != nil {
				t.Fatal(err)
			}
			r := serve(t, o)
			for _, each := range []struct {
				address string
				status  int
			}{
				{"2001:db8::1", 200},
				{"203.0.113.5", c.second},
				{"203.0.113.66, 203.0.113.5", 429},    // who makes addresses up is who it was
				{"2001:db8:0:0:ffff:ffff::9999", 429}, // of the network of the first
			} {
				got := r.do(request{body: call("1", "who"), header: map[string]string{"X-Forwarded-For": each.address}})
				if got.status != each.status {
					t.Errorf("%s is answered with %d, not %d", each.address, got.status, each.status)
				}
			}
		})
	}
}

func TestProxyThatIsNotTrustedIsHintedAt(t *testing.T) {
	for from, level := range map[string]string{"127.0.0.1:1": "warn", "10.1.2.3:1": "warn", "198.51.100.1:1": "info"} {
		log := &lockedBuffer{}
		o := options(nil)
		o.Log = zerolog.New(log)
		h := web.New(o).Handler()
		send := func(from, forwardedFor string) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1/mcp", strings.NewReader(ping))
			r.Header.Set("Content-Type", "application/json")
			if r.RemoteAddr = from; forwardedFor != "" {
				r.Header.Set("X-Forwarded-For", forwardedFor)
			}
			h.ServeHTTP(httptest.NewRecorder(), r)
		}
		if send(from, ""); len(linesOf(t, log)) != 0 {
			t.Errorf("%s: it is told of a request that was not forwarded", from)
		}
		for range 3 {
			send(from, "203.0.113.5")
		}
		lines := linesOf(t, log)
		if len(lines) != 1 || lines[0].Level != level || !strings.Contains(from, lines[0].Address) || !strings.Contains(lines[0].Message, "--trusted-proxy") {
			t.Errorf("%s: %+v", from, lines)
		}
	}
}

func TestHeadersThatDisagreeAreHintedAt(t *testing.T) {
	log := &lockedBuffer{}
	o := options(nil)
	o.Log = zerolog.New(log)
	var err error
	if o.Proxies, err = web.ParseProxies([]string{"10.0.0.0/8"}); err != nil {
		t.Fatal(err)
	}
	h := web.New(o).Handler()
	send := func(from, forwarded string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1/mcp", strings.NewReader(ping))
		r.RemoteAddr = from
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-Forwarded-For", "203.0.113.5")
		if forwarded != "" {
			r.Header.Set("Forwarded", forwarded)
		}
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	send("10.0.0.1:4711", "")
	if send("10.0.0.1:4711", "for=203.0.113.5"); len(linesOf(t, log)) != 0 {
		t.Error("it warns of headers that agree")
	}
	for range 3 {
		send("10.0.0.1:4711", "for=203.0.113.66")
	}
	lines := linesOf(t, log)
	if len(lines) != 1 || lines[0].Level != "warn" || lines[0].Address != "10.0.0.1" || !strings.Contains(lines[0].Message, "have the proxy remove the header that it does not write") {
		t.Errorf("%+v", lines)
	}
}

// FuzzForwarded has a client send anything that a proxy then appends to, or
// passes on: it must not be taken for anyone but itself, or the proxy.
func FuzzForwarded(f *testing.F) {
	for _, header := range []string{"", "for=203.0.113.66", `for="203.0.113.66`, "203.0.113.66", `host="x,for=203.0.113.66;y="`, ",", ";", `"`, `\`, "for=10.0.0.9", "10.0.0.9"} {
		f.Add(header, header)
	}
	const client, proxy = "198.51.100.1", "10.0.0.1"
	trusted := []string{"10.0.0.0/8"}
	f.Fuzz(func(t *testing.T, xff, fwd string) {
		for name, header := range map[string]http.Header{
			"a line of its own":        {"X-Forwarded-For": {xff, client}},
			"the same line":            {"X-Forwarded-For": {xff + ", " + client}},
			"Forwarded, its own":       {"Forwarded": {fwd, "for=" + client}},
			"Forwarded, the same line": {"Forwarded": {fwd + ", for=" + client}},
			"both":                     {"X-Forwarded-For": {xff + ", " + client}, "Forwarded": {fwd}},
			"both, the other way":      {"X-Forwarded-For": {xff}, "Forwarded": {fwd, "for=" + client}},
		} {
			if got := addressOf(t, trusted, proxy+":1", header); got != client && got != proxy {
				t.Errorf("%s: %v is taken for %s", name, header, got)
			}
		}
	})
}
