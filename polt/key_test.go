package polt_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/openpolt/polt-mcp/polt"
)

// leaks reports whether s has the secret in it, in any of fmt's spellings.
func leaks(s, secret string) bool {
	if strings.Contains(s, secret) {
		return true
	}
	for _, spelling := range []string{
		hex.EncodeToString([]byte(secret)), fmt.Sprintf("% x", secret), fmt.Sprintf("%# x", secret), fmt.Sprintf("%#v", []byte(secret)),
		strings.Trim(fmt.Sprint([]byte(secret)), "[]"), strings.Trim(fmt.Sprintf("%U", []rune(secret)), "[]"),
	} {
		if strings.Contains(strings.ToLower(s), strings.ToLower(spelling)) {
			return true
		}
	}
	return false
}

// holders are values with a key somewhere in them.
func holders(t testing.TB) []any {
	key := testKey(t)
	client := newClient(t, polt.Options{Key: key})
	hidden := struct{ key polt.Key }{key}
	return []any{
		key, &key, []polt.Key{key}, [1]polt.Key{key}, map[string]polt.Key{"a": key}, map[polt.Key]string{key: "a"},
		struct{ Key polt.Key }{key}, &struct{ Key *polt.Key }{&key}, struct{ Any any }{key},
		hidden, &hidden, []any{hidden}, struct{ keys []polt.Key }{[]polt.Key{key}}, struct{ keys map[string]polt.Key }{map[string]polt.Key{"a": key}},
		polt.Registration{AgentID: "7", APIKey: key}, &polt.Registration{APIKey: key},
		polt.Options{Key: key}, &polt.Options{Key: key}, client, *client, []*polt.Client{client},
		reflect.ValueOf(key), fmt.Errorf("with %v and %w", key, &polt.Error{Message: key.String()}),
	}
}

func TestKeyIsPrintedByNoVerb(t *testing.T) {
	if !leaks(fmt.Sprintf("%x", testSecret), testSecret) || !leaks(fmt.Sprint([]byte(testSecret)), testSecret) {
		t.Fatal("the test does not see a leak")
	}
	var formats []string
	for _, flags := range []string{"", "+", "#", " ", "-20", "020.3", "# "} {
		for _, verb := range "vTtbcdoOqxXUeEfFgGspwy" {
			formats = append(formats, "%"+flags+string(verb))
		}
	}
	for _, v := range holders(t) {
		for _, format := range formats {
			if s := fmt.Sprintf(format, v); leaks(s, testSecret) {
				t.Errorf("%s of %T: %s", format, v, s)
			}
		}
		if s := fmt.Sprint(v) + fmt.Sprintln(v); leaks(s, testSecret) {
			t.Errorf("Sprint of %T: %s", v, s)
		}
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if s := fmt.Sprintf(verb, testKey(t)); s != "polt_…redacted" {
			t.Errorf("%s prints %q", verb, s)
		}
	}
}

func TestKeyIsInNoEncoding(t *testing.T) {
	for _, v := range holders(t) {
		var out bytes.Buffer
		if b, err := json.Marshal(v); err == nil {
			out.Write(b)
		}
		if b, err := xml.Marshal(v); err == nil {
			out.Write(b)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("m", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "v", v)
		if leaks(out.String(), testSecret) {
			t.Errorf("%T: %s", v, out.String())
		}
	}
	if b, err := json.Marshal(polt.Registration{AgentID: "7", APIKey: testKey(t)}); err != nil ||
		string(b) != `{"agent_id":"7","api_key":"polt_…redacted"}` {
		t.Errorf("%s, %v", b, err)
	}
}

func TestNoKey(t *testing.T) {
	var none polt.Key
	if !none.IsZero() || none.Reveal() != "" || fmt.Sprint(none) != "" {
		t.Errorf("the zero key is %q and reveals %q", none, none.Reveal())
	}
	key, again := testKey(t), testKey(t)
	if key.IsZero() || key.Reveal() != testSecret || key != again || key == none {
		t.Error("a key is not what it was parsed from")
	}
}

func TestParseKeyRefuses(t *testing.T) {
	for name, bad := range map[string]string{
		"empty": "", "space": testSecret + " ", "inner space": "polt_ 0123456789", "newline": testSecret + "\r\nX-Admin: 1",
		"nul": testSecret + "\x00", "delete": testSecret + "\x7f", "non-ASCII": testSecret + "é", "invalid": testSecret + "\xff",
		"long": strings.Repeat("a", 513),
	} {
		key, err := polt.ParseKey(bad)
		if err == nil || !key.IsZero() {
			t.Errorf("%s: accepted", name)
			continue
		}
		if bad != "" && (strings.Contains(err.Error(), bad) || strings.Contains(err.Error(), "0123") || strings.Contains(err.Error(), "aaa")) {
			t.Errorf("%s: the error repeats the key: %v", name, err)
		}
	}
	if _, err := polt.ParseKey(strings.Repeat("a", 512)); err != nil {
		t.Error(err)
	}
}

func TestKeyIsDecoded(t *testing.T) {
	for data, want := range map[string]string{
		`{"agent_id":"7","api_key":"` + testSecret + `"}`: testSecret,
		`{"agent_id":"7","api_key":null}`:                 "",
		`{"agent_id":"7"}`:                                "",
	} {
		r, err := polt.Answer[polt.Registration]{Raw: []byte(data)}.Decode()
		if err != nil || r.APIKey.Reveal() != want || r.AgentID != "7" {
			t.Errorf("%s: %q, %v", data, r.APIKey.Reveal(), err)
		}
	}
	for _, data := range []string{`{"api_key":["` + testSecret + `"]}`, `{"api_key":"` + testSecret + ` x"}`, `{"api_key":"` + testSecret} {
		if _, err := (polt.Answer[polt.Registration]{Raw: []byte(data)}).Decode(); err == nil || leaks(err.Error(), testSecret) {
			t.Errorf("%s: error is %v", data, err)
		}
	}
}

func FuzzParseKey(f *testing.F) {
	for _, s := range []string{"", "a", testSecret, testSecret + "\n", "polt_é", "\xff", "%s", `"\`, strings.Repeat("a", 513)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		key, err := polt.ParseKey(s)
		if err != nil {
			if !key.IsZero() || len(s) > 20 && strings.Contains(err.Error(), s) {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		if key.Reveal() != s || strings.ContainsAny(s, " \r\n\t\x00") || len(s) > 512 {
			t.Fatalf("%q was accepted and reveals %q", s, key.Reveal())
		}
		var back polt.Key
		encoded, err := json.Marshal(s)
		if err != nil || json.Unmarshal(encoded, &back) != nil || back != key {
			t.Fatalf("%q does not decode from %s", s, encoded)
		}
		if got := fmt.Sprintf("%v %+v %x", key, struct{ k polt.Key }{key}, key); len(s) > 12 && leaks(got, s) {
			t.Fatalf("%q is printed: %s", s, got)
		}
	})
}
