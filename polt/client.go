package polt

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// DefaultBaseURL is the URL of the production platform.
const DefaultBaseURL = "https://polt.fun.ngrok.app"

const (
	defaultTimeout = 30 * time.Second
	maxAnswer      = 8 << 20 // bytes
)

// Options configure a [Client]. The zero value is a client of the production
// platform without a key.
type Options struct {
	// BaseURL is the platform's URL; empty means [DefaultBaseURL]. Its scheme
	// is http or https, and it has no user, query or fragment. Its path, if
	// any, is prefixed to every endpoint's path.
	BaseURL string
	// Key is the agent's API key; with the zero value only public endpoints can
	// be called.
	Key Key
	// Timeout bounds a call including its retries; 0 means 30 seconds.
	Timeout time.Duration
	// UserAgent is the User-Agent header; empty means "polt-mcp".
	UserAgent string
	// CAFile names a PEM file of certificates to trust in addition to the
	// system's; empty means none.
	CAFile string
	// PlaintextProxy allows requests to an http:// URL through the
	// environment's HTTP_PROXY, which can then read them, including the key. If
	// false, such requests fail.
	PlaintextProxy bool
	// Transport sends the requests, and replaces CAFile and PlaintextProxy too;
	// nil means a pool of up to 64 idle connections that uses the environment's
	// proxy and sends each request at most once. A plain [http.Transport] does
	// not: over HTTP/2 it retries requests by itself, writes included. If it is
	// not an [http.Transport], nor reports its connections to net/http/httptrace, a write
	// counts as sent whatever error it returns, but for those of dialing.
	Transport http.RoundTripper
	// WrapTransport wraps the transport, for example for tracing; nil means no
	// wrapper.
	WrapTransport func(http.RoundTripper) http.RoundTripper
	// OnAttempt, if not nil, is called after each attempt to send a request, in
	// the calling goroutine.
	OnAttempt func(context.Context, Attempt)
}

// An Attempt is one attempt to send a request to the platform.
type Attempt struct {
	Operation string // the method and the path with its placeholders
	Method    string
	Path      string // as sent, without the base URL and the query; redacted
	Number    int    // from 1; a retry if greater
	Status    int    // 0 if the platform did not respond
	Bytes     int    // of the response body
	Duration  time.Duration
	Err       error // nil if the platform responded, whatever the status
}

// A Client calls the platform. It is made by [NewClient]; the zero value cannot be
// used. It is safe for concurrent use.
type Client struct {
	base      url.URL
	key       Key
	timeout   time.Duration
	userAgent string
	transport http.RoundTripper
	onAttempt func(context.Context, Attempt)
	once      bool // disables retries
	traces    bool // the transport is known to report its connections
}

// NewClient returns a client. It sends nothing. It fails if the base URL is
// invalid, or the CA file is unreadable or has no certificate.
func NewClient(o Options) (*Client, error) {
	base, err := parseBaseURL(o.BaseURL)
	if err != nil {
		return nil, err
	}
	transport := o.Transport
	_, traces := transport.(*http.Transport)
	if transport == nil {
		traces = true
		if transport, err = newTransport(o); err != nil {
			return nil, err
		}
	}
	if o.WrapTransport != nil {
		transport = o.WrapTransport(transport)
	}
	c := &Client{
		base:      *base,
		key:       o.Key,
		timeout:   o.Timeout,
		userAgent: o.UserAgent,
		traces:    traces,
		onAttempt: o.OnAttempt,
		// Not an http.Client: it follows redirects, which would pass the key on
		// or turn a POST into a GET.
		transport: transport,
	}
	if c.timeout <= 0 {
		c.timeout = defaultTimeout
	}
	if c.userAgent == "" {
		c.userAgent = "polt-mcp"
	}
	if c.onAttempt == nil {
		c.onAttempt = func(context.Context, Attempt) {}
	}
	return c, nil
}

// As returns a client that uses another key and shares c's connections.
func (c *Client) As(key Key) *Client {
	as := *c
	as.key = key
	return &as
}

// WithoutRetries returns a client that sends each request once and shares c's
// connections.
func (c *Client) WithoutRetries() *Client {
	once := *c
	once.once = true
	return &once
}

// Key returns the client's key, or the zero value if it has none.
func (c *Client) Key() Key { return c.key }

// BaseURL returns the platform's URL without a trailing slash.
func (c *Client) BaseURL() string { return c.base.String() }

// CanonicalBaseURL returns the one spelling of a platform's URL: scheme and host in
// lower case, without the scheme's default port or a trailing slash. It returns any
// other text as it is.
func CanonicalBaseURL(s string) string {
	u, err := parseBaseURL(s)
	if s == "" || err != nil {
		return s
	}
	return u.String()
}

// defaultPorts are the ports that a URL need not name.
var defaultPorts = map[string]string{"http": "80", "https": "443"}

// parseBaseURL parses the platform's URL and brings it into its canonical form. Its
// error does not repeat s.
func parseBaseURL(s string) (*url.URL, error) {
	if s == "" {
		s = DefaultBaseURL
	}
	u, err := url.Parse(s)
	if err != nil {
		return nil, errors.New("the platform's URL cannot be parsed: it should look like " + DefaultBaseURL)
	}
	// The errors do not quote s, which may contain a password or the key.
	switch {
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return nil, errors.New("the platform's URL should begin with https:// or http:// and a host, as " + DefaultBaseURL)
	case u.User != nil, u.RawQuery != "", u.ForceQuery, u.Fragment != "":
		return nil, errors.New("the platform's URL should have no user, query or fragment")
	case u.RawPath != "" || strings.Contains(u.Path+"/", "/../") || strings.Contains(u.Path+"/", "/./"):
		return nil, errors.New("the platform's URL should have a plain path")
	}
	u.Path = strings.TrimRight(u.Path, "/")
	host, zone, scoped := strings.Cut(u.Host, "%")
	u.Host = strings.ToLower(host)
	if scoped {
		u.Host += "%" + zone // the name of a network interface
	}
	if port := u.Port(); port == "" || port == defaultPorts[u.Scheme] {
		u.Host = strings.TrimSuffix(u.Host, ":"+port)
	}
	return u, nil
}

// CloseIdleConnections closes connections that are not in use. The client
// remains usable.
func (c *Client) CloseIdleConnections() {
	if pool, ok := c.transport.(interface{ CloseIdleConnections() }); ok {
		pool.CloseIdleConnections()
	}
}
