package web

import (
	"crypto/tls"
	"os"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// Certificate is a certificate that is reloaded when its files change, such as on
// renewal.
type Certificate struct {
	certFile, keyFile string
	log               zerolog.Logger
	onLoad            func(notAfter time.Time)

	mu      sync.Mutex
	checked time.Time
	loaded  *tls.Certificate
	stamp   [2]time.Time // modification times at the last load, successful or not
}

// checkEvery is how often the server checks whether the files have changed.
const checkEvery = 5 * time.Second

// LoadCertificate loads a certificate and its private key from PEM files. They are
// reloaded when the files have changed, and by [Certificate.Reload]. Each load is
// logged, and onLoad is called with the new certificate's expiry.
func LoadCertificate(certFile, keyFile string, log zerolog.Logger, onLoad func(notAfter time.Time)) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile, log: log, onLoad: onLoad}
	if err := c.load(); err != nil {
		return nil, err
	}
	c.tell(log.Info(), "loaded the TLS certificate")
	return c, nil
}

// Config returns a TLS configuration that uses the current certificate for each
// handshake.
func (c *Certificate) Config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current(), nil },
	}
}

// Reload reloads the certificate. On failure the previous one stays in use.
func (c *Certificate) Reload() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reload()
}

// current returns the certificate, after checking for changes.
func (c *Certificate) current() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.checked) >= checkEvery {
		c.checked = time.Now()
		if c.written() != c.stamp {
			c.reload()
		}
	}
	return c.loaded
}

// reload loads the files and logs the result. The caller holds mu.
func (c *Certificate) reload() {
	if err := c.load(); err != nil {
		c.tell(c.log.Error().Err(err), "cannot reload the TLS certificate: still using the previous one")
		return
	}
	c.tell(c.log.Info(), "reloaded the TLS certificate")
}

func (c *Certificate) load() error {
	c.checked, c.stamp = time.Now(), c.written() // before reading, so that a concurrent write counts as a change
	loaded, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return err
	}
	c.loaded = &loaded
	c.onLoad(loaded.Leaf.NotAfter)
	return nil
}

// written returns the modification times of the files; zero for missing ones.
func (c *Certificate) written() (stamp [2]time.Time) {
	for i, file := range []string{c.certFile, c.keyFile} {
		if info, err := os.Stat(file); err == nil {
			stamp[i] = info.ModTime()
		}
	}
	return stamp
}

// tell logs the certificate that is in use.
func (c *Certificate) tell(event *zerolog.Event, message string) {
	leaf := c.loaded.Leaf
	event.Str("file", c.certFile).Strs("names", leaf.DNSNames).Str("serial", leaf.SerialNumber.Text(16)).Time("not_after", leaf.NotAfter).Msg(message)
	if time.Now().After(leaf.NotAfter) {
		c.log.Warn().Str("file", c.certFile).Time("not_after", leaf.NotAfter).Msg("the TLS certificate has expired: clients will reject it")
	}
}
