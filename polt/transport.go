package polt

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"
)

const (
	dialTimeout = 5 * time.Second
	// maxConnections limits the idle connections to the platform. With the
	// standard library's default of 2, each burst of calls would end with all
	// but two closed.
	maxConnections = 64
	idleTimeout    = 90 * time.Second
)

// A transport is a connection pool that sends each request at most once, so
// that an attempt of the client is one request on the wire.
//
// [http.Transport] alone does not guarantee that. Over HTTP/2 it retries
// requests, even a POST, after RST_STREAM and GOAWAY frames, sometimes without
// limit; over HTTP/1.1 it retries a GET if a reused connection breaks. So its
// HTTP/2 is replaced (see http2Conns), and over HTTP/1.1 a GET is made
// unrepeatable.
type transport struct {
	pool  *http.Transport
	http2 *http2Conns
}

func newTransport(o Options) (*transport, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	if o.CAFile != "" {
		pool, err := certPool(o.CAFile)
		if err != nil {
			return nil, err
		}
		config.RootCAs = pool
	}
	proxy := http.ProxyFromEnvironment
	if !o.PlaintextProxy {
		proxy = noPlaintextProxy
	}
	conns := newHTTP2Conns()
	return &transport{
		http2: conns,
		pool: &http.Transport{
			Proxy:               proxy,
			DialContext:         (&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}).DialContext,
			TLSClientConfig:     config,
			TLSNextProto:        map[string]func(string, *tls.Conn) http.RoundTripper{"h2": conns.add},
			MaxIdleConns:        maxConnections,
			MaxIdleConnsPerHost: maxConnections,
			IdleConnTimeout:     idleTimeout,
			TLSHandshakeTimeout: dialTimeout,
			// A response of some 20 kB arrives in one piece.
			ReadBufferSize: 32 << 10,
		},
	}, nil
}

// noPlaintextProxy returns the environment's proxy, or an error if the proxy
// could read the request and its key. For an https:// URL, a proxy only tunnels
// encrypted data.
func noPlaintextProxy(req *http.Request) (*url.URL, error) {
	proxy, err := http.ProxyFromEnvironment(req)
	if err != nil {
		return nil, errors.New("the environment's proxy has no valid URL") // the URL is not quoted: it may contain a password
	}
	if proxy != nil && req.URL.Scheme == "http" {
		return nil, errPlaintextProxy
	}
	return proxy, nil
}

var errPlaintextProxy = errors.New("HTTP_PROXY would see the API key, because the platform's URL begins with http://: " +
	"use https://, put the host into NO_PROXY, or allow it with --plaintext-proxy")

// certPool returns the system's certificates plus those of a PEM file.
func certPool(caFile string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(caFile) //nolint:gosec // the file is the operator's choice
	if err != nil {
		return nil, fmt.Errorf("the CA file cannot be read: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("the CA file %s has no PEM certificate", caFile)
	}
	return pool, nil
}

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body == nil && req.Method == http.MethodGet {
		once := *req
		once.Body = unrepeatable{}
		once.TransferEncoding = identity
		req = &once
	}
	return t.pool.RoundTrip(req)
}

func (t *transport) CloseIdleConnections() {
	t.pool.CloseIdleConnections()
	t.http2.closeIdle()
}

// unrepeatable is the empty body of a request that net/http must not retry: it
// retries a GET only if it has no body or one that can be rewound. The empty
// body of a GET is not visible on the wire.
type unrepeatable struct{}

// identity makes net/http accept such a body as it is: otherwise it starts a
// goroutine and a timer per request to probe whether the body is empty.
var identity = []string{"identity"}

func (unrepeatable) Read([]byte) (int, error) { return 0, io.EOF }
func (unrepeatable) Close() error             { return nil }

// WriteTo saves net/http the buffer for copying.
func (unrepeatable) WriteTo(io.Writer) (int64, error) { return 0, nil }
