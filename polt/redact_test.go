package polt_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/openpolt/polt-mcp/polt"
)

// escapedSecret is the key as JSON's escapes spell its first character.
const escapedSecret = `\u0070olt_0123456789abcdef`

// spell spells some characters of a text as JSON's escapes.
func spell(t *rapid.T, text string) string {
	var out strings.Builder
	for _, c := range []byte(text) {
		switch rapid.IntRange(0, 3).Draw(t, "spelling") {
		case 0:
			fmt.Fprintf(&out, `\u%04x`, c)
		case 1:
			fmt.Fprintf(&out, `\u%04X`, c)
		case 2:
			if c == '/' {
				out.WriteByte('\\')
			}
			fallthrough
		default:
			if c == '"' || c == '\\' {
				out.WriteByte('\\')
			}
			out.WriteByte(c)
		}
	}
	return out.String()
}

// TestRedactEverySpelling spells keys, with any characters that a key may have,
// in every way that JSON has, and looks at what the text decodes to.
func TestRedactEverySpelling(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := "polt_" + rapid.StringOfN(rapid.RuneFrom([]rune(`abcxyz019_-/"\+`)), 8, 20, -1).Draw(t, "secret")
		key, err := polt.ParseKey(secret)
		if err != nil {
			t.Skip() // it looks like a placeholder
		}
		around := rapid.SampledFrom([]string{"", "p", "pol", "polt_", `\n`, `\u0070`, "é", `\"`, " "})
		text := `{"message":"` + around.Draw(t, "before") + spell(t, secret) + around.Draw(t, "after") + `","n":1}`
		redacted := key.Redact([]byte(text))
		var decoded map[string]any
		if err := json.Unmarshal(redacted, &decoded); err != nil {
			t.Fatalf("%s became %s: %v", text, redacted, err)
		}
		if message := decoded["message"].(string); strings.Contains(message, secret) || !strings.Contains(message, polt.Redacted) {
			t.Errorf("%s became %s", text, redacted)
		}
	})
}

func TestRedactLeavesOtherTexts(t *testing.T) {
	key := testKey(t)
	for _, text := range []string{
		"", "{}", `{"a":"\u0070olt_","b":"polt_012345678","c":"\\u0070"}`, `\`, `\u00`, `\u0070`, `\u007`, `"\u00zz"`, "\xff\\u0070olt\xff",
		`"\u0070olt_0123456789abcde\u0067"`, `{"path":"C:\\u0\\polt_"}`,
	} {
		if got := string(key.Redact([]byte(text))); got != text {
			t.Errorf("%q became %q", text, got)
		}
		if got := string(polt.Key{}.Redact([]byte(text))); got != text {
			t.Errorf("without a key, %q became %q", text, got)
		}
	}
}

// What the platform repeats of the key is redacted in answers and in errors,
// however it is spelled.
func TestEchoIsRedacted(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
	}{
		"an answer":               {200, `{"message":"` + escapedSecret + `","again":"` + testSecret + `"}`},
		"an error":                {400, `{"error":"` + escapedSecret + ` is bad"}`},
		"an error in text":        {400, testSecret + " is bad"},
		"an error within another": {400, `{"error":{"message":"` + escapedSecret + `"}}`},
		"encoded twice":           {500, `{"message":"{\"key\":\"\\u0070olt_0123456789abcdef\"}"}`},
		"an answer in a text":     {200, `{"log":"{\"key\":\"\\u0070olt_0123456789abcdef\"}"}`},
		"behind a backslash":      {200, `{"path":"C:\\\u0070olt_0123456789abcdef"}`},
		"no JSON":                 {200, `key=` + testSecret},
		"no JSON, escaped":        {200, `key=` + escapedSecret},
		"a redirect":              {302, ""},
	} {
		client := fake(t, polt.Options{Key: testKey(t)}, func(int, *http.Request) (*http.Response, error) {
			return answer(test.status, test.body, "Location", "https://other.example/?key="+testSecret), nil
		})
		got, err := polt.VerifyKey.Call(t.Context(), client, polt.VerifyKeyInput{})
		text := string(got.Raw)
		if err == nil && !json.Valid(got.Raw) {
			t.Errorf("%s: %s is not JSON", name, text)
		}
		if err != nil {
			text = err.Error()
		}
		if strings.Contains(text, "0123456789abcdef") || !strings.Contains(text, polt.Redacted) {
			t.Errorf("%s: %s", name, text)
		}
	}
}

// net/http repeats a header that it cannot read, and whoever logs attempts
// would too.
func TestMalformedHeaderIsRedacted(t *testing.T) {
	for _, line := range []string{"Authorization Bearer " + testSecret, "X-Key polt_ffffffffffffffff"} {
		client, attempts := rawServer(t, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"+line+"\r\n\r\n{}")
		_, err := polt.VerifyKey.Call(t.Context(), client, polt.VerifyKeyInput{})
		e := failure(t, err)
		for what, text := range map[string]string{
			"message": e.Message, "cause": fmt.Sprint(e.Err), "attempt": fmt.Sprint((*attempts)[0].Err), "details": fmt.Sprintf("%+v", (*attempts)[0].Err),
		} {
			if strings.Contains(text, "0123456789abcdef") || strings.Contains(text, "ffffffffffffffff") || !strings.Contains(text, polt.Redacted) {
				t.Errorf("%q: the %s is %q", line, what, text)
			}
		}
		for err := error(e); err != nil; err = errors.Unwrap(err) {
			if strings.Contains(err.Error(), "0123456789abcdef") {
				t.Errorf("it wraps %v", err)
			}
		}
	}
}

// rawServer returns a client of a server that answers everything with the same
// bytes.
func rawServer(t *testing.T, bytes string) (*polt.Client, *[]polt.Attempt) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 4096))
			_, _ = conn.Write([]byte(bytes))
			_ = conn.Close()
		}
	}()
	var attempts []polt.Attempt
	client := newClient(t, polt.Options{
		BaseURL: "http://" + listener.Addr().String(), Key: testKey(t),
		OnAttempt: func(_ context.Context, a polt.Attempt) { attempts = append(attempts, a) },
	})
	return client, &attempts
}

// newSecret is the key of an agent that registers, which the client does not
// have yet.
const newSecret = "polt_fedcba9876543210"

// The answer to a registration need not be JSON as a whole for its key to be
// found: nobody will be given that key again.
func TestRegistrationIsSalvaged(t *testing.T) {
	const object = `{"agent_id":"7","api_key":"` + newSecret + `"}`
	for name, body := range map[string]string{
		"as it should be":       object,
		"a byte order mark":     "\ufeff" + object,
		"a warning before it":   "Warning: {deprecated} in line {1}\n" + object,
		"text after it":         object + "\n<!-- 3 ms -->",
		"a callback":            "/**/callback(" + object + ");",
		"cut off after the key": `{"agent_id":"7","api_key":"` + newSecret + `","welcome":"he`,
		"100,000 levels":        `{"x":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `,"answer":` + object + `}`,
		"invalid UTF-8":         "\xff\xfe" + object,
		"braces before it":      strings.Repeat("{", 100) + object,
	} {
		client := fake(t, polt.Options{}, func(int, *http.Request) (*http.Response, error) { return answer(201, body), nil })
		got, err := polt.RegisterAgent.Call(t.Context(), client, polt.RegisterAgentInput{Username: "ada"})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if r, err := got.Decode(); err != nil || r.AgentID != "7" || r.APIKey.Reveal() != newSecret {
			t.Errorf("%s: %.200s, %v", name, got.Raw, err)
		}
	}
}

// Where the connection breaks after the key, the agent has it all the same.
func TestRegistrationIsSalvagedFromAPart(t *testing.T) {
	client, attempts := rawServer(t, "HTTP/1.1 201 Created\r\nContent-Length: 1000\r\n\r\n"+`{"agent_id":"7","api_key":"`+newSecret+`","welcome":`)
	got, err := polt.RegisterAgent.Call(t.Context(), client, polt.RegisterAgentInput{Username: "ada"})
	if err != nil || len(*attempts) != 1 {
		t.Fatalf("after %d attempts: %v", len(*attempts), err)
	}
	if r, err := got.Decode(); err != nil || r.APIKey.Reveal() != newSecret || r.AgentID != "7" {
		t.Errorf("%s, %v", got.Raw, err)
	}
}

// Where no key is found in it, the error has none either.
func TestErrorAboutRegistrationHasNoKey(t *testing.T) {
	for name, body := range map[string]string{
		"text":           "Your key: " + newSecret,
		"cut off in it":  `<pre>{"api_key":"` + newSecret,
		"spelled oddly":  `key: \u0070olt_fedcba9876543210`,
		"a fault of it":  `}{"api_key":` + newSecret + `}`,
		"another's name": `;"key":"` + newSecret + `"`,
	} {
		client := fake(t, polt.Options{}, func(int, *http.Request) (*http.Response, error) { return answer(200, body), nil })
		_, err := polt.RegisterAgent.Call(t.Context(), client, polt.RegisterAgentInput{Username: "ada"})
		if e := failure(t, err); e.Code != polt.CodeOutcomeUnknown || strings.Contains(e.Error(), "fedcba987") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestByteOrderMarkIsLeftOut(t *testing.T) {
	client := fake(t, polt.Options{}, func(int, *http.Request) (*http.Response, error) {
		return answer(200, "\ufeff"+`{"tasks":[{"id":"t-1"}]}`), nil
	})
	got, err := polt.ListTasks.Call(t.Context(), client, polt.ListTasksInput{})
	if err != nil {
		t.Fatal(err)
	}
	if list, err := got.Decode(); err != nil || len(list.Tasks) != 1 {
		t.Errorf("%s, %v", got.Raw, err)
	}
}
