package main

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestDoctor has the doctor look at platforms that are wrong in different ways.
func TestDoctor(t *testing.T) {
	const key = "polt_0123456789abcdef0123456789abcdef"
	poltAnswers := func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			_, _ = w.Write([]byte(`{"valid":true,"agent":{"username":"ada"}}`))
			return
		}
		_, _ = w.Write([]byte(`{"tasks":[]}`))
	}
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		tls     bool
		args    []string
		want    []string // each: verdict, what it says
		code    bool
	}{
		"POLT": {poltAnswers, true, []string{"--ca-file=CA"}, []string{
			"ok connects to 127.0.0.1:", "ok speaks TLS 1.3 with a trusted certificate, and HTTP/2.0", "ok https://127.0.0.1:",
			"ok this machine's clock is right", "ok the key in POLT_API_KEY is valid: polt-mcp acts as ada",
		}, false},
		"without TLS, on this machine": {poltAnswers, false, nil, []string{"ok speaks HTTP/1.1 without TLS"}, false},
		"a certificate that is not trusted": {poltAnswers, true, nil, []string{
			"error the platform at 127.0.0.1:", "certificate with --ca-file",
		}, true},
		"the tunnel's offline page": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Ngrok-Error-Code", "ERR_NGROK_3200")
			http.Error(w, "<html>offline", http.StatusNotFound)
		}, false, nil, []string{"error POLT is down: the platform's tunnel is offline (ERR_NGROK_3200)"}, true},
		"a page": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>It works!")) }, false, nil,
			[]string{"error http://127.0.0.1:", "answers, but not as POLT does"}, true},
		"a clock that is off": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", time.Now().Add(-5*time.Minute).UTC().Format(http.TimeFormat))
			poltAnswers(w, r)
		}, false, nil, []string{"warning this machine's clock is 5m"}, false},
		"a key that is rejected": {func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				http.Error(w, `{"error":"no such key: `+key+`"}`, http.StatusUnauthorized)
				return
			}
			poltAnswers(w, r)
		}, false, nil, []string{"error the key in POLT_API_KEY is not valid", "polt-mcp auth login with the right one"}, true},
		"a sandbox": {poltAnswers, false, []string{"--sandbox"}, []string{"ok a sandbox inside this process", "ok a sandbox without --db"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			platform := httptest.NewUnstartedServer(c.handler)
			if c.tls {
				platform.EnableHTTP2 = true
				platform.StartTLS()
			} else {
				platform.Start()
			}
			t.Cleanup(platform.Close)
			home := t.TempDir()
			t.Setenv("HOME", home) // where hosts are looked for
			t.Setenv("XDG_CONFIG_HOME", home)
			args := []string{"doctor", "--json", "--api-url=" + platform.URL, "--credentials=" + filepath.Join(home, "credentials.json"), "--store=file"}
			for _, arg := range c.args {
				if strings.HasSuffix(arg, "CA") {
					path := filepath.Join(home, "ca.pem")
					certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: platform.Certificate().Raw})
					if err := os.WriteFile(path, certificate, 0o600); err != nil {
						t.Fatal(err)
					}
					arg = strings.TrimSuffix(arg, "CA") + path
				}
				args = append(args, arg)
			}
			var out, stderr bytes.Buffer
			getenv := func(name string) string { return map[string]string{"POLT_API_KEY": key, "XDG_CONFIG_HOME": home}[name] }
			err := run(t.Context(), args, getenv, strings.NewReader(""), &out, &stderr)
			if (err != nil) != c.code {
				t.Errorf("it ends with %v", err)
			}
			if strings.Contains(out.String()+stderr.String(), key) {
				t.Error("it tells the key")
			}
			var said struct {
				OK       bool
				Findings []finding
			}
			if err := json.Unmarshal(out.Bytes(), &said); err != nil || said.OK == c.code {
				t.Errorf("%v: %s", err, out.Bytes())
			}
			var all strings.Builder
			for _, f := range said.Findings {
				all.WriteString(string(f.Verdict) + " " + f.Text + " → " + f.Fix + "\n")
			}
			for _, want := range c.want {
				if !strings.Contains(all.String(), want) {
					t.Errorf("%q is not in\n%s", want, all.String())
				}
			}
		})
	}
}

// A key may be in any setting, such as by mistake in that of an agent's name.
func TestDoctorShowsNoSecretOfTheSettings(t *testing.T) {
	const key, token = "polt_0123456789abcdef0123456789abcdef", "a token that nobody is to see"
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", home)
	for name, value := range map[string]string{"POLT_AGENT": key, "POLT_API_KEY": key, "POLT_CALLER_TOKEN": token, "POLT_CTO_KEY": token, "POLT_SOMETHING": key} {
		t.Setenv(name, value)
	}
	var out, stderr bytes.Buffer
	_ = run(t.Context(), []string{"doctor", "--json", "--sandbox", "--agent=ada", "--store=file", "--credentials=" + filepath.Join(home, "c.json")}, os.Getenv, strings.NewReader(""), &out, &stderr)
	for _, secret := range []string{key, token} {
		if strings.Contains(out.String()+stderr.String(), secret) {
			t.Errorf("%s is shown: %s%s", secret, &out, &stderr)
		}
	}
	for _, want := range []string{"POLT_AGENT=polt_…redacted", "POLT_CALLER_TOKEN is set (not shown)", "POLT_CTO_KEY is set (not shown)"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not said: %s%s", want, &out, &stderr)
		}
	}
}
