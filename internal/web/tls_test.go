package web_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openpolt/polt-mcp/internal/web"
)

// writeCertificate writes a new certificate and its key.
func writeCertificate(t *testing.T, dir string, serial int64, written time.Time) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "EC PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, written, written); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

func TestCertificateIsLoadedAgainWhenItChanges(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		certFile, keyFile := writeCertificate(t, dir, 1, now)
		config, err := (&web.Certificate{CertFile: certFile, KeyFile: keyFile}).Config()
		if err != nil {
			t.Fatal(err)
		}
		serial := func() int64 {
			c, err := config.GetCertificate(&tls.ClientHelloInfo{})
			if err != nil {
				t.Fatal(err)
			}
			leaf, err := x509.ParseCertificate(c.Certificate[0])
			if err != nil {
				t.Fatal(err)
			}
			return leaf.SerialNumber.Int64()
		}
		if got := serial(); got != 1 {
			t.Errorf("certificate %d", got)
		}
		writeCertificate(t, dir, 2, now.Add(time.Second))
		pass(time.Minute)
		if got := serial(); got != 2 {
			t.Errorf("after the change, certificate %d", got)
		}
		if err := os.WriteFile(certFile, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		if got := serial(); got != 2 {
			t.Errorf("while it is written, certificate %d", got)
		}
	})
	if _, err := (&web.Certificate{CertFile: "none", KeyFile: "none"}).Config(); err == nil {
		t.Error("a certificate that is not there was loaded")
	}
}
