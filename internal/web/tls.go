package web

import (
	"crypto/tls"
	"os"
	"sync"
	"time"
)

// Certificate is a certificate in files that may change, as renewals do.
type Certificate struct {
	CertFile, KeyFile string

	mu      sync.Mutex
	checked time.Time
	loaded  *tls.Certificate
	stamp   [2]time.Time // when the files that are loaded were written
}

// checkEvery is how often it is looked whether the files have changed.
const checkEvery = 5 * time.Second

// Config returns a TLS configuration with the certificate, which is loaded
// again when its files have changed. It fails where it cannot be loaded now.
func (c *Certificate) Config() (*tls.Config, error) {
	if _, err := c.get(); err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.get() },
	}, nil
}

// get returns the certificate. Files that cannot be loaded, as while they are
// being written, leave the one before in use.
func (c *Certificate) get() (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.loaded != nil && time.Since(c.checked) < checkEvery {
		return c.loaded, nil
	}
	c.checked = time.Now()
	var stamp [2]time.Time
	for i, file := range []string{c.CertFile, c.KeyFile} {
		if info, err := os.Stat(file); err == nil {
			stamp[i] = info.ModTime()
		}
	}
	if c.loaded != nil && stamp == c.stamp {
		return c.loaded, nil
	}
	loaded, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
	if err != nil {
		if c.loaded != nil {
			return c.loaded, nil
		}
		return nil, err
	}
	c.loaded, c.stamp = &loaded, stamp
	return c.loaded, nil
}
