package web_test

import (
	"bytes"
	"crypto/tls"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/openpolt/polt-mcp/internal/certtest"
	"github.com/openpolt/polt-mcp/internal/web"
)

// writeCertificate writes a new certificate and its key, as if at a time.
func writeCertificate(t *testing.T, dir string, serial int64, written time.Time) (certFile, keyFile string) {
	t.Helper()
	certFile, keyFile = certtest.Write(t, dir, serial)
	for _, path := range []string{certFile, keyFile} {
		if err := os.Chtimes(path, written, written); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

// loadCertificate loads a certificate. serial returns that of the one that is in
// use, and logged what the log was told since it was last asked.
func loadCertificate(t *testing.T, certFile, keyFile string) (c *web.Certificate, serial func() int64, logged func() string) {
	t.Helper()
	log := &bytes.Buffer{}
	c, err := web.LoadCertificate(certFile, keyFile, zerolog.New(log), func(time.Time) {})
	if err != nil {
		t.Fatal(err)
	}
	config := c.Config()
	serial = func() int64 {
		t.Helper()
		c, err := config.GetCertificate(&tls.ClientHelloInfo{})
		if err != nil {
			t.Fatal(err)
		}
		return c.Leaf.SerialNumber.Int64()
	}
	return c, serial, func() string { defer log.Reset(); return log.String() }
}

func TestCertificateIsReloadedWhenItChanges(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		certFile, keyFile := writeCertificate(t, dir, 1, now)
		_, serial, logged := loadCertificate(t, certFile, keyFile)
		if got := serial(); got != 1 {
			t.Errorf("certificate %d", got)
		}
		contains(t, logged(), `"serial":"1","not_after":`)
		writeCertificate(t, dir, 2, now.Add(time.Second))
		pass(time.Minute)
		if got := serial(); got != 2 {
			t.Errorf("after the change, certificate %d", got)
		}
		contains(t, logged(), `"message":"reloaded the TLS certificate"`)
		if err := os.WriteFile(certFile, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			pass(time.Minute)
			if got := serial(); got != 2 {
				t.Errorf("while it is written, certificate %d", got)
			}
		}
		if log := logged(); strings.Count(log, `"level":"error"`) != 1 || strings.Count(log, "\n") != 1 {
			t.Errorf("that it cannot be reloaded is not told once: %s", log)
		}
	})
	if _, err := web.LoadCertificate("none", "none", zerolog.Nop(), func(time.Time) {}); err == nil {
		t.Error("a certificate that is not there was loaded")
	}
}

func TestCertificateIsReloadedWhenAskedFor(t *testing.T) {
	dir, written := t.TempDir(), time.Now() // the same for all: nothing shows that the files have changed
	certFile, keyFile := writeCertificate(t, dir, 1, written)
	c, serial, logged := loadCertificate(t, certFile, keyFile)
	logged()
	writeCertificate(t, dir, 2, written)
	if got := serial(); got != 1 {
		t.Errorf("before, certificate %d", got)
	}
	c.Reload()
	if got := serial(); got != 2 {
		t.Errorf("after it, certificate %d", got)
	}
	contains(t, logged(), `"level":"info"`)
	if err := os.WriteFile(keyFile, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // each time, as somebody waits for what comes of it
		c.Reload()
		if got := serial(); got != 2 {
			t.Errorf("with a key that is none, certificate %d", got)
		}
		log := logged()
		contains(t, log, `"level":"error"`)
		contains(t, log, `"serial":"2"`)
		contains(t, log, "still using the previous one")
	}
}

func TestExpiredCertificateIsWarnedOf(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) { // whose time is long past
		certFile, keyFile := writeCertificate(t, dir, 1, time.Now())
		c, _, logged := loadCertificate(t, certFile, keyFile)
		if log := logged(); strings.Contains(log, "expired") {
			t.Error(log)
		}
		pass(2 * time.Hour)
		c.Reload()
		contains(t, logged(), `"level":"warn"`)
	})
}
